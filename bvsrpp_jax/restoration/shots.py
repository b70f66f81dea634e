"""Finds the cuts of a clip while it streams by, so that every shot is restored alone.

A frame begins a new shot if it cannot be put together from the frame before it. Both
are reduced to a grid of `GRID` means, the first is laid over the second block by block,
each block where it fits best, and what does not fit is compared with the contrast of
the two:

    difference(a, b) = sum |a - moved(b)|^2 / (var a + var b + NOISE)

It is near 0 for motion and near 1 for pictures that have nothing to do with each other.
A frame is a cut when its difference is beyond a floor and several times what is usual
around it, and when none of the frames shortly before fits any shortly after: a flash
passes, a cut stays. A slow transition has no frame of large difference, since the
difference goes with the square of a step.

The frames are never all in memory: `LOOKAHEAD` of them wait for those that follow.

Own code because the field's library, PySceneDetect, needs OpenCV, which would be the
largest dependency of a restored video for its smallest step.

Every constant's reason stands beside it; `benchmarks/shot_cuts.py` measures them and
docs/results.md has the figures.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import NamedTuple

import numpy as np

# Half of it keeps cuts and motion as far apart, at four times the cost of the double.
GRID = (24, 32)  # rows, columns
SAMPLES = 4  # pixels a cell is the mean of, on either axis; all of them: 15 ms at 720p
BLOCK = 8  # cells; blocks of 4 fit almost everything to almost anything
REACH = 3  # cells a block may move: 9% of the width; with 6, cuts begin to fit, too
NOISE = 3 * (8 / 255) ** 2  # 8 levels a channel: a fade's step in the dark is no cut
FLOOR = 0.3  # cuts of real clips have 0.37 and more, motion alone 0.23 and less
TIMES = 2.5  # of the usual difference: pans faster than `REACH` are no row of cuts
PAST = 9  # differences before a frame: three with motion if each frame is shown thrice
LOOKAHEAD = 3  # frames after a frame, and the longest flash


class Score(NamedTuple):
    """Why a frame begins a shot, or does not.

    Attributes:
      difference: to the frames before it, 0 if they are the same.
      threshold: what it has to exceed.
    """

    difference: float
    threshold: float

    @property
    def is_cut(self) -> bool:
        return self.difference > self.threshold


def shots(frames: Iterable[np.ndarray]) -> Iterator[tuple[np.ndarray, bool]]:
    """Says of every frame whether a shot begins with it.

    Args:
      frames: a clip, read once: [h, w, 3] each, of one size, uint8, uint16 or floats in
        [0, 1].

    Yields:
      Every frame, as it came, and True for the first and for each that follows a cut.
      `LOOKAHEAD` further frames have been read by then, or the clip has ended.
    """
    waiting: deque[np.ndarray] = deque()

    def signatures():
        for frame in frames:
            waiting.append(frame)
            yield signature(frame)

    for score in scores(signatures()):
        yield waiting.popleft(), score.is_cut


def signature(frame: np.ndarray) -> np.ndarray:
    """What is compared of a frame: [3, *GRID] float32 in [0, 1].

    The means are exact before they are rounded, so 8-bit codes and the same in 16 bit
    have one signature.
    """
    rows, columns = (
        (np.arange(SAMPLES * cells) + 0.5) * side // (SAMPLES * cells)
        for cells, side in zip(GRID, frame.shape, strict=False)
    )
    picked = frame[rows.astype(int)[:, None], columns.astype(int)]
    is_float = np.issubdtype(frame.dtype, np.floating)
    peak = 1 if is_float else np.iinfo(frame.dtype).max
    cells = picked.reshape(GRID[0], SAMPLES, GRID[1], SAMPLES, 3)
    total = cells.sum((1, 3), dtype=np.float64 if is_float else np.int64)
    return (total / (SAMPLES**2 * peak)).transpose(2, 0, 1).astype(np.float32)


def scores(signatures: Iterable[np.ndarray]) -> Iterator[Score]:
    """The score of every frame, the first of which is a cut.

    Args:
      signatures: of the clip's frames; `LOOKAHEAD` of them are read ahead.
    """
    for past, now, future in _surrounded(_stepped(signatures)):
        if not past:
            yield Score(np.inf, 0.0)
            continue
        threshold = max(FLOOR, TIMES * _usual(past, future))
        if now.step <= threshold:
            yield Score(now.step, threshold)
        else:
            yield Score(_least_difference(past, [now, *future]), threshold)


def difference(a: np.ndarray, b: np.ndarray) -> float:
    """What of a signature cannot be put together from another one's blocks."""
    rows, columns = GRID
    padded = np.pad(b, ((0, 0), (REACH, REACH), (REACH, REACH)), mode="edge")
    best = np.full((rows // BLOCK, columns // BLOCK), np.inf)
    for y, x in np.ndindex(2 * REACH + 1, 2 * REACH + 1):
        error = a - padded[:, y : y + rows, x : x + columns]
        error = np.einsum("chw,chw->hw", error, error)
        error = error.reshape(rows // BLOCK, BLOCK, columns // BLOCK, BLOCK)
        best = np.minimum(best, error.sum((1, 3)))
    contrast = a.var((1, 2)).sum() + b.var((1, 2)).sum()
    return float(best.sum() / (rows * columns) / (contrast + NOISE))


class _Seen(NamedTuple):
    signature: np.ndarray
    step: float | None  # difference to the frame before


def _stepped(signatures: Iterable[np.ndarray]) -> Iterator[_Seen]:
    before = None
    for now in signatures:
        yield _Seen(now, None if before is None else difference(before, now))
        before = now


def _surrounded(
    items: Iterable[_Seen],
) -> Iterator[tuple[list[_Seen], _Seen, list[_Seen]]]:
    """Every item between the `PAST` before it and the `LOOKAHEAD` after it."""
    unread = iter(items)
    past: deque[_Seen] = deque(maxlen=PAST)
    ahead = deque(islice(unread, LOOKAHEAD))
    while ahead:
        ahead.extend(islice(unread, 1))
        now = ahead.popleft()
        yield list(past), now, list(ahead)
        past.append(now)


def _usual(past: list[_Seen], future: list[_Seen]) -> float:
    """How much frames differ around a frame, whatever a cut or a flash adds to it.

    The third largest of `PAST` differences before it, or the median after it.
    """
    before = [seen.step for seen in past if seen.step is not None]
    after = [seen.step for seen in future]
    return max(
        np.quantile(before, 0.75, method="lower") if before else 0.0,
        np.median(after) if after else 0.0,
    )


def _least_difference(past: list[_Seen], future: list[_Seen]) -> float:
    """Between frames on either side that a flash of `LOOKAHEAD` frames may part."""
    return min(
        difference(a.signature, b.signature)
        for i, a in enumerate(reversed(past))
        for j, b in enumerate(future)
        if i + j <= LOOKAHEAD
    )
