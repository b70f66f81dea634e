"""Clips of four flat patches, in any pixel format, container and rhythm.

The codes of the patches are written into the planes directly and read back from them,
by the equations of ITU-T H.273, so that no conversion of the package stands between a
colour and its test.
"""

from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

import av
import numpy as np
from av.filter import Graph

LUMA = {  # (kr, kb) by matrix code point
    1: (0.2126, 0.0722),
    5: (0.299, 0.114),
    6: (0.299, 0.114),
    9: (0.2627, 0.0593),
}
SIZE = (64, 48)
BT601_525, BT601_625 = (6, 1, 6, 6), (5, 1, 5, 6)  # matrix, range, primaries, transfer
BT709, BT709_FULL, BT2020 = (1, 1, 1, 1), (1, 2, 1, 1), (9, 1, 9, 14)
PQ, HLG = (9, 1, 9, 16), (9, 1, 9, 18)
_SEMI_PLANAR = {"nv12": "yuv420p", "p010le": "yuv420p10le"}


class Look(NamedTuple):
    """A frame as a file stores it.

    Attributes:
      time: when it is shown, in seconds.
      size: width, height.
      rgb: [2, 2, 3], the colours of the patches in [0, 1].
      tags: matrix, range, primaries, transfer.
      format: the pixel format.
    """

    time: Fraction
    size: tuple[int, int]
    rgb: np.ndarray
    tags: tuple[int, int, int, int]
    format: str


def colours(count: int) -> np.ndarray:
    """[count, 2, 2, 3] in [0, 1], far enough from the edges for every matrix."""
    return np.random.default_rng(0).uniform(0.25, 0.75, (count, 2, 2, 3))


def write_patches(
    path: Path,
    rgb: np.ndarray,
    *,
    codec: str = "libx264",
    pix_fmt: str = "yuv420p",
    tags: Sequence[int] = BT709,
    size: tuple[int, int] = SIZE,
    pts: Sequence[int] | None = None,
    time_base: Fraction = Fraction(1, 25),
    rate: Fraction = Fraction(25),
    last: int = 0,
    field: str | None = None,
    turn: int = 0,
    aspect: Fraction | None = None,
    options: dict[str, str] | None = None,
    format: str | None = None,
    add: Callable | None = None,
    **metadata: str,
) -> Path:
    """Writes a clip.

    Args:
      path: its suffix decides the container.
      rgb: [t, 2, 2, 3] in [0, 1].
      tags: matrix, range, primaries, transfer: coded so, and said so unless 2.
      pts, time_base: when each frame is shown.
      last: how long the last frame is shown, 0 to leave that to the muxer.
      field: "tff" or "bff" flags every frame as interlaced.
      turn: degrees by which a player turns it.
      aspect: width of a pixel over its height.
      options: of the encoder.
      format: FFmpeg's muxer, where the suffix does not say it.
      add: called with the container before its header is written; returns a function
        whose packets are written after the video.
      metadata: of the video stream.
    """
    pts = range(len(rgb)) if pts is None else pts
    quiet = {"x265-params": "log-level=none"} if codec == "libx265" else {}
    with av.open(str(path), "w", format=format) as output:
        video = output.add_stream(
            codec, rate=rate, options={**quiet, **(options or {})}
        )
        (video.width, video.height), video.pix_fmt = size, pix_fmt
        context = video.codec_context
        context.time_base = video.time_base = time_base
        context.colorspace, context.color_range = tags[:2]
        context.color_primaries, context.color_trc = tags[2:]
        if turn:
            video.set_display_rotation(turn)
        if aspect:
            context.sample_aspect_ratio = aspect
        video.metadata.update(metadata)
        packets = list if add is None else add(output)
        for picture, time in zip(rgb, pts, strict=True):
            frame = flagged(flat_frame(picture, pix_fmt, tags, size), field)
            frame.pts, frame.time_base = int(time), time_base
            _mux(output, video.encode(frame), pts[-1], last)
        _mux(output, video.encode(None), pts[-1], last)
        for packet in packets():
            output.mux(packet)
    return path


def flat_frame(rgb, pix_fmt: str, tags=BT709, size=SIZE) -> av.VideoFrame:
    """A frame of the patches [2, 2, 3], coded as tagged."""
    if pix_fmt in _SEMI_PLANAR:
        return flat_frame(rgb, _SEMI_PLANAR[pix_fmt], tags, size).reformat(
            format=pix_fmt
        )
    if pix_fmt in ("rgb24", "rgb48be", "rgb48le", "bgr24", "bgr0", "bgra", "rgb8"):
        deep = pix_fmt.startswith("rgb48")
        codes = np.round(rgb * (65535 if deep else 255))
        picture = _patches(codes, *size).astype(np.uint16 if deep else np.uint8)
        frame = av.VideoFrame.from_ndarray(picture, "rgb48le" if deep else "rgb24")
        return frame.reformat(format=pix_fmt)
    frame = av.VideoFrame(*size, pix_fmt)
    for index, part in enumerate(frame.format.components):
        codes = _patches(
            _codes(rgb, frame.format, index, tags), part.width, part.height
        )
        _fill(frame.planes[part.plane], codes, part.bits)
    frame.colorspace, frame.color_range = tags[:2]
    frame.color_primaries, frame.color_trc = tags[2:]
    return frame


def flagged(frame: av.VideoFrame, field: str | None) -> av.VideoFrame:
    """The frame, flagged as interlaced with that field first, or as it is."""
    if field is None:
        return frame
    graph = Graph()
    source = graph.add_buffer(
        width=frame.width,
        height=frame.height,
        format=frame.format,
        time_base=Fraction(1),
    )
    flag = graph.add("setfield", f"mode={field}")
    graph.link_nodes(source, flag, graph.add("buffersink")).configure()
    frame.pts, frame.time_base = 0, Fraction(1)
    graph.push(frame)
    return graph.pull()


def pixel_aspect(path: Path) -> Fraction:
    """Width of a pixel over its height, 1 where it is not said."""
    with av.open(str(path)) as container:
        aspect = container.streams.video[0].sample_aspect_ratio
        if not aspect or not aspect.denominator:
            return Fraction(1)
        return Fraction(aspect.numerator, aspect.denominator)


def looks(path: Path) -> list[Look]:
    """Every frame of a file."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        base = Fraction(stream.time_base.numerator, stream.time_base.denominator)
        return [
            Look(
                (frame.pts or 0) * base,
                (frame.width, frame.height),
                patches_of(frame),
                tags_of(frame),
                frame.format.name,
            )
            for frame in container.decode(stream)
        ]


def tags_of(frame: av.VideoFrame) -> tuple[int, int, int, int]:
    return (
        int(frame.colorspace),
        int(frame.color_range),
        int(frame.color_primaries),
        int(frame.color_trc),
    )


def patches_of(frame: av.VideoFrame) -> np.ndarray:
    """[2, 2, 3] in [0, 1]: the colours in the middle of the patches."""
    format = frame.format
    if format.name in _SEMI_PLANAR:
        frame = frame.reformat(format=_SEMI_PLANAR[format.name])
    if format.is_rgb or format.has_palette:
        deep = format.components[0].bits > 8
        pixels = frame.reformat(format="rgb48le" if deep else "rgb24").to_ndarray()
        return _middles(pixels) / (65535 if deep else 255)
    parts = frame.format.components
    bits = parts[0].bits
    codes = [
        _middles(_read(frame.planes[part.plane], part))
        for part in parts
        if not part.is_alpha
    ]
    grey = len(codes) == 1
    if grey:
        codes += 2 * [np.full((2, 2), 2 ** (bits - 1))]
    matrix, range_, *_ = tags_of(frame)
    full = range_ == 2 or format.name.startswith("yuvj") or (grey and not range_)
    return from_ycbcr(np.stack(codes, -1), matrix if matrix in LUMA else 6, full, bits)


def to_ycbcr(rgb: np.ndarray, matrix: int, full: bool, bits: int) -> np.ndarray:
    """[..., 3] in [0, 1] -> codes, not rounded: H.273 equations 20 to 31, 38 to 40."""
    kr, kb = LUMA[matrix]
    r, g, b = np.moveaxis(rgb, -1, 0)
    y = kr * r + (1 - kr - kb) * g + kb * b
    pb, pr = (b - y) / (2 - 2 * kb), (r - y) / (2 - 2 * kr)
    unit, peak = 2 ** (bits - 8), 2**bits - 1
    if full:
        return np.stack([peak * y, peak * pb + 128 * unit, peak * pr + 128 * unit], -1)
    luma = (219 * y + 16) * unit
    return np.stack([luma, (224 * pb + 128) * unit, (224 * pr + 128) * unit], -1)


def from_ycbcr(codes: np.ndarray, matrix: int, full: bool, bits: int) -> np.ndarray:
    """The inverse."""
    kr, kb = LUMA[matrix]
    unit, peak = 2 ** (bits - 8), 2**bits - 1
    y, cb, cr = np.moveaxis(codes.astype(np.float64), -1, 0)
    y = y / peak if full else (y / unit - 16) / 219
    pb, pr = ((c - 128 * unit) / (peak if full else 224 * unit) for c in (cb, cr))
    r, b = y + (2 - 2 * kr) * pr, y + (2 - 2 * kb) * pb
    return np.stack([r, (y - kr * r - kb * b) / (1 - kr - kb), b], -1)


def _codes(rgb: np.ndarray, format: av.VideoFormat, index: int, tags) -> np.ndarray:
    """[2, 2]: one component of the patches."""
    bits = format.components[index].bits
    if format.components[index].is_alpha:
        return np.full((2, 2), 2 ** (bits - 1))
    if format.is_rgb:
        return np.round(rgb[..., index] * (2**bits - 1))
    matrix = tags[0] if tags[0] in LUMA else 6
    grey_or_full = len(format.components) == 1 or tags[1] == 2
    return np.round(to_ycbcr(rgb, matrix, grey_or_full, bits)[..., index])


def _patches(values: np.ndarray, width: int, height: int) -> np.ndarray:
    """[2, 2, ...] -> [height, width, ...], each a quarter."""
    rows = (2 * np.arange(height) >= height).astype(int)
    columns = (2 * np.arange(width) >= width).astype(int)
    return values[rows][:, columns]


def _middles(picture: np.ndarray) -> np.ndarray:
    """[h, w, ...] -> [2, 2, ...]: means around the middles of the quarters."""
    h, w = picture.shape[:2]
    reach = h // 12
    spots = [
        [
            picture[y - reach : y + reach, x - reach : x + reach].mean((0, 1))
            for x in (w // 4, w - w // 4)
        ]
        for y in (h // 4, h - h // 4)
    ]
    return np.array(spots)


def _fill(plane, codes: np.ndarray, bits: int) -> None:
    kind = np.uint8 if bits == 8 else np.uint16
    rows = np.zeros((plane.height, plane.line_size // np.dtype(kind).itemsize), kind)
    rows[:, : codes.shape[1]] = codes
    plane.update(rows)


def _read(plane, part) -> np.ndarray:
    kind = np.uint8 if part.bits == 8 else np.uint16
    return np.frombuffer(plane, kind).reshape(plane.height, -1)[:, : part.width]


def _mux(output, packets, last_pts: int, last: int) -> None:
    for packet in packets:
        if last and packet.pts == last_pts:
            packet.duration = last
        output.mux(packet)


def sound(codec: str, *, offset: float = 0, disposition: int = 0, **metadata: str):
    """For `add`: a second of a tone, `offset` seconds after time zero."""

    def add(output) -> Callable:
        stream = output.add_stream(codec, rate=48000)
        stream.metadata.update(metadata)
        stream.disposition = disposition
        return lambda: list(_tone(stream, round(48000 * offset)))

    return add


def both(*additions: Callable) -> Callable:
    """For `add`: several of them, their packets in the order of time."""

    def add(output) -> Callable:
        later = [addition(output) for addition in additions]
        return lambda: sorted((p for packets in later for p in packets()), key=_due)

    return add


def text(codec: str, *lines: bytes, disposition: int = 0, **metadata: str):
    """For `add`: subtitles, a fifth of a second apart."""

    def add(output) -> Callable:
        stream = output.add_mux_stream(codec)
        stream.metadata.update(metadata)
        stream.disposition = disposition
        return lambda: [_line(stream, i, line) for i, line in enumerate(lines)]

    return add


def _line(stream, index: int, line: bytes) -> av.Packet:
    packet = av.Packet(line)
    packet.stream, packet.time_base = stream, Fraction(1, 1000)
    packet.pts = packet.dts = 40 + 200 * index
    packet.duration = 100
    return packet


def _tone(stream, start: int):
    stream.codec_context.open(strict=False)
    length = stream.codec_context.frame_size or 960
    format = stream.codec_context.format.name
    peak = {"s16": 2**15 - 1, "s32": 2**31 - 1, "flt": 1}[format[:3]]
    kind = {"s16": np.int16, "s32": np.int32, "flt": np.float32}[format[:3]]
    for first in range(0, 48000, length):
        wave = 0.3 * np.sin(np.arange(first, first + length) / 17) * peak
        samples = np.stack([wave, wave]).astype(kind)
        samples = samples if format.endswith("p") else samples.T.reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(samples, format=format, layout="stereo")
        frame.sample_rate, frame.time_base = 48000, Fraction(1, 48000)
        frame.pts = start + first
        yield from stream.encode(frame)
    yield from stream.encode(None)


def _due(packet: av.Packet) -> Fraction:
    base = packet.time_base
    return packet.pts * Fraction(base.numerator, base.denominator)
