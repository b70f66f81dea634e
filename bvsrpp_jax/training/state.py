"""Everything a training run carries from step to step: arrays and nothing else."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax


class TrainState(NamedTuple):
    """The state of a run.

    Attributes:
      step: int32, steps taken, skipped ones included; the data's position too.
      skipped: int32, steps whose update was not finite and left no trace.
      params: the network's parameters.
      opt_state: the optimizer's state.
      ema: exponential moving average of `params`.
    """

    step: jax.Array
    skipped: jax.Array
    params: Any
    opt_state: Any
    ema: Any


def create_state(params: Any, optimizer: optax.GradientTransformation) -> TrainState:
    """The state before the first step."""
    return TrainState(
        step=jnp.zeros((), jnp.int32),
        skipped=jnp.zeros((), jnp.int32),
        params=params,
        opt_state=optimizer.init(params),
        ema=jax.tree.map(jnp.copy, params),
    )
