"""The network as an evaluation runs it: whole clips, exact, one device each."""

from collections.abc import Iterator, Sequence
from typing import Any

import jax
import numpy as np

from bvsrpp_jax.data.samples import to_float
from bvsrpp_jax.evaluation.clips import EvaluationClip
from bvsrpp_jax.restoration.memory import available_memory
from bvsrpp_jax.restoration.plan import Plan
from bvsrpp_jax.restoration.restorer import Restorer


def restorers_of(
    model: Any, params: Any, *, ensemble: int = 1, devices: Sequence[jax.Device]
) -> list[Restorer]:
    """A restorer for each device.

    Args:
      model: a `BasicVSRPlusPlus`; its dtype is kept to, whatever the memory.
      params: its parameters.
      ensemble: how many results are averaged.
      devices: on CPU they share the host's memory.
    """
    memory = None
    if devices[0].platform == "cpu" and len(devices) > 1:
        memory = available_memory().host // len(devices)
    return [
        Restorer(
            model,
            params,
            exact=True,
            shots=False,  # as in the papers, cuts or not
            dtype=np.dtype(model.dtype).name,
            ensemble=ensemble,
            memory=memory,
            devices=[device],
        )
        for device in devices
    ]


def plan_for(
    restorer: Restorer, clip: EvaluationClip, *, rounded: bool
) -> tuple[Plan, Iterator[np.ndarray]]:
    """How a clip will be restored.

    Args:
      restorer: of `restorers_of`.
      clip: the clip.
      rounded: whether 8-bit input gives 8-bit output; else it is float32, not clipped.

    Returns:
      The plan, and the frames to restore.

    Raises:
      InputError: a frame does not fit into memory.
    """
    as_it_is = rounded and not clip.is_noisy
    first, _ = clip.pair(0)
    dtype = first.dtype if as_it_is else np.dtype(np.float32)
    plan = restorer.plan(first.shape[:2], dtype=dtype, num_frames=clip.num_shown)
    frames: Iterator = (lq for lq, _ in clip.pairs())
    return plan, frames if as_it_is else map(to_float, frames)


def mode_text(plan: Plan) -> str:
    """What the engine does, in words."""
    where = "on disk" if plan.on_disk else "in memory"
    chunks = f"whole clips in chunks of {plan.chunk} frames, features {where}"
    ensemble = f", mean of {plan.ensemble} results" if plan.ensemble > 1 else ""
    return f"{chunks}, {plan.dtype}{ensemble}"
