"""Self-ensemble: the mean of the results for flipped, turned and reversed clips.

The eight symmetries of a picture give eight results, each turned back before the mean
is taken (Section 3.4 of EDSR, arXiv:1707.02921); the official BasicVSR++ evaluates its
challenge entries so. A clip can also be shown backwards, which doubles their number.
"""

from collections.abc import Callable, Iterator, Sequence
from itertools import product
from typing import NamedTuple

import numpy as np

from bvsrpp_jax.restoration.codes import from_float, to_float

SPATIAL = 8
Restore = Callable[[Sequence[np.ndarray]], Iterator[tuple[np.ndarray, np.ndarray]]]


class Symmetry(NamedTuple):
    """What is done to a clip: first transposed, then flipped, then reversed."""

    transpose: bool
    vertical: bool
    horizontal: bool
    backwards: bool


def symmetries(count: int) -> list[Symmetry]:
    """The identity first; 1, 2 (time), 8 (space) or 16 (both).

    Raises:
      ValueError: another number.
    """
    if count not in (1, 2, SPATIAL, 2 * SPATIAL):
        raise ValueError(f"ensemble: {count}; must be 1, 2, 8 or 16")
    space = (False, True) if count >= SPATIAL else (False,)
    time = (False, True) if count in (2, 2 * SPATIAL) else (False,)
    return [Symmetry(*bits) for bits in product(space, space, space, time)]


def restore_ensemble(
    restore: Restore, frames: Sequence[np.ndarray], *, count: int
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """The mean of a clip's results under symmetries.

    Args:
      restore: of `restore_in_chunks`: frames -> chunks of results and of whether they
        are finite.
      frames: the clip, [h, w, 3] each.
      count: of `symmetries`.

    Yields:
      Once, all frames [t, scale * h, scale * w, 3] of the same kind, and [t].
    """
    dtype = np.asarray(frames[0]).dtype
    floats = [to_float(np.asarray(frame)) for frame in frames]
    finite, total = np.ones(len(floats), bool), None
    for symmetry in symmetries(count):
        for place, output, good in _undone(restore, floats, symmetry):
            if total is None:
                total = np.zeros((len(floats), *output.shape[1:]), np.float32)
            total[place] += output
            finite[place] &= good
    total /= count
    yield (total if dtype.kind == "f" else _as_codes(total, dtype)), finite


def _undone(
    restore: Restore, floats: list[np.ndarray], symmetry: Symmetry
) -> Iterator[tuple[slice, np.ndarray, np.ndarray]]:
    """The chunks of one result, turned back, and which frames of the clip they are."""
    done = 0
    for output, finite in restore(_apply(floats, symmetry)):
        start, done = done, done + len(output)
        if symmetry.backwards:
            start, output, finite = len(floats) - done, output[::-1], finite[::-1]
        yield slice(start, start + len(output)), _undo(output, symmetry), finite


def _as_codes(total: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """Frame by frame: no second window of floats."""
    codes = np.empty(total.shape, dtype)
    for frame, floats in zip(codes, total, strict=True):
        frame[:] = from_float(floats, dtype)
    return codes


def _apply(frames: list[np.ndarray], symmetry: Symmetry) -> list[np.ndarray]:
    turned = [_flip(_transpose(frame, symmetry), symmetry) for frame in frames]
    return turned[::-1] if symmetry.backwards else turned


def _undo(output: np.ndarray, symmetry: Symmetry) -> np.ndarray:
    return _transpose(_flip(output, symmetry), symmetry)


def _transpose(pictures: np.ndarray, symmetry: Symmetry) -> np.ndarray:
    return pictures.swapaxes(-3, -2) if symmetry.transpose else pictures


def _flip(pictures: np.ndarray, symmetry: Symmetry) -> np.ndarray:
    rows = -1 if symmetry.vertical else 1
    columns = -1 if symmetry.horizontal else 1
    return pictures[..., ::rows, ::columns, :]
