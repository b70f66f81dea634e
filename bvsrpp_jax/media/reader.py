"""Reads a video file: upright RGB frames with their timestamps.

What would make the result quietly wrong is an `InputError` that names the frame:
damage, a change of size, interlacing, a colour space whose arithmetic is not linear.
"""

import warnings
from collections.abc import Callable, Iterator
from fractions import Fraction
from itertools import chain, pairwise
from pathlib import Path
from typing import Self

import av

from bvsrpp_jax.errors import InputError
from bvsrpp_jax.media.allowed import MAX_PIXELS
from bvsrpp_jax.media.clip import ClipInfo, Frame
from bvsrpp_jax.media.color import LUMA, RGB, UNSPECIFIED, Color, assumed
from bvsrpp_jax.media.decoding import Decoder, Excerpt
from bvsrpp_jax.media.deinterlacing import deinterlaced
from bvsrpp_jax.media.failures import as_fraction
from bvsrpp_jax.media.hdr import light_of
from bvsrpp_jax.media.orientation import Orientation, from_display_matrix
from bvsrpp_jax.media.pixels import (
    bit_depth,
    is_rgb,
    is_transparent,
    to_16_bits,
    to_rgb,
)

_FULL_RANGE = 2  # AVCOL_RANGE_JPEG


class VideoReader:
    """The frames of a video file, to be iterated over once.

    Args:
      path: the file.
      start: skip what is shown before this, in seconds after the first frame. The first
        frame that is left gets the timestamp zero.
      duration: stop after so many seconds.
      deinterlace: make frames of one moment of those that are flagged as interlaced,
        instead of refusing them.
      deep: give uint16 pixels even where the file has eight bits.
      max_pixels, on_packet: see `Decoder`.

    Attributes:
      path: the file.
      info: what the frames are.
      excerpt: the part that is read, on the file's own clock.

    Raises:
      InputError: the file cannot be read, or has no frame in that part.
    """

    def __init__(
        self,
        path: Path,
        *,
        start: Fraction | None = None,
        duration: Fraction | None = None,
        deinterlace: bool = False,
        deep: bool = False,
        max_pixels: int = MAX_PIXELS,
        on_packet: Callable[[], None] | None = None,
    ):
        self.path, self._deep = path, deep
        self._decoder = Decoder(path, max_pixels=max_pixels, on_packet=on_packet)
        begin = self._decoder.first_time + (start or 0)
        stop = None if duration is None else begin + duration
        wanted = Excerpt(None if start is None else begin, stop)
        self._frames = self._decoder.frames(wanted)
        if deinterlace:
            self._frames = deinterlaced(self._frames, path)
        self._first = first, pts = self._take_first(start)
        self._zero = 0 if start is None else pts
        self._orientation = _orientation_of(first, path)
        self._depth = bit_depth(first.format)
        self._check(first, 0)
        self.excerpt = wanted
        if start is not None:
            self.excerpt = Excerpt(pts * self._decoder.time_base, stop)
        self.info = self._describe(first, start, duration)
        if is_transparent(first):
            warnings.warn(f"{path}: its transparency is dropped", stacklevel=2)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_) -> None:
        self.close()

    def close(self) -> None:
        """Closes the file."""
        self._decoder.close()

    def __iter__(self) -> Iterator[Frame]:
        frames = chain([self._first], self._frames, [None])
        for index, ((frame, pts), following) in enumerate(pairwise(frames)):
            self._check(frame, index)
            pixels = self._orientation.apply(to_rgb(frame, self.info.color))
            pixels = to_16_bits(pixels) if self._deep else pixels
            duration = frame.duration if following is None else following[1] - pts
            yield Frame(pixels, pts - self._zero, duration)

    def _take_first(self, start: Fraction | None) -> tuple[av.VideoFrame, int]:
        first = next(self._frames, None)
        if first is None and start:
            raise InputError(
                f"{self.path}: no frame is left from {float(start):g} s on. Start"
                " earlier."
            )
        if first is None:
            raise InputError(f"{self.path}: has no video frames. Give another file.")
        return first

    def _describe(self, first: av.VideoFrame, start, duration) -> ClipInfo:
        width, height = first.width, first.height
        aspect = as_fraction(self._decoder.stream.sample_aspect_ratio) or Fraction(1)
        if self._orientation.transpose:
            width, height, aspect = height, width, 1 / aspect
        return ClipInfo(
            name=str(self.path),
            width=width,
            height=height,
            deep=self._deep or self._depth > 8,
            rate=self._decoder.rate,
            time_base=self._decoder.time_base,
            num_frames=self._expected(start, duration),
            color=_color_of(first, self.path),
            sample_aspect_ratio=aspect,
            is_counted=self._decoder.is_counted and start is duration is None,
            light=light_of(first, self.path),
        )

    def _expected(self, start, duration) -> int | None:
        promised, rate = self._decoder.num_frames, self._decoder.rate
        if promised is not None:
            promised = max(1, promised - round((start or 0) * rate))
        if duration is None:
            return promised
        within = max(1, -int(-duration * rate // 1))
        return within if promised is None else min(promised, within)

    def _check(self, frame: av.VideoFrame, index: int) -> None:
        first, _ = self._first
        if (frame.width, frame.height) != (first.width, first.height):
            raise InputError(
                f"{self.path}: frame {index} has {frame.width}x{frame.height} pixels,"
                f" those before it {first.width}x{first.height}. Split the clip there."
            )
        if frame.interlaced_frame:
            raise InputError(
                f"{self.path}: frame {index} is interlaced. Pass --deinterlace."
            )
        depth = bit_depth(frame.format)
        if depth > 16 or (depth > 8) != (self._depth > 8):
            raise InputError(
                f"{self.path}: frame {index} has pixel format {frame.format.name}."
                " Convert the clip to 8 or 10 bits first."
            )


def _orientation_of(frame: av.VideoFrame, path: Path) -> Orientation:
    matrix = frame.side_data.get("DISPLAYMATRIX")
    try:
        return from_display_matrix(b"" if matrix is None else bytes(matrix))
    except ValueError as error:
        raise InputError(f"{path}: {error}. Convert the clip first.") from error


def _color_of(frame: av.VideoFrame, path: Path) -> Color:
    """The tags of a frame; those that are missing are assumed from its height."""
    primaries, transfer = int(frame.color_primaries), int(frame.color_trc)
    if is_rgb(frame.format):
        return Color(RGB, True, primaries, transfer)
    matrix, full = int(frame.colorspace), _is_full_range(frame)
    if matrix in (RGB, UNSPECIFIED):
        guess = assumed(frame.height, full_range=full)
        primaries = guess.primaries if primaries == UNSPECIFIED else primaries
        transfer = guess.transfer if transfer == UNSPECIFIED else transfer
        matrix = guess.matrix
    if matrix not in LUMA:
        raise InputError(
            f"{path}: colour matrix {matrix} (ITU-T H.273) is not supported. Convert"
            " the clip to BT.709 or BT.2020 (non-constant luminance) first."
        )
    return Color(matrix, full, primaries, transfer)


def _is_full_range(frame: av.VideoFrame) -> bool:
    """As tagged; untagged grey is full, as are the formats that are named for it."""
    format = frame.format
    if int(frame.color_range):
        return int(frame.color_range) == _FULL_RANGE
    return format.name.startswith("yuvj") or len(format.components) == 1
