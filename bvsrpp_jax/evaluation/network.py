"""The network as an evaluation runs it: whole clips, exact, one device each."""

from collections.abc import Iterator, Sequence
from typing import Any

import jax
import numpy as np

from bvsrpp_jax.data.samples import to_float
from bvsrpp_jax.evaluation.clips import EvaluationClip
from bvsrpp_jax.restoration.memory import Memory, available_memory
from bvsrpp_jax.restoration.plan import Plan, make_plan
from bvsrpp_jax.restoration.restorer import Restorer
from bvsrpp_jax.restoration.spool import Spool
from bvsrpp_jax.restoration.ways import Clip


def restorers_of(
    model: Any, params: Any, *, ensemble: int = 1, devices: Sequence[jax.Device]
) -> list[Restorer]:
    """A restorer for each device.

    Args:
      model: a `BasicVSRPlusPlus`; its dtype is kept to, whatever the memory.
      params: its parameters.
      ensemble: how many results are averaged.
      devices: one each.
    """
    return [
        Restorer(
            model,
            params,
            exact=True,
            shots=False,  # as in the papers, cuts or not
            dtype=np.dtype(model.dtype).name,
            ensemble=ensemble,
            devices=[device],
        )
        for device in devices
    ]


def share_of_memory(num_devices: int) -> Memory:
    """What each of so many devices may use of what is free now.

    They have the host's memory and its disk in common, and on CPU it is theirs, too.
    """
    free = available_memory(scratch=Spool.usual_folder())
    host, disk = free.host // num_devices, free.disk // num_devices
    on_cpu = jax.default_backend() == "cpu"
    return Memory(host if on_cpu else free.device, host, disk)


def plan_for(
    restorer: Restorer, clip: EvaluationClip, *, rounded: bool, available: Memory
) -> tuple[Plan, Iterator[np.ndarray]]:
    """How a clip will be restored.

    Args:
      restorer: of `restorers_of`.
      clip: the clip.
      rounded: whether 8-bit input gives 8-bit output; else it is float32, not clipped.
      available: of `share_of_memory`.

    Returns:
      The plan, and the frames to restore.

    Raises:
      InputError: a frame does not fit into memory.
    """
    as_it_is = rounded and not clip.is_noisy
    first, _ = clip.pair(0)
    dtype = first.dtype if as_it_is else np.dtype(np.float32)
    shown = Clip(first.shape[:2], dtype, clip.num_shown)
    plan = make_plan(
        restorer.model,
        shown,
        restorer.wishes,
        parameters=sum(leaf.nbytes for leaf in jax.tree.leaves(restorer.params)),
        available=available,
    )
    frames: Iterator = clip.inputs()
    return plan, frames if as_it_is else map(to_float, frames)


def mode_text(plan: Plan) -> str:
    """What the engine does, in words."""
    where = "on disk" if plan.on_disk else "in memory"
    chunks = f"whole clips in chunks of {plan.chunk} frames, features {where}"
    ensemble = f", mean of {plan.ensemble} results" if plan.ensemble > 1 else ""
    return f"{chunks}, {plan.dtype}{ensemble}"
