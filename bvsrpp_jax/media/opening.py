"""Chooses between video files and pictures, for input and output."""

import os
from fractions import Fraction
from pathlib import Path

from bvsrpp_jax.errors import InputError
from bvsrpp_jax.media.allowed import MAX_PIXELS
from bvsrpp_jax.media.child_reader import ChildReader
from bvsrpp_jax.media.clip import ClipInfo
from bvsrpp_jax.media.frames import OnePictureWriter, PictureReader, PictureWriter
from bvsrpp_jax.media.outputs import check_output
from bvsrpp_jax.media.pictures import PICTURES
from bvsrpp_jax.media.reader import VideoReader
from bvsrpp_jax.media.writer import VideoWriter

Source = ChildReader | VideoReader | PictureReader
Sink = VideoWriter | PictureWriter | OnePictureWriter
_LARGEST_FRAME = 1 << 31  # pixels, FFmpeg's own bound
_MILLIONTH, _LARGEST = Fraction(1, 1_000_000), 10**8


def open_clip(
    path: str | os.PathLike,
    *,
    start: float | Fraction | None = None,
    duration: float | Fraction | None = None,
    fps: float | Fraction | None = None,
    max_pixels: int = MAX_PIXELS,
) -> Source:
    """Opens a video file, a folder of pictures or a single picture.

    It is decoded in a child process, which may die of a hostile file.

    Args:
      path: what to read.
      start, duration: the part to read, in seconds; None is from the beginning, or to
        the end.
      fps: frames a second of pictures, None is 25. A video has its own timestamps.
      max_pixels: of a frame; larger ones are refused before they are decoded.

    Raises:
      InputError: it cannot be read, or a number is out of range.
    """
    path = Path(path)
    start = None if start is None else _exact("start", start, zero=True)
    duration = None if duration is None else _exact("duration", duration)
    if not 1 <= max_pixels <= _LARGEST_FRAME:
        raise InputError(
            f"max_pixels: {max_pixels} is out of range. Give a number up to"
            f" {_LARGEST_FRAME}."
        )
    part = {"start": start, "duration": duration, "max_pixels": max_pixels}
    if path.is_dir() or path.suffix.lower() in PICTURES:
        rate = Fraction(25) if fps is None else _exact("fps", fps)
        return ChildReader(path, rate=rate, **part)
    if fps is not None:
        raise InputError(
            f"{path}: a video keeps its own timestamps. Leave out --fps, which is for"
            " pictures."
        )
    return ChildReader(path, **part)


def create_clip(
    path: str | os.PathLike,
    source: Source,
    info: ClipInfo,
    *,
    codec: str | None = None,
    crf: int | None = None,
    overwrite: bool = False,
) -> Sink:
    """Opens an output: a video file by its suffix, a `.png`, or else a folder.

    Args:
      path: what to write. A name without a suffix or with a / at its end is a folder.
      source: where sound and subtitles come from.
      info: what the frames to be written are.
      codec, crf: of a video, see `VideoWriter`.
      overwrite: replace an earlier output once the new one is complete.

    Raises:
      InputError: it cannot be written.
    """
    is_folder = _names_folder(path)
    path = Path(path)
    check_output(path, source=source.path, overwrite=overwrite)
    is_picture = path.suffix.lower() == ".png"
    if not is_folder and not is_picture:
        copied = {}
        if source.excerpt is not None:
            copied = {"copy_from": source.path, "excerpt": source.excerpt}
        return VideoWriter(path, info, codec=codec, crf=crf, **copied)
    if codec is not None or crf is not None:
        raise InputError(
            f"{path}: pictures have neither --codec nor --crf. Leave them."
        )
    return PictureWriter(path) if is_folder else OnePictureWriter(path)


def _exact(name: str, value: float | Fraction, *, zero: bool = False) -> Fraction:
    """The fraction that a decimal number means, to a millionth: 0.04 is 1/25."""
    least = Fraction(0) if zero else _MILLIONTH
    if not (value == value and least <= value <= _LARGEST):  # NaN equals nothing
        raise InputError(
            f"{name}: {str(value)[:20]} is out of range. Give a number from"
            f" {float(least):g} to {_LARGEST}."
        )
    return Fraction(value).limit_denominator(_MILLIONTH.denominator)


def _names_folder(path: str | os.PathLike) -> bool:
    text = os.fspath(path)
    ends = (os.sep, os.altsep) if os.altsep else (os.sep,)
    return text.endswith(ends) or Path(text).is_dir() or not Path(text).suffix
