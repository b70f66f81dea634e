"""The plan of a restorer for frames of a size."""

from typing import TYPE_CHECKING

import jax
import numpy as np
from jax.typing import DTypeLike

from bvsrpp_jax.restoration.plan import Plan, make_plan
from bvsrpp_jax.restoration.ways import Clip

if TYPE_CHECKING:
    from bvsrpp_jax.restoration.restorer import Restorer


def plan(
    restorer: "Restorer",
    size: tuple[int, int],
    *,
    dtype: DTypeLike = np.uint8,
    num_frames: int | None = None,
) -> Plan:
    """How frames will be restored, with today's memory; nothing is compiled.

    Args:
      size: height and width of a frame.
      dtype: of the frames.
      num_frames: how many there are, None if nobody knows.

    Raises:
      InputError: they do not fit into memory.

    Example:
      >>> restorer = bvsrpp.Restorer.from_pretrained("lite", window=15)
      >>> plan = restorer.plan((64, 64))
      >>> plan.window, plan.overlap, plan.chunk, plan.tile
      (15, 3, 5, None)
      >>> print(plan)
      windows of 15 frames overlapping by 3, 5 frames at a time in about ...
    """
    return make_plan(
        restorer.model,
        Clip(tuple(size), np.dtype(dtype), num_frames),
        restorer.wishes,
        parameters=sum(leaf.nbytes for leaf in jax.tree.leaves(restorer.params)),
        num_devices=len(restorer.machine.devices),
        available=restorer.machine.available(),
    )
