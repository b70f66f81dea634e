"""Two clips frame by frame: which frames belong together, and at what size.

Frame i of one belongs to frame i of the other, whatever their timestamps say: a
restoration has the frames of its input, and a clip that was saved at another rate is
still the same frames. The times shown are those of the second clip.
"""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from fractions import Fraction
from itertools import count
from pathlib import Path
from typing import NamedTuple

import numpy as np

from bvsrpp_jax.media import MAX_PIXELS, ClipInfo, Frame, Source, open_clip
from bvsrpp_jax.media.pictures import PICTURES


class Pair(NamedTuple):
    """Frames that belong together, each [h, w, 3] of its own size and type."""

    a: np.ndarray
    b: np.ndarray
    pts: int


class Pairs:
    """The frames of two clips, to be iterated over once, up to the shorter's end.

    Attributes:
      size: (width, height) of the larger clip, to which the other one is scaled.
      notes: what a viewer should know, one sentence each.
      ending: one more after the last pair, if a clip goes on there.
    """

    def __init__(self, a: Source, b: Source):
        self._a, self._b = a, b
        self.size = larger(a.info, b.info)
        self.notes = list(_differences(a.info, b.info))
        self.ending: list[str] = []

    def __iter__(self) -> Iterator[Pair]:
        a, b = iter(self._a), iter(self._b)
        for index in count():
            first, second = next(a, None), next(b, None)
            if first is None or second is None:
                self.ending = list(_ending(first, second, index))
                return
            yield Pair(first.pixels, second.pixels, second.pts)


def larger(a: ClipInfo, b: ClipInfo) -> tuple[int, int]:
    """(width, height) of the clip of more pixels; of B where both have as many."""
    info = max(b, a, key=lambda info: info.width * info.height)
    return info.width, info.height


@contextmanager
def open_both(
    a: str | os.PathLike,
    b: str | os.PathLike,
    *,
    start: Fraction | None = None,
    duration: Fraction | None = None,
    deinterlace: bool = False,
    max_pixels: int = MAX_PIXELS,
) -> Iterator[tuple[Source, Source]]:
    """Opens two clips; pictures beside a video have the video's rate.

    Args:
      a, b: a video file, a folder of pictures or a picture each.
      start, duration: the part of both, in seconds.
      deinterlace: make one frame of one moment of each interlaced frame of a video.
      max_pixels: of a frame; larger ones are refused before they are decoded.

    Raises:
      InputError: one cannot be read, or has no frame in that part.
    """
    part = {"start": start, "duration": duration, "max_pixels": max_pixels}
    with ExitStack() as stack:

        def opened(path, fps: Fraction | None = None) -> Source:
            interlaced = deinterlace and fps is None  # pictures beside a video are not
            clip = open_clip(path, fps=fps, deinterlace=interlaced, **part)
            return stack.enter_context(clip)

        if _has_pictures(a) and not _has_pictures(b):
            second = opened(b)
            yield opened(a, second.info.rate), second
        else:
            first = opened(a)
            follows = _has_pictures(b) and not _has_pictures(a)
            yield first, opened(b, first.info.rate if follows else None)


def _has_pictures(path: str | os.PathLike) -> bool:
    path = Path(path)
    return path.is_dir() or path.suffix.lower() in PICTURES


def _differences(a: ClipInfo, b: ClipInfo) -> Iterator[str]:
    """What is known before any frame is read.

    Few frames have no exact rate, as the last one's duration is not always stored.
    """
    frames = min(a.num_frames or 100, b.num_frames or 100, 100)
    if abs(a.rate - b.rate) > b.rate / frames:
        yield (
            f"A has {float(a.rate):.5g} frames a second, B {float(b.rate):.5g}:"
            " compared frame by frame, at the times of B."
        )
    if abs(a.width * b.height - b.width * a.height) > max(b.width, b.height):
        yield (
            f"A is {a.width}x{a.height}, B {b.width}x{b.height}, which is another"
            " shape: the smaller one is stretched."
        )
    if b.sample_aspect_ratio != 1:
        yield "B has pixels that are not square: shown as stored."


def _ending(a: Frame | None, b: Frame | None, count: int) -> Iterator[str]:
    if a is not None or b is not None:
        shorter, longer = "AB" if a is None else "BA"
        frames = "1 frame" if count == 1 else f"{count} frames"
        yield f"{shorter} ends after {frames}, {longer} goes on: compared up to there."
