"""Chooses between video files and pictures, for input and output."""

import os
import warnings
from fractions import Fraction
from pathlib import Path

import av

from bvsrpp_jax.errors import InputError
from bvsrpp_jax.media.allowed import MAX_PIXELS
from bvsrpp_jax.media.animations import is_animation
from bvsrpp_jax.media.child_reader import ChildReader
from bvsrpp_jax.media.clip import ClipInfo
from bvsrpp_jax.media.codecs import container_of, is_deep
from bvsrpp_jax.media.encoding import VideoSegments
from bvsrpp_jax.media.failures import told_as
from bvsrpp_jax.media.frames import (
    OnePictureWriter,
    PictureReader,
    PictureSegments,
    PictureWriter,
    check_fits,
)
from bvsrpp_jax.media.hdr import caution
from bvsrpp_jax.media.outputs import check_output
from bvsrpp_jax.media.pictures import PICTURES
from bvsrpp_jax.media.reader import VideoReader
from bvsrpp_jax.media.writer import VideoWriter

Source = ChildReader | VideoReader | PictureReader
Sink = VideoWriter | PictureWriter | OnePictureWriter
Segments = VideoSegments | PictureSegments
_LARGEST_FRAME = 1 << 31  # pixels, FFmpeg's own bound
_MILLIONTH, _LARGEST = Fraction(1, 1_000_000), 10**8


def open_clip(
    path: str | os.PathLike[str],
    *,
    start: float | Fraction | None = None,
    duration: float | Fraction | None = None,
    fps: float | Fraction | None = None,
    deinterlace: bool = False,
    deep: bool = False,
    max_pixels: int = MAX_PIXELS,
) -> Source:
    """Opens a video file or animation, a folder of pictures or a single picture.

    It is decoded in a child process, which may die of a hostile file.

    Args:
      path: what to read.
      start, duration: the part to read, in seconds; None is from the beginning, or to
        the end.
      fps: frames a second of pictures, None is 25. A video has its own timestamps.
      deinterlace: make one frame of one moment of each interlaced frame of a video.
      deep: give uint16 pixels even where there are eight bits, for an output of more.
      max_pixels: of a frame; larger ones are refused before they are decoded.

    Raises:
      InputError: it cannot be read, or a number is out of range.

    Example:
      >>> from bvsrpp_jax.media import open_clip
      >>> with open_clip("in.mp4", duration=0.08) as clip:
      ...     frames = [frame.pixels for frame in clip]
      >>> len(frames), frames[0].shape, frames[0].dtype
      (2, (48, 64, 3), dtype('uint8'))
    """
    path = Path(path)
    start = None if start is None else _exact("start", start, zero=True)
    duration = None if duration is None else _exact("duration", duration)
    part = {"start": start, "duration": duration, "deep": deep}
    part["max_pixels"] = _checked(max_pixels)
    if _holds_pictures(path):
        if deinterlace:
            raise InputError(
                f"{path}: pictures are not interlaced. Leave out --deinterlace, which"
                " is for video."
            )
        rate = Fraction(25) if fps is None else _exact("fps", fps)
        return ChildReader(path, rate=rate, **part)
    if fps is not None:
        raise InputError(
            f"{path}: a video keeps its own timestamps. Leave out --fps, which is for"
            " pictures."
        )
    return ChildReader(path, deinterlace=deinterlace, **part)


def create_clip(
    path: str | os.PathLike,
    source: Source,
    info: ClipInfo,
    *,
    codec: str | None = None,
    crf: int | None = None,
    pixel_format: str | None = None,
    overwrite: bool = False,
    threads: int | None = None,
    folder: Path | None = None,
) -> Sink:
    """Opens an output: a video file by its suffix, a `.png`, or else a folder.

    Args:
      path: what to write. A name without a suffix or with a / at its end is a folder.
      source: where sound and subtitles come from.
      info: what the frames to be written are.
      codec, crf, pixel_format: of a video, see `VideoWriter`.
      overwrite: replace an earlier output once the new one is complete.
      threads: of a video's encoder, see `VideoWriter`.
      folder: where the output lies until it is complete, None is beside `path`.

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
        deep = is_deep(pixel_format, deep=info.deep)
        encoder = codec or container_of(path, deep=deep)[1]
        caution(info.name, info.color.transfer, info.light, encoder)
        settings = {"codec": codec, "crf": crf, "pixel_format": pixel_format}
        place = {"threads": threads, "folder": folder}
        return VideoWriter(path, info, **settings, **place, **copied)
    if (codec, crf, pixel_format) != (None, None, None):
        raise InputError(
            f"{path}: pictures have no --codec, --crf or --pixel-format. Leave them."
        )
    caution(info.name, info.color.transfer, info.light, None)
    _note_lost_aspect(info)
    writer = PictureWriter if is_folder else OnePictureWriter
    if info.is_counted:  # else it is known with the second frame
        check_fits(path, info.num_frames, writer.most)
    return writer(path, folder=folder)


def _exact(name: str, value: float | Fraction, *, zero: bool = False) -> Fraction:
    """The fraction that a decimal number means, to a millionth: 0.04 is 1/25."""
    least = Fraction(0) if zero else _MILLIONTH
    if not (value == value and least <= value <= _LARGEST):  # NaN equals nothing
        raise InputError(
            f"{name}: {str(value)[:20]} is out of range. Give a number from"
            f" {float(least):g} to {_LARGEST}."
        )
    return Fraction(value).limit_denominator(_MILLIONTH.denominator)


def _checked(max_pixels: int) -> int:
    if not 1 <= max_pixels <= _LARGEST_FRAME:
        raise InputError(
            f"max_pixels: {max_pixels} is out of range. Give a number up to"
            f" {_LARGEST_FRAME}."
        )
    return max_pixels


def _holds_pictures(path: Path) -> bool:
    if path.is_dir() or path.suffix.lower() not in PICTURES:
        return path.is_dir()
    with told_as(path, "cannot be read", "Give a picture or a video file."):
        if not (path.is_file() and is_animation(path)):
            return True
    if path.suffix.lower() == ".webp" and "webp_anim" not in av.formats_available:
        raise InputError(
            f"{path}: this PyAV reads no animated WebP. Install a newer one, or convert"
            " it to APNG."
        )
    return False


def _note_lost_aspect(info: ClipInfo) -> None:
    aspect = info.sample_aspect_ratio
    if aspect != 1:
        warnings.warn(
            f"{info.name}: its pixels are {aspect.numerator}:{aspect.denominator}; in"
            " pictures, which do not say so, it looks squeezed or stretched",
            stacklevel=3,
        )


def _names_folder(path: str | os.PathLike) -> bool:
    text = os.fspath(path)
    ends = (os.sep, os.altsep) if os.altsep else (os.sep,)
    return text.endswith(ends) or Path(text).is_dir() or not Path(text).suffix
