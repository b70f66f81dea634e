"""H.264 as a degradation: the clip is really encoded and decoded.

One thread and a fixed preset, so that a clip and a quality always give the same pixels.
"""

from collections.abc import Iterator
from fractions import Fraction

import av
import numpy as np

from bvsrpp_jax.data.degradations import to_uint8
from bvsrpp_jax.media.codecs import quality_options
from bvsrpp_jax.media.color import Color, assumed
from bvsrpp_jax.media.pixels import YuvEncoder, to_rgb

_FORMAT = "yuv420p"  # what nearly all video in the world is
_PRESET = "medium"  # x264's own default, hence that of most files
_RATE = 25


def compress_h264(
    lq: np.ndarray, rng: np.random.Generator, *, crf: tuple[int, int] = (18, 35)
) -> np.ndarray:
    """Encodes a clip with libx264 and decodes it again.

    Args:
      lq: [t, h, w, 3], even sides, uint8, or float32 in [0, 1] (clipped and rounded
        first: an encoder takes eight bits).
      rng: source of the quality.
      crf: best and worst constant rate factor, both included, whole numbers that are
        equally likely. 18 is all but invisible, 35 the ruins of a small download.

    Returns:
      [t, h, w, 3] uint8.

    Raises:
      ValueError: a side is odd, or `crf` is not an ascending pair in 0 to 51.
    """
    best, worst = crf
    if not 0 <= best <= worst <= 51:
        raise ValueError(f"crf is {crf}; need 0 <= best <= worst <= 51")
    height, width = lq.shape[1:3]
    if height % 2 or width % 2:
        raise ValueError(f"frames are {width}x{height}; {_FORMAT} needs even sides")
    if lq.dtype != np.uint8:
        lq = to_uint8(lq)
    color = assumed(height)
    packets = list(_encode(lq, color, int(rng.integers(best, worst, endpoint=True))))
    frames = np.stack([to_rgb(frame, color) for frame in _decode(packets)])
    if frames.shape != lq.shape:
        raise RuntimeError(f"H.264 turned {lq.shape} into {frames.shape}")
    return frames


def _encode(clip: np.ndarray, color: Color, crf: int) -> Iterator[av.Packet]:
    _, height, width, _ = clip.shape
    encoder = av.CodecContext.create("libx264", "w")
    encoder.width, encoder.height, encoder.pix_fmt = width, height, _FORMAT
    encoder.time_base, encoder.framerate = Fraction(1, _RATE), Fraction(_RATE)
    encoder.thread_count = 1
    encoder.options = {**quality_options("libx264", crf), "preset": _PRESET}
    to_yuv = YuvEncoder(width, height, color=color, format=_FORMAT, deep=False)
    for index, pixels in enumerate(clip):
        frame = to_yuv(pixels)
        frame.pts, frame.time_base = index, encoder.time_base
        yield from encoder.encode(frame)
    yield from encoder.encode(None)


def _decode(packets: list[av.Packet]) -> Iterator[av.VideoFrame]:
    """The frames in the order of their display, which is not that of the packets."""
    decoder = av.CodecContext.create("h264", "r")
    decoder.thread_count = 1
    for packet in packets:
        yield from decoder.decode(packet)
    yield from decoder.decode(None)
