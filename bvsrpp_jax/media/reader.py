"""Reads a video file: upright RGB frames with their timestamps.

What would make the result quietly wrong is an `InputError` that names the frame:
damage, a change of size, interlacing, a colour space whose arithmetic is not linear.
"""

import warnings
from collections.abc import Callable, Iterator
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import Self

import av

from bvsrpp_jax.errors import InputError
from bvsrpp_jax.media.allowed import MAX_PIXELS
from bvsrpp_jax.media.clip import ClipInfo, Frame
from bvsrpp_jax.media.color import LUMA, RGB, UNSPECIFIED, Color, assumed
from bvsrpp_jax.media.decoding import Decoder, Excerpt
from bvsrpp_jax.media.failures import as_fraction
from bvsrpp_jax.media.orientation import Orientation, from_display_matrix
from bvsrpp_jax.media.pixels import bit_depth, has_alpha, is_rgb, to_rgb

_FULL_RANGE = 2  # AVCOL_RANGE_JPEG


class VideoReader:
    """The frames of a video file, to be iterated over once.

    Args:
      path: the file.
      start: skip what is shown before this, in seconds after the first frame. The first
        frame that is left gets the timestamp zero.
      duration: stop after so many seconds.
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
        max_pixels: int = MAX_PIXELS,
        on_packet: Callable[[], None] | None = None,
    ):
        self.path = path
        self._decoder = Decoder(path, max_pixels=max_pixels, on_packet=on_packet)
        begin = self._decoder.first_time + (start or 0)
        stop = None if duration is None else begin + duration
        wanted = Excerpt(None if start is None else begin, stop)
        self._frames = self._decoder.frames(wanted)
        self._first = first, pts = self._take_first(start)
        self._zero = 0 if start is None else pts
        self._orientation = _orientation_of(first, path)
        self._depth = bit_depth(first.format)
        self.excerpt = wanted
        if start is not None:
            self.excerpt = Excerpt(pts * self._decoder.time_base, stop)
        self.info = self._describe(first, start, duration)
        if has_alpha(first.format):
            warnings.warn(f"{path}: its transparency is dropped", stacklevel=2)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_) -> None:
        self.close()

    def close(self) -> None:
        """Closes the file."""
        self._decoder.close()

    def __iter__(self) -> Iterator[Frame]:
        for index, (frame, pts) in enumerate(chain([self._first], self._frames)):
            self._check(frame, index)
            pixels = self._orientation.apply(to_rgb(frame, self.info.color))
            yield Frame(pixels, pts - self._zero)

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
            deep=self._depth > 8,
            rate=self._decoder.rate,
            time_base=self._decoder.time_base,
            num_frames=self._expected(start, duration),
            color=_color_of(first, self.path),
            sample_aspect_ratio=aspect,
            is_counted=self._decoder.is_counted and start is duration is None,
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
                f"{self.path}: frame {index} is interlaced. Deinterlace the clip first."
            )
        depth = bit_depth(frame.format)
        if depth > 16 or (depth > 8) != self.info.deep:
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
