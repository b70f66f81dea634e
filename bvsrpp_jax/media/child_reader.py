"""Reads a clip in a child process: what `VideoReader` and `PictureReader` read here."""

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Self

import numpy as np

from bvsrpp_jax.media.allowed import MAX_PIXELS
from bvsrpp_jax.media.child import Child
from bvsrpp_jax.media.clip import ClipInfo, Frame
from bvsrpp_jax.media.color import LUMA, RGB
from bvsrpp_jax.media.decoding import Excerpt
from bvsrpp_jax.media.messages import pack, unpack

_MODULE = "bvsrpp_jax.media.decoding_process"
_PATIENCE = 120.0  # seconds
_DISPLAY = 10  # numbers that describe a mastering display


class ChildReader:
    """The frames of a video or of pictures, to be iterated over once.

    Args:
      path: a video file; with a `rate` a folder of pictures or a picture.
      start, duration: the part to read, in seconds.
      rate: frames a second of pictures.
      deinterlace: of a video, see `VideoReader`.
      deep: give uint16 pixels even where there are eight bits.
      max_pixels: of a frame; larger ones are refused before they are decoded.
      patience: seconds the child may spend without a frame or any sign of work.

    Attributes:
      path: as given.
      info: what the frames are.
      excerpt: the part that is read, on the file's own clock; None of pictures.

    Raises:
      InputError: the file cannot be read, or the child crashed or hung over it.
    """

    def __init__(
        self,
        path: Path,
        *,
        start: Fraction | None = None,
        duration: Fraction | None = None,
        rate: Fraction | None = None,
        deinterlace: bool = False,
        deep: bool = False,
        max_pixels: int = MAX_PIXELS,
        patience: float = _PATIENCE,
    ):
        self.path = path
        request = {
            "path": str(path),
            "start": pack(start),
            "duration": pack(duration),
            "rate": pack(rate),
            "deinterlace": deinterlace,
            "deep": deep,
            "max_pixels": max_pixels,
        }
        self._child = Child(
            _MODULE, request, path=path, patience=patience, name="decoder"
        )
        try:
            with self._child.listening():
                info = unpack(self._child.expect("clip"), ClipInfo)
                self.info = replace(info, name=str(path))
                _check(self.info, max_pixels)
                self.excerpt = unpack(self._child.expect("excerpt"), Excerpt | None)
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_) -> None:
        self.close()

    def close(self) -> None:
        """Ends the child."""
        self._child.close()

    def __iter__(self) -> Iterator[Frame]:
        count, last = 0, None
        while True:
            self._child.progress = f"after {count} frames"
            with self._child.listening():
                frame = self._next(last)
            if frame is None:
                return
            yield frame
            count, last = count + 1, frame.pts

    def _next(self, last: int | None) -> Frame | None:
        kind, value = self._child.receive()
        if kind == "end":
            return None
        pts, duration = unpack(value, tuple[int, int])
        if kind != "frame" or duration < 0 or (last is not None and pts <= last):
            raise ValueError(f"{kind!r:.20} at {pts} for {duration}")
        pixels = np.empty((self.info.height, self.info.width, 3), self.info.dtype)
        self._child.receive_into(pixels)
        return Frame(pixels, pts, duration)


def _check(info: ClipInfo, max_pixels: int) -> None:
    """Raises a `ValueError` for what the readers never say of a clip."""
    sizes = info.width, info.height, info.rate, info.time_base, info.sample_aspect_ratio
    if min(sizes) <= 0 or info.width * info.height > max_pixels:
        raise ValueError(f"a clip of {info.width}x{info.height}")
    if info.color.matrix not in (RGB, *LUMA):
        raise ValueError(f"colour matrix {info.color.matrix}")
    if info.num_frames is not None and info.num_frames < 1:
        raise ValueError(f"{info.num_frames} frames")
    display = info.light.display
    if display is not None and len(display) != _DISPLAY:
        raise ValueError(f"a display of {len(display)} numbers")
