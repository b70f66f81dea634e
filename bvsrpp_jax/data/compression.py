"""H.264 and HEVC as degradations: the clip is really encoded and decoded.

One thread and a fixed preset, so that a clip and a quality always give the same pixels.
Frames pass through one by one: what is held are the few dozen that the encoder looks
ahead.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from fractions import Fraction
from itertools import chain
from typing import NamedTuple

import av
import numpy as np

from bvsrpp_jax.data.degradations import to_uint8
from bvsrpp_jax.media.codecs import quality_options
from bvsrpp_jax.media.color import Color, assumed
from bvsrpp_jax.media.pixels import YuvEncoder, to_rgb


class Codec(NamedTuple):
    """What encodes and what decodes a clip.

    Attributes:
      name: for messages.
      encoder, decoder: FFmpeg's names.
      min_side: the smallest width and height that the encoder takes.
    """

    name: str
    encoder: str
    decoder: str
    min_side: int


H264 = Codec("H.264", "libx264", "h264", 2)
# Narrower than 50 pixels, x265 4 with AVX2 writes beyond its memory, in its cutree.
HEVC = Codec("HEVC", "libx265", "hevc", 64)
_FORMAT = "yuv420p"  # what nearly all video in the world is
_PRESET = "medium"  # x264's and x265's own default, hence that of most files
_RATE = 25
# x265 has threads of its own, as many as there are cores, and where they cut a frame
# shows in the result.
_X265 = "pools=none:frame-threads=1:wpp=0:lookahead-slices=0"
# A frame that is one block wide or high (64 pixels, x265's default) it filters with
# memory that nobody has written: no two runs give the same pixels. Two blocks of 32 are
# fine.
_X265_NARROW = f"{_X265}:ctu=32"


def compress_h264(
    frames: Iterable[np.ndarray],
    rng: np.random.Generator,
    *,
    crf: tuple[int, int] = (18, 35),
) -> Iterator[np.ndarray]:
    """Encodes a clip with libx264 and decodes it again.

    Args:
      frames: [h, w, 3] each, even sides, uint8, or float32 in [0, 1] (clipped and
        rounded first: an encoder takes eight bits).
      rng: source of the quality.
      crf: best and worst constant rate factor, both included, whole numbers that are
        equally likely. 18 is all but invisible, 35 the ruins of a small download.

    Yields:
      [h, w, 3] uint8, as many.

    Raises:
      ValueError: a side is odd, or `crf` is not an ascending pair in 0 to 51.
    """
    return _compress(H264, frames, rng, crf)


def compress_hevc(
    frames: Iterable[np.ndarray],
    rng: np.random.Generator,
    *,
    crf: tuple[int, int] = (23, 40),
) -> Iterator[np.ndarray]:
    """Encodes a clip with libx265 and decodes it again.

    Args:
      frames, rng: as of `compress_h264`, sides of 64 at least.
      crf: as of `compress_h264`; x265's scale lies about five below x264's: its default
        of 28 looks as 23 does there.

    Yields:
      [h, w, 3] uint8, as many.

    Raises:
      ValueError: as of `compress_h264`, or a side is too small.
    """
    return _compress(HEVC, frames, rng, crf)


def check_sides(codec: Codec, height: int, width: int) -> None:
    """Refuses frames that a codec cannot hold.

    Raises:
      ValueError: a side is odd or too small.
    """
    if height % 2 or width % 2:
        raise ValueError(
            f"frames are {width}x{height}; {_FORMAT} needs even sides for {codec.name}"
        )
    if min(height, width) < codec.min_side:
        raise ValueError(
            f"frames are {width}x{height}; {codec.name} needs {codec.min_side} a side"
        )


def _compress(
    codec: Codec,
    frames: Iterable[np.ndarray],
    rng: np.random.Generator,
    crf: tuple[int, int],
) -> Iterator[np.ndarray]:
    best, worst = crf
    if not 0 <= best <= worst <= 51:
        raise ValueError(f"crf is {crf}; need 0 <= best <= worst <= 51")
    frames = iter(frames)
    first = next(frames)
    check_sides(codec, *first.shape[:2])
    color = assumed(len(first))
    quality = int(rng.integers(best, worst, endpoint=True))
    inside = deque()  # shapes of the frames between encoder and decoder
    sent = _noted(chain([first], frames), inside)
    for frame in _decode(codec, _encode(codec, sent, first.shape, color, quality)):
        pixels = to_rgb(frame, color)
        if not inside or pixels.shape != inside.popleft():
            raise RuntimeError(f"{codec.name} gave a frame that it was not given")
        yield pixels
    if inside:
        raise RuntimeError(f"{codec.name} lost {len(inside)} frames")


def _noted(frames: Iterable[np.ndarray], shapes: deque) -> Iterator[np.ndarray]:
    for pixels in frames:
        shapes.append(pixels.shape)
        yield pixels if pixels.dtype == np.uint8 else to_uint8(pixels)


def _encode(
    codec: Codec, clip: Iterable[np.ndarray], shape: tuple, color: Color, crf: int
) -> Iterator[av.Packet]:
    height, width, _ = shape
    encoder = av.CodecContext.create(codec.encoder, "w")
    encoder.width, encoder.height, encoder.pix_fmt = width, height, _FORMAT
    encoder.time_base, encoder.framerate = Fraction(1, _RATE), Fraction(_RATE)
    encoder.thread_count = 1
    encoder.options = _options(codec, crf, min(height, width))
    to_yuv = YuvEncoder(width, height, color=color, format=_FORMAT, deep=False)
    for index, pixels in enumerate(clip):
        frame = to_yuv(pixels)
        frame.pts, frame.time_base = index, encoder.time_base
        yield from encoder.encode(frame)
    yield from encoder.encode(None)


def _options(codec: Codec, crf: int, side: int) -> dict[str, str]:
    options = {**quality_options(codec.encoder, crf), "preset": _PRESET}
    if codec is HEVC:
        options["x265-params"] += f":{_X265 if side > 64 else _X265_NARROW}"
    return options


def _decode(codec: Codec, packets: Iterable[av.Packet]) -> Iterator[av.VideoFrame]:
    """The frames in the order of their display, which is not that of the packets."""
    decoder = av.CodecContext.create(codec.decoder, "r")
    decoder.thread_count = 1
    for packet in packets:
        yield from decoder.decode(packet)
    yield from decoder.decode(None)
