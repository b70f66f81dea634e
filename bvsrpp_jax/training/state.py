"""Everything a training run carries from step to step: arrays and nothing else.

There is no random state among them: what step s of a run sees follows from its seed
and s alone (`data.samples`), and the network draws nothing.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax


class TrainState(NamedTuple):
    """The state of a run.

    Attributes:
      step: int32, steps taken, skipped ones included; the data's position too.
      skipped: int32, steps whose update was not finite and left no trace.
      skipped_in_a_row: int32, how many of them were the last ones.
      params: the network's parameters.
      opt_state: the optimizer's state.
      ema: exponential moving average of `params`; None where a run keeps none.
    """

    step: jax.Array
    skipped: jax.Array
    skipped_in_a_row: jax.Array
    params: Any
    opt_state: Any
    ema: Any

    @property
    def best_params(self) -> Any:
        """What a run validates and hands out: the average if there is one."""
        return self.params if self.ema is None else self.ema


def create_state(
    params: Any, optimizer: optax.GradientTransformation, *, averaged: bool = False
) -> TrainState:
    """The state before the first step; `averaged` keeps an average of `params`."""
    return TrainState(
        step=jnp.zeros((), jnp.int32),
        skipped=jnp.zeros((), jnp.int32),
        skipped_in_a_row=jnp.zeros((), jnp.int32),
        params=params,
        opt_state=optimizer.init(params),
        ema=jax.tree.map(jnp.copy, params) if averaged else None,
    )
