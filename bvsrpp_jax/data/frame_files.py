"""The files of a clip: listed in order, complete, input paired with ground truth.

Nothing is decoded here; what is checked are the names of the files.
"""

import re
from itertools import pairwise
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
    names = [_NUMBERED.fullmatch(file.stem) for file in files]
    if any(names):
        files = _by_number(files, names)
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


_NUMBERED = re.compile(r"(.*?)(\d+)")  # prefix, number


def _by_number(files: list[Path], names: list[re.Match | None]) -> list[Path]:
    """Sorts by number, and refuses what is not the next frame of the same clip."""
    first = next(i for i, name in enumerate(names) if name is not None)
    for file, name in zip(files, names, strict=True):
        if name is None or name[1] != names[first][1]:
            raise InputError(
                f"{file}: is not numbered like {files[first].name} beside it. A folder"
                " holds the frames of one clip; remove what is none."
            )
    frames = [(int(name[2]), file) for file, name in zip(files, names, strict=True)]
    frames.sort()
    for (a, before), (b, file) in pairwise(frames):
        if a == b:
            raise InputError(
                f"{file}: has the same number as {before.name} beside it. Remove one of"
                " them."
            )
    _check_gaps(frames)
    return [file for _, file in frames]


def _check_gaps(frames: list[tuple[int, Path]]) -> None:
    """Numbers rise evenly: by one, or by the step of a clip that was thinned out."""
    step = min((b - a for (a, _), (b, _) in pairwise(frames)), default=1)
    for (a, file), (b, _) in pairwise(frames):
        if b - a != step:
            prefix, digits = _NUMBERED.fullmatch(file.stem).groups()
            missing = f"{prefix}{a + step:0{len(digits)}d}{file.suffix}"
            raise InputError(
                f"{file.with_name(missing)}: the frame is missing, {file.name} is"
                " there. Restore it."
            )


def _identity(file: Path) -> int | str:
    """What a frame and its counterpart have in common."""
    name = _NUMBERED.fullmatch(file.stem)
    return file.stem if name is None else int(name[2])
