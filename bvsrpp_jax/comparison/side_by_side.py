"""Writes a video that shows two clips beside one another."""

import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np

from bvsrpp_jax.background import Background
from bvsrpp_jax.comparison.pairs import Pairs, larger
from bvsrpp_jax.comparison.scaling import as_type, resized
from bvsrpp_jax.errors import InputError
from bvsrpp_jax.media import (
    MAX_PIXELS,
    ClipInfo,
    Frame,
    Source,
    create_clip,
    open_clip,
)
from bvsrpp_jax.media.codecs import CONTAINERS
from bvsrpp_jax.media.outputs import check_output
from bvsrpp_jax.media.resizing import LARGEST_SIDE
from bvsrpp_jax.media.writer import VideoWriter

LINE = 2  # pixels between the pictures: with an even number the width stays even
_AHEAD = 4


def check_side_by_side(
    path: str | os.PathLike, *inputs: str | os.PathLike, overwrite: bool = False
) -> None:
    """Says what is wrong with the output before any work is done.

    Args:
      path: the video to be written.
      inputs: files that it must not replace, whether they exist already or not.
      overwrite: whether an earlier output may be replaced.

    Raises:
      InputError: it is no video, exists, is an input, or its folder does not exist.
    """
    path = Path(path)
    if path.suffix.lower() not in CONTAINERS:
        raise InputError(
            f"{path}: is no video by its suffix. Use one of {' '.join(CONTAINERS)}."
        )
    for given in map(Path, inputs):
        check_output(path, source=given, overwrite=overwrite)
        if path.absolute() == given.absolute():
            raise InputError(f"{path}: is the other output. Give it another name.")


def check_beside_result(
    source: ClipInfo, result: ClipInfo, path: str | os.PathLike
) -> None:
    """Says that the video would be too large for its encoder before any work is done.

    Args:
      source, result: what is restored, and what it becomes.
      path: the video to be written, checked by `check_side_by_side`.

    Raises:
      InputError: the encoder does not take frames of that size.
    """
    info = _beside(result, larger(source, result))
    try:
        with VideoWriter(Path(path), info):
            pass
    except InputError as error:
        raise InputError(
            f"{path}: {info.width}x{info.height}, both pictures beside one another, is"
            " more than the encoder takes. Choose a smaller --size, or leave out"
            " --side-by-side."
        ) from error


def write_side_by_side(
    a: Source,
    b: Source,
    path: str | os.PathLike,
    *,
    overwrite: bool = False,
    on_frame: Callable[[], None] = lambda: None,
) -> tuple[int, list[str]]:
    """Writes A left, B right, a thin white line between; sound and times are B's.

    The smaller clip is scaled to the size of the other, bicubic. Memory does not grow
    with the length of the clips.

    Args:
      a, b: the clips, from which frame i is shown beside frame i.
      path: a video by its suffix, complete or not there at all.
      overwrite: replace an earlier video once the new one is complete.
      on_frame: called after every frame.

    Returns:
      The number of frames, and notes of what a viewer should know.

    Raises:
      InputError: the video cannot be written there, or a clip is damaged.
    """
    check_side_by_side(path, a.path, b.path, overwrite=overwrite)
    pairs = Pairs(a, b)
    info = _beside(b.info, pairs.size)
    count = 0
    with create_clip(path, b, info, overwrite=overwrite) as sink:
        with Background(_frames(pairs, info.dtype), ahead=_AHEAD) as frames:
            for frame in frames:
                sink.write(frame)
                count += 1
                on_frame()
        sink.commit()
    return count, pairs.notes + pairs.ending


def write_beside_result(
    src: str | os.PathLike,
    dst: str | os.PathLike,
    path: str | os.PathLike,
    *,
    start: float | Fraction | None = None,
    duration: float | Fraction | None = None,
    fps: float | Fraction | None = None,
    deinterlace: bool = False,
    max_pixels: int = MAX_PIXELS,
    overwrite: bool = False,
) -> None:
    """Writes a restoration's input and its result side by side.

    Args:
      src, start, duration, fps, deinterlace: the input as it was restored.
      max_pixels: of a frame of the input; the result is our own.
      dst: the result.
      path, overwrite: as for `write_side_by_side`.

    Raises:
      InputError: as for `write_side_by_side`.
    """
    is_video = Path(dst).suffix.lower() in CONTAINERS
    part = {"start": start, "duration": duration, "fps": fps}
    part |= {"deinterlace": deinterlace, "max_pixels": max_pixels}
    own = {"fps": None if is_video else fps, "max_pixels": LARGEST_SIDE**2}
    with open_clip(src, **part) as a, open_clip(dst, **own) as b:
        write_side_by_side(a, b, path, overwrite=overwrite)


def _beside(info: ClipInfo, size: tuple[int, int]) -> ClipInfo:
    """What the video is of two pictures of a size (width, height)."""
    width, height = size
    return replace(info, width=2 * width + LINE, height=height)


def _frames(pairs: Pairs, dtype: np.dtype) -> Iterator[Frame]:
    white = np.full((pairs.size[1], LINE, 3), np.iinfo(dtype).max, dtype)
    for pair in pairs:
        a, b = (as_type(resized(frame, pairs.size), dtype) for frame in pair[:2])
        yield Frame(np.concatenate([a, white, b], axis=1), pair.pts)
