"""One training step, a pure function: state, batch -> state, metrics."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import optax

from bvsrpp_jax.training.loss import charbonnier, photometric
from bvsrpp_jax.training.state import TrainState

Batch = dict[str, jax.Array]
Metrics = dict[str, jax.Array]


def make_loss(model: Any, *, flow_loss_weight: float = 0.0) -> Callable:
    """The loss of a batch as a function of the parameters.

    Args:
      model: a `BasicVSRPlusPlus`.
      flow_loss_weight: weight of the photometric loss beside Charbonnier; 0 is the
        paper. With a flow network that starts from nothing it gives the flows a
        gradient of their own. Same-size models have no lq at flow resolution, so
        they take 0 only.

    Returns:
      loss(params, batch) -> (scalar, metrics).

    Raises:
      ValueError: the weight is negative, or positive for a same-size model.
    """
    if flow_loss_weight < 0 or (flow_loss_weight and model.scale == 1):
        raise ValueError(
            f"flow_loss_weight is {flow_loss_weight}; need 0 (or above 0 for x4 models)"
        )

    def loss(params: Any, batch: Batch) -> tuple[jax.Array, Metrics]:
        output = model.apply({"params": params}, batch["lq"])
        picture = charbonnier(output, batch["gt"])
        if not flow_loss_weight:
            return picture, {"loss": picture}
        flows = model.apply({"params": params}, batch["lq"], method="flows")
        flow = photometric(batch["lq"], *flows)
        return picture + flow_loss_weight * flow, {"loss": picture, "flow_loss": flow}

    return loss


def make_train_step(
    loss: Callable,
    optimizer: optax.GradientTransformation,
    *,
    ema_decay: float = 0.0,
) -> Callable[[TrainState, Batch], tuple[TrainState, Metrics]]:
    """The step function, to be compiled by the caller.

    Args:
      loss: loss(params, batch) -> (scalar, metrics).
      optimizer: from `make_optimizer`.
      ema_decay: decay of the parameters' moving average; 0 makes it the parameters.

    Returns:
      train_step(state, batch) -> (state, metrics). A loss or gradient that is not
      finite leaves parameters, moments and average as they were; it only counts.
    """

    def train_step(state: TrainState, batch: Batch) -> tuple[TrainState, Metrics]:
        gradient = jax.value_and_grad(loss, has_aux=True)
        (value, metrics), grads = gradient(state.params, batch)
        norm = optax.tree.norm(grads)
        finite = jnp.isfinite(value) & jnp.isfinite(norm)
        updated = _update(state, grads, optimizer, ema_decay)
        kept = state._replace(step=state.step + 1, skipped=state.skipped + 1)
        state = jax.tree.map(
            lambda new, old: jnp.where(finite, new, old), updated, kept
        )
        return state, {**metrics, "grad_norm": norm, "skipped": state.skipped}

    return train_step


def _update(
    state: TrainState,
    grads: Any,
    optimizer: optax.GradientTransformation,
    ema_decay: float,
) -> TrainState:
    updates, opt_state = optimizer.update(grads, state.opt_state, state.params)
    params = optax.apply_updates(state.params, updates)
    # The average forgets the random start: its decay grows from 1/10 to `ema_decay`.
    decay = jnp.minimum(ema_decay, (1 + state.step) / (10 + state.step))
    ema = optax.incremental_update(params, state.ema, 1 - decay)
    return state._replace(
        step=state.step + 1, params=params, opt_state=opt_state, ema=ema
    )
