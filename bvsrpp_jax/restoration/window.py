"""Clips of any length in windows of one length.

Neighbouring windows overlap. Frames near a window's cut have seen less of the clip than
they would in the whole, so only the settled middle of each window is kept:

    window 0   [k k k k k k . .]                k: kept, .: restored but not kept
    window 1           [. . k k k k . .]        size 8, overlap 2
    last                     [. . . k k k k k]  taken from the end: same size

A clip no longer than one window is restored whole. No more than two windows of frames
are held. Nothing goes across a cut: every shot is a clip of its own.
"""

import sys
from collections.abc import Iterable, Iterator
from itertools import groupby
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


def windows_of_shots(
    marked: Iterable[tuple[np.ndarray, bool]], *, size: int | None, overlap: int
) -> Iterator[Window]:
    """The windows of each shot of a clip.

    Args:
      marked: every frame, and whether a shot begins with it (`shots.py`).
      size, overlap: as for `windows`.
    """
    start = 0
    for shot in by_shot(marked):
        window = None
        for window in windows(shot, size=size, overlap=overlap):
            yield window._replace(start=start + window.start)
        start += window.start + len(window.frames)


def by_shot(
    marked: Iterable[tuple[np.ndarray, bool]],
) -> Iterator[Iterator[np.ndarray]]:
    """Every shot's frames, to be used up before the next shot's."""
    number = 0

    def number_of(entry):
        nonlocal number
        number += entry[1]
        return number

    for _, shot in groupby(marked, key=number_of):
        yield (frame for frame, _ in shot)


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
    size = sys.maxsize if size is None else size
    if overlap < 0 or size <= 2 * overlap:
        raise ValueError(f"window: {size} frames, must be more than 2 x {overlap}")
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
