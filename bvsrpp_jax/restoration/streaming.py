"""Frames in, frames out, as they come."""

import os
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from typing import TYPE_CHECKING

import numpy as np

from bvsrpp_jax.restoration.codes import check_frame
from bvsrpp_jax.restoration.plan import Plan

if TYPE_CHECKING:
    from bvsrpp_jax.restoration.restorer import Restorer


def stream(
    restorer: "Restorer",
    frames: Iterable[np.ndarray],
    *,
    plan: Plan | None = None,
    on_work: Callable[[float], None] | None = None,
) -> Iterator[np.ndarray]:
    """Restores frames as they come; memory does not grow with their number.

    Args:
      frames: [h, w, 3] RGB, all of one size and type: uint8 or uint16 over the
        whole range of the type, or floating point in [0, 1].
      plan: how to run them, None to plan by the first frame.
      on_work: called now and then with the work done since it was called last, in
        frames: a window's results come late, after most of its work.

    Yields:
      [scale * h, scale * w, 3] for every frame: of the same integer type, rounded
      and clipped; or float32 as the network gives it, not clipped.

    Raises:
      ValueError: a frame is no such array, or of another shape or type than the first.
      InputError: the frames do not fit into memory, or the network's output is not
        finite.

    Example:
      >>> restorer = bvsrpp.Restorer.from_pretrained("lite")
      >>> frames = np.zeros((2, 64, 64, 3), np.uint8)  # or any iterable of frames
      >>> [frame.shape for frame in restorer.stream(frames)]
      [(256, 256, 3), (256, 256, 3)]
    """
    if isinstance(frames, str | os.PathLike):
        raise ValueError(f"frames: {frames!r} is a path; restore_video takes files")
    frames = iter(frames)
    try:
        first = check_frame(next(frames))
    except StopIteration:
        return
    if plan is None:
        plan = restorer.plan(first.shape[:2], dtype=first.dtype)
    frames = chain([first], frames)
    if plan.lookahead is not None:
        yield from restorer.live(frames, plan, on_work=on_work)
        return
    cut = restorer.windows(frames, plan)
    for _, restored in restorer.restore_windows(cut, plan, on_work=on_work):
        yield from restored
