"""Folders of pictures as clips: read in natural order, written as PNG."""

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Self

import numpy as np

from bvsrpp_jax.errors import InputError
from bvsrpp_jax.media.allowed import MAX_PIXELS
from bvsrpp_jax.media.clip import ClipInfo, Frame
from bvsrpp_jax.media.failures import told_as
from bvsrpp_jax.media.pictures import (
    PICTURE_COLOR,
    encode_png,
    list_pictures,
    read_picture,
)
from bvsrpp_jax.media.pixels import to_16_bits
from bvsrpp_jax.partial import PartialFile, PartialFolder


class PictureReader:
    """The pictures of a folder, or a single picture, as a clip.

    Args:
      path: a folder, whose pictures are taken in natural order (2 before 10), or one
        picture.
      rate: frames a second.
      start, duration: the part to read, in seconds.
      deep: give uint16 pixels even where the pictures have eight bits.
      max_pixels: of a picture; larger ones are refused before they are decoded.

    Attributes:
      path: as given.
      info: what the frames are.
      excerpt: None, there is no clock of a file's own.

    Raises:
      InputError: there are no pictures, or none in that part.
    """

    def __init__(
        self,
        path: Path,
        *,
        rate: Fraction = Fraction(25),
        start: Fraction | None = None,
        duration: Fraction | None = None,
        deep: bool = False,
        max_pixels: int = MAX_PIXELS,
    ):
        self.path, self.excerpt = path, None
        self._deep, self._max_pixels = deep, max_pixels
        first = -int(-(start or 0) * rate // 1)
        stop = None if duration is None else first + -int(-duration * rate // 1)
        self._files = list_pictures(path)[first:stop]
        if not self._files:
            raise InputError(
                f"{path}: no picture is left from {float(start or 0):g} s on. Start"
                " earlier."
            )
        pixels = self._read(self._files[0])
        self.info = ClipInfo(
            name=str(path),
            width=pixels.shape[1],
            height=pixels.shape[0],
            deep=pixels.dtype == np.uint16,
            rate=rate,
            time_base=1 / rate,
            num_frames=len(self._files),
            color=PICTURE_COLOR,
            is_counted=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_) -> None:
        self.close()

    def close(self) -> None:
        """Nothing stays open between pictures."""

    def __iter__(self) -> Iterator[Frame]:
        expected = (self.info.height, self.info.width, 3)
        for pts, file in enumerate(self._files):
            pixels = self._read(file)
            if pixels.shape != expected or pixels.dtype != self.info.dtype:
                raise InputError(
                    f"{file}: {_kind(pixels)}, but {self._files[0].name} is"
                    f" {self.info.width}x{self.info.height} of"
                    f" {8 * self.info.dtype.itemsize} bits. Sort the folder."
                )
            yield Frame(pixels, pts, 1)

    def _read(self, file: Path) -> np.ndarray:
        pixels = read_picture(file, max_pixels=self._max_pixels)
        return to_16_bits(pixels) if self._deep else pixels


class _PictureSink:
    """What writers of pictures share.

    A context manager: leaving it without `commit` removes what was written.

    Raises:
      InputError: nothing can be written at `path`.
    """

    def __init__(self, path: Path, partial: type[PartialFile | PartialFolder]):
        self._path = path
        with told_as(path, "cannot be written here", "Choose another folder."):
            self._partial = partial(path)
        self._num_frames = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_) -> None:
        self._partial.discard()

    def commit(self) -> None:
        """Gives the output its name."""
        with told_as(self._path, "cannot be completed", "Nothing is left behind."):
            self._partial.publish()


class PictureWriter(_PictureSink):
    """Writes frames as 00000000.png, 00000001.png ... into the new folder `path`."""

    def __init__(self, path: Path):
        super().__init__(path, PartialFolder)

    def write(self, frame: Frame) -> None:
        """Writes one picture, of 16 bits when the pixels have them.

        Raises:
          InputError: the disk is full.
        """
        file = self._partial.path / f"{self._num_frames:08d}.png"
        with told_as(self._path, "cannot be written", "Nothing is left behind."):
            file.write_bytes(encode_png(frame.pixels))
        self._num_frames += 1


class OnePictureWriter(_PictureSink):
    """Writes the only frame of a clip as the PNG file `path`."""

    def __init__(self, path: Path):
        super().__init__(path, PartialFile)

    def write(self, frame: Frame) -> None:
        """Writes the picture.

        Raises:
          InputError: there is a second one, or the disk is full.
        """
        if self._num_frames:
            raise InputError(
                f"{self._path}: a picture holds one frame, the input has more. Name a"
                " folder or a video."
            )
        with told_as(self._path, "cannot be written", "Nothing is left behind."):
            self._partial.handle.write(encode_png(frame.pixels))
        self._num_frames += 1


def _kind(pixels: np.ndarray) -> str:
    height, width, _ = pixels.shape
    return f"{width}x{height} of {8 * pixels.itemsize} bits"
