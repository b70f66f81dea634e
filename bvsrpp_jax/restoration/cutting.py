"""A clip's frames on their way to the network: checked, cut into shots and windows."""

from collections.abc import Iterable, Iterator
from itertools import chain, repeat
from pathlib import Path

import numpy as np

from bvsrpp_jax.restoration.codes import check_frames
from bvsrpp_jax.restoration.plan import Plan
from bvsrpp_jax.restoration.shots import shots
from bvsrpp_jax.restoration.spool import Spool, Spooled
from bvsrpp_jax.restoration.window import Window, windows_of_shots


def windows_of(
    frames: Iterable[np.ndarray], plan: Plan, scratch: Path | None
) -> Iterator[Window]:
    """Cuts a clip into the windows of a plan, reading no more than it must.

    Args:
      frames: the clip.
      plan: how it is restored.
      scratch: the folder of what waits on disk, None for a temporary one.

    Raises:
      ValueError: a frame has another shape or type than the first.
    """
    frames = marked(frames, plan)
    if plan.on_disk:
        frames = _on_disk(frames, scratch, length=plan.window and -(-plan.window // 4))
    yield from windows_of_shots(frames, size=plan.window, overlap=plan.overlap)


def _on_disk(
    frames: Iterable[tuple[np.ndarray, bool]],
    folder: Path | None,
    *,
    length: int | None,
) -> Iterator[tuple[Spooled, bool]]:
    """The same, waiting on disk: a file for so many frames, and for every shot.

    Nobody closes a file: it goes, and its space comes back, with the last window that
    has a frame of it, which devices may read when the clip is at its end.
    """
    count = 0
    for frame, begins in frames:
        if begins or count == length:
            spool, count = Spool(folder), 0
        count += 1
        yield spool.hold(frame), begins


def marked(
    frames: Iterable[np.ndarray], plan: Plan
) -> Iterator[tuple[np.ndarray, bool]]:
    """Every frame, checked, and whether a shot begins with it.

    Raises:
      ValueError: a frame has another shape or type than the first.
    """
    frames = iter(frames)
    first = next(frames, None)
    if first is None:
        return
    checked = check_frames(np.asarray(first), frames)
    if plan.shots:
        yield from shots(checked)
    else:
        yield from zip(checked, chain([True], repeat(False)), strict=False)
