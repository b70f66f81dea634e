"""The files of a clip: listed in order, complete, input paired with ground truth.

Nothing is decoded here; what is checked are the names of the files.
"""

import re
from pathlib import Path
from typing import NamedTuple

from bvsrpp_jax.errors import InputError
from bvsrpp_jax.media.pictures import list_pictures


class ClipFiles(NamedTuple):
    """A clip that is stored as pictures.

    Attributes:
      name: e.g. "013" or "00001/0001".
      gt: the ground truth, a picture a frame.
      lq: the degraded input, as many pictures; None where it is made on the fly.
    """

    name: str
    gt: tuple[Path, ...]
    lq: tuple[Path, ...] | None = None


class VideoFiles(NamedTuple):
    """A clip that is stored as a video file, or as two."""

    name: str
    gt: Path
    lq: Path | None = None


def list_frames(folder: Path, *, num_frames: int | None = None) -> tuple[Path, ...]:
    """The pictures of a folder in the order of their numbers.

    Args:
      folder: pictures named by one prefix (or none) and a number, or none of them by a
        number: then they are in the order of their names.
      num_frames: how many there must be.

    Raises:
      InputError: there are no pictures, one is missing, or one does not belong there.
    """
    files = list_pictures(folder)
    if any(_number(file) is not None for file in files):
        files = _by_number(files)
    if num_frames is not None and len(files) != num_frames:
        raise InputError(
            f"{folder}: has {len(files)} frames, the official clip {num_frames}."
            " Unpack it again."
        )
    return tuple(files)


def check_pairs(gt: tuple[Path, ...], lq: tuple[Path, ...]) -> None:
    """Refuses frames of a ground truth and its input that are not the same frames."""
    for here, there in ((gt, lq), (lq, gt)):
        known = {_identity(file) for file in there}
        for file in here:
            if _identity(file) not in known:
                raise InputError(
                    f"{file}: has no counterpart in {there[0].parent}. Add that frame,"
                    " or remove this one."
                )


def _by_number(files: list[Path]) -> list[Path]:
    first = next(file for file in files if _number(file) is not None)
    for file in files:
        if _number(file) is None or _prefix(file) != _prefix(first):
            raise InputError(
                f"{file}: is not numbered like {first.name} beside it. A folder holds"
                " the frames of one clip; remove what is none."
            )
    files = sorted(files, key=_number)
    for a, b in zip(files, files[1:], strict=False):
        if _number(a) == _number(b):
            raise InputError(
                f"{b}: has the same number as {a.name} beside it. Remove one of them."
            )
    _check_gaps(files)
    return files


def _check_gaps(files: list[Path]) -> None:
    """Numbers rise evenly: by one, or by the step of a clip that was thinned out."""
    steps = [_number(b) - _number(a) for a, b in zip(files, files[1:], strict=False)]
    for file, step in zip(files, steps, strict=False):
        if step != min(steps):
            prefix, digits = _PATTERN.fullmatch(file.stem).groups()
            missing = f"{_number(file) + min(steps):0{len(digits)}d}"
            raise InputError(
                f"{file.with_name(prefix + missing + file.suffix)}: the frame is"
                f" missing, {file.name} is there. Restore it."
            )


_PATTERN = re.compile(r"(.*?)(\d+)")


def _number(file: Path) -> int | None:
    match = _PATTERN.fullmatch(file.stem)
    return int(match[2]) if match else None


def _prefix(file: Path) -> str:
    return _PATTERN.fullmatch(file.stem)[1]


def _identity(file: Path) -> int | str:
    """What a frame and its counterpart have in common."""
    number = _number(file)
    return file.stem if number is None else number
