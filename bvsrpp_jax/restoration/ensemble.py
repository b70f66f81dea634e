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
    floats = [to_float(np.asarray(frame)) for frame in frames]
    total, finite = 0, True
    for symmetry in symmetries(count):
        chunks = list(restore(_apply(floats, symmetry)))
        output = np.concatenate([chunk for chunk, _ in chunks])
        good = np.concatenate([good for _, good in chunks])
        order = np.s_[::-1] if symmetry.backwards else np.s_[:]
        total = total + _undo(output[order], symmetry)
        finite = finite & good[order]
    yield from_float(total / np.float32(count), np.asarray(frames[0]).dtype), finite


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
