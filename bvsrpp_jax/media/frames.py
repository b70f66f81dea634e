"""Folders of pictures as clips: read in natural order, written as PNG."""

import os
import shutil
from collections.abc import Iterable, Iterator, Sequence
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
from bvsrpp_jax.media.segments import SegmentFile, file_digest, read_seal
from bvsrpp_jax.partial import PartialFile, PartialFolder, write_whole


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

    Args:
      path: the output.
      partial: what lies there until it is complete.
      folder: where that lies, None is beside `path`.

    Raises:
      InputError: nothing can be written at `path`.
    """

    most: int | None = None  # frames that fit into it

    def __init__(
        self,
        path: Path,
        partial: type[PartialFile | PartialFolder],
        folder: Path | None,
    ):
        self._path = path
        with told_as(path, "cannot be written here", "Choose another folder."):
            self._partial = partial(path, folder)
        self._num_frames = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_) -> None:
        self._partial.discard()

    def segments(self, *, threads: int) -> "PictureSegments":
        """Writes parts of this output, also after the writer is closed."""
        return PictureSegments(self._path, most=self.most)

    def join(self, paths: Sequence[Path]) -> None:
        """Takes all pictures of a clip from its segments, in their order.

        Raises:
          InputError: the disk is full.
          Damaged: a segment is not what was written.
        """
        for path in paths:
            for name in read_seal(path).files:
                with told_as(self._path, "cannot be written", "Make room."):
                    self._take(path.parent / name)
                self._num_frames += 1

    def commit(self) -> None:
        """Gives the output its name."""
        with told_as(self._path, "cannot be completed", "Nothing is left behind."):
            self._partial.publish()


class PictureSegments:
    """Writes stretches of a clip as pictures, with a segment that has their digests."""

    def __init__(self, path: Path, *, most: int | None):
        self._path, self._most = path, most

    def write(
        self, path: Path, frames: Iterable[Frame], *, job: str, first: int
    ) -> None:
        """Writes a segment, and its pictures beside it.

        Args:
          path: its file.
          frames: its frames.
          job: digest of the settings.
          first: number of the first frame.

        Raises:
          InputError: the disk is full, or these are more frames than fit.
        """
        files = {}
        for index, frame in enumerate(frames, first):  # with failures of their own
            check_fits(self._path, index + 1, self._most)
            picture = path.parent / _picture_name(index)
            with self._told_as():
                write_whole(picture, encode_png(frame.pixels))
                files[picture.name] = file_digest(picture)
        with self._told_as(), SegmentFile(path) as segment:
            segment.publish(job=job, first=first, num_frames=len(files), files=files)

    def _told_as(self):
        return told_as(self._path, "cannot be written", "Make room.")


class PictureWriter(_PictureSink):
    """Writes frames as 00000000.png, 00000001.png ... into the new folder `path`."""

    def __init__(self, path: Path, *, folder: Path | None = None):
        super().__init__(path, PartialFolder, folder)

    def write(self, frame: Frame) -> None:
        """Writes one picture, of 16 bits when the pixels have them.

        Raises:
          InputError: the disk is full.
        """
        file = self._partial.path / _picture_name(self._num_frames)
        with told_as(self._path, "cannot be written", "Nothing is left behind."):
            file.write_bytes(encode_png(frame.pixels))
        self._num_frames += 1

    def _take(self, picture: Path) -> None:
        """A second name for a picture, or a copy where files have one name only."""
        target = self._partial.path / _picture_name(self._num_frames)
        try:
            os.link(picture, target)
        except OSError:
            shutil.copyfile(picture, target)


class OnePictureWriter(_PictureSink):
    """Writes the only frame of a clip as the PNG file `path`."""

    most = 1

    def __init__(self, path: Path, *, folder: Path | None = None):
        super().__init__(path, PartialFile, folder)

    def write(self, frame: Frame) -> None:
        """Writes the picture.

        Raises:
          InputError: there is a second one, or the disk is full.
        """
        check_fits(self._path, self._num_frames + 1, self.most)
        with told_as(self._path, "cannot be written", "Nothing is left behind."):
            self._partial.handle.write(encode_png(frame.pixels))
        self._num_frames += 1

    def _take(self, picture: Path) -> None:
        self._partial.handle.write(picture.read_bytes())


def check_fits(path: Path, num_frames: int, most: int | None) -> None:
    """Raises an `InputError` unless so many frames fit; `most` None is any number."""
    if most is not None and num_frames > most:
        raise InputError(
            f"{path}: a picture holds one frame, the input has more. Name a folder or a"
            " video."
        )


def _picture_name(index: int) -> str:
    return f"{index:08d}.png"


def _kind(pixels: np.ndarray) -> str:
    height, width, _ = pixels.shape
    return f"{width}x{height} of {8 * pixels.itemsize} bits"
