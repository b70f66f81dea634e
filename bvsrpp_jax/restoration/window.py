"""Clips of any length in windows of one length.

Neighbouring windows overlap. Frames near a window's cut have seen less of the clip than
they would in the whole, so only the settled middle of each window is kept:

    window 0   [k k k k k k . .]                k: kept, .: restored but not kept
    window 1           [. . k k k k . .]        size 8, overlap 2
    last                     [. . . k k k k k]  taken from the end: same size

Every window has the same number of frames, so one compiled program serves them all. A
clip no longer than one window is restored whole. No more than two windows of frames are
held.
"""

import sys
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np


class Window(NamedTuple):
    """Consecutive frames, and which of them to keep.

    Attributes:
      start: number of the first frame, counted in the whole clip.
      frames: the frames.
      keep: slice of `frames` whose restored versions are the result.
    """

    start: int
    frames: list[np.ndarray]
    keep: slice


def windows(
    frames: Iterable[np.ndarray], *, size: int | None, overlap: int
) -> Iterator[Window]:
    """Cuts a clip into windows whose kept parts follow one another without a gap.

    Args:
      frames: the clip, read once.
      size: frames in a window, None for the whole clip in one.
      overlap: frames at either cut that are not kept.

    Raises:
      ValueError: `size` is not more than twice `overlap`.
    """
    if overlap < 0 or size <= 2 * overlap:
        raise ValueError(f"window: {size} frames, must be more than 2 x {overlap}")
    size = sys.maxsize if size is None else size
    start = done = 0  # of the held frames; of the kept ones
    held: list[np.ndarray] = []
    for frame in frames:
        if len(held) == size + _step(size, overlap):
            start += _step(size, overlap)
            del held[: _step(size, overlap)]
        held.append(frame)
        if len(held) == size + 1:
            keep = slice(done - start, size - overlap)
            yield Window(start, held[:size], keep)
            done = start + size - overlap
    if held:
        tail = held[-size:]
        start += len(held) - len(tail)
        yield Window(start, tail, slice(done - start, len(tail)))


def _step(size: int, overlap: int) -> int:
    """Frames from the start of one window to the start of the next."""
    return size - 2 * overlap
