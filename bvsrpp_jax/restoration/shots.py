"""Finds the cuts of a clip while it streams by, so that every shot is restored alone.

A frame begins a new shot if it cannot be put together from the frame before it. Both
are reduced to a small grid of means, free of overall light and contrast. The blocks of
one are laid over the other, each where it fits best, and what does not fit is the
difference: near 0 for motion, towards 1 for unrelated pictures, 1/2 if one of them is
without contrast.

A frame is a cut when its difference is above a floor, several times what is usual
around it, and when no frame shortly before fits any shortly after: a flash passes, a
cut stays. The difference goes with the square of a step, so a slow transition has no
frame with a large one.

`LOOKAHEAD` frames are held, no more. Own code because PySceneDetect, the field's
library, needs OpenCV: the largest dependency of all for the smallest step of all.

The reason of every constant stands beside it; its figures are those of
`benchmarks/shot_cuts.py` in docs/results.md.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import NamedTuple

import numpy as np

GRID = 24, 32  # rows and columns; the double separates no better at three times the
# cost, with the half cuts and motion nearly meet
SAMPLES = 4  # pixels along each side of a cell that are read: 1 ms at 720p, all are 15
BLOCK = 8  # cells along each side; blocks of 4 fit unrelated pictures better
REACH = 3  # cells that a block may move, 9% of the width; with 6 cuts fit, too
NOISE = 3 * (8 / 255) ** 2  # contrast that counts half, 8 levels a channel; with 5,
# twice as many fades to black within 6 frames end in a cut
FLOOR = 0.25  # between the largest difference without a cut, 0.13, and the smallest
# with one, 0.37
TIMES = 2.5  # the usual difference; cuts of real clips have 6.8 times and more, and the
# frames of a pan faster than `REACH`, all above the floor, stay within it
PAST = 9  # differences before a frame: three have motion if frames are shown thrice
LOOKAHEAD = 3  # frames; no flash is longer, no shot is shorter


class Score(NamedTuple):
    """Why a shot begins with a frame, or does not.

    Attributes:
      difference: to the frames before it, 0 where one of them moves into it.
      threshold: what the difference of a cut exceeds.
    """

    difference: float
    threshold: float

    @property
    def is_cut(self) -> bool:
        """Whether a shot begins with the frame."""
        return self.difference > self.threshold


def shots(frames: Iterable[np.ndarray]) -> Iterator[tuple[np.ndarray, bool]]:
    """Tells of every frame whether a shot begins with it.

    Args:
      frames: a clip, read once: [h, w, 3] uint8, uint16 or floats in [0, 1].

    Yields:
      Each frame as it came, and True for the first one and for those after a cut. At
      most `LOOKAHEAD` frames after it have been read by then.
    """
    waiting: deque[np.ndarray] = deque()

    def signatures():
        for frame in frames:
            waiting.append(frame)
            yield signature(frame)

    for score in scores(signatures()):
        yield waiting.popleft(), score.is_cut


def signature(frame: np.ndarray) -> np.ndarray:
    """What is compared of a frame [h, w, 3]: [3, *GRID] float32.

    Each channel's mean is 0, and the squares of a cell add up to 1/2 on average, or
    less where contrast is as small as `NOISE`.
    """
    means = _means(frame).transpose(2, 0, 1)  # [3, *GRID]
    centred = means - means.mean((1, 2), keepdims=True)
    contrast = np.square(centred).mean((1, 2)).sum()
    return (centred / np.sqrt(2 * (contrast + NOISE))).astype(np.float32)


def difference(a: np.ndarray, b: np.ndarray) -> float:
    """How much of either signature cannot be put together from blocks of the other.

    The lesser of both ways: what comes into view has no origin, but what goes has one.
    """
    return min(_left_over(a, b), _left_over(b, a))


def scores(signatures: Iterable[np.ndarray]) -> Iterator[Score]:
    """The score of every frame of a clip; the first is a cut.

    Args:
      signatures: of the frames, read once, `LOOKAHEAD` of them ahead.
    """
    for past, now, future in _surrounded(_stepped(signatures)):
        if now.step is None:
            yield Score(np.inf, 0.0)
            continue
        threshold = max(FLOOR, TIMES * _usual(past, future))
        least = now.step
        if least > threshold:  # rare, and so is the work of telling a flash
            least = _least_difference(past, [now, *future])
        yield Score(least, threshold)


class _Seen(NamedTuple):
    """A signature, and its difference to the one before it."""

    signature: np.ndarray
    step: float | None


def _means(frame: np.ndarray) -> np.ndarray:
    """[*GRID, 3] float64 in [0, 1].

    Integers are divided once, so the same codes in 8 and in 16 bit have the same means.
    """
    rows, columns = (
        ((np.arange(SAMPLES * cells) + 0.5) * side / (SAMPLES * cells)).astype(int)
        for cells, side in zip(GRID, frame.shape[:2], strict=True)
    )
    read = frame[rows[:, None], columns]
    read = read.reshape(GRID[0], SAMPLES, GRID[1], SAMPLES, 3)
    if np.issubdtype(frame.dtype, np.floating):
        return read.mean((1, 3), dtype=np.float64)
    return read.sum((1, 3), dtype=np.int64) / (SAMPLES**2 * np.iinfo(frame.dtype).max)


def _left_over(a: np.ndarray, b: np.ndarray) -> float:
    """What of `a` remains when each of its blocks has taken the best place in `b`."""
    rows, columns = GRID
    padded = np.pad(b, ((0, 0), (REACH, REACH), (REACH, REACH)), mode="edge")
    least = np.full((rows // BLOCK, columns // BLOCK), np.inf)
    for y, x in np.ndindex(2 * REACH + 1, 2 * REACH + 1):
        error = a - padded[:, y : y + rows, x : x + columns]
        squares = np.einsum("chw,chw->hw", error, error)
        blocks = squares.reshape(rows // BLOCK, BLOCK, columns // BLOCK, BLOCK)
        least = np.minimum(least, blocks.sum((1, 3)))
    return float(least.sum() / (rows * columns))


def _stepped(signatures: Iterable[np.ndarray]) -> Iterator[_Seen]:
    before = None
    for now in signatures:
        yield _Seen(now, None if before is None else difference(now, before))
        before = now


def _surrounded(
    clip: Iterable[_Seen],
) -> Iterator[tuple[list[_Seen], _Seen, list[_Seen]]]:
    """Every frame between the `PAST` before and the `LOOKAHEAD` after it."""
    unread = iter(clip)
    past: deque[_Seen] = deque(maxlen=PAST)
    ahead = deque(islice(unread, LOOKAHEAD))
    while ahead:
        ahead.extend(islice(unread, 1))
        now = ahead.popleft()
        yield list(past), now, list(ahead)
        past.append(now)


def _usual(past: list[_Seen], future: list[_Seen]) -> float:
    """How much neighbours differ around a frame, single cuts and flashes aside.

    The third largest of `PAST` differences before it or the median of those after it.
    """
    before = [seen.step for seen in past if seen.step is not None] or [0.0]
    after = [seen.step for seen in future] or [0.0]
    return max(np.quantile(before, 0.75, method="lower"), np.median(after))


def _least_difference(past: list[_Seen], future: list[_Seen]) -> float:
    """Between frames on either side that a flash of up to `LOOKAHEAD` may part."""
    return min(
        difference(later.signature, earlier.signature)
        for i, earlier in enumerate(reversed(past))
        for j, later in enumerate(future)
        if i + j <= LOOKAHEAD
    )
