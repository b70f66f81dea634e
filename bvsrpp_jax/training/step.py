"""One training step, a pure function: state, batch -> state, metrics.

The same function is one device's share of a data-parallel step: given the name of a
mesh axis it averages gradients over that axis, under `jax.shard_map` or `jax.pmap`
alike (`training.parallel`).
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import optax
from jax import lax
from jax.flatten_util import ravel_pytree

from bvsrpp_jax.models.statistics import STATISTICS, summary
from bvsrpp_jax.training.loss import charbonnier, photometric
from bvsrpp_jax.training.state import TrainState

Batch = dict[str, jax.Array]
Metrics = dict[str, jax.Array]
Loss = Callable[[Any, Batch], tuple[jax.Array, Metrics]]

# How a metric of several devices, or of several parts of a batch, becomes one: by the
# last word of its name, else the mean.
COMBINE = {"nonfinite": jnp.sum, "max": jnp.max}


def make_loss(model: Any, *, flow_loss_weight: float = 0.0) -> Loss:
    """The loss of a batch as a function of the parameters.

    Args:
      model: a `BasicVSRPlusPlus`.
      flow_loss_weight: weight of the photometric loss beside Charbonnier; 0 is the
        paper. With a flow network that starts from nothing it gives the flows a
        gradient of their own. Networks whose features are smaller than their input
        have no lq at flow resolution, so they take 0 only.

    Returns:
      loss(params, batch) -> (scalar, metrics); the metrics are "loss" (Charbonnier),
      "flow_loss" if it has a weight, and the statistics of flows and offsets
      (`models.statistics.summary`).

    Raises:
      ValueError: the weight is negative, or positive for such a network.
    """
    if flow_loss_weight < 0 or (flow_loss_weight and model.feature_stride > 1):
        raise ValueError(
            f"flow_loss_weight is {flow_loss_weight}; need 0, or above 0"
            " with feature_stride 1"
        )

    def loss(params: Any, batch: Batch) -> tuple[jax.Array, Metrics]:
        variables = {"params": params}
        output, left = model.apply(variables, batch["lq"], mutable=[STATISTICS])
        picture = charbonnier(output, batch["gt"])
        metrics = {"loss": picture, **summary(left[STATISTICS])}
        if not flow_loss_weight:
            return picture, metrics
        flows = model.apply(variables, batch["lq"], method="flows")
        flow = photometric(batch["lq"], *flows)
        return picture + flow_loss_weight * flow, {**metrics, "flow_loss": flow}

    return loss


def make_train_step(
    loss: Loss,
    optimizer: optax.GradientTransformation,
    *,
    accumulate: int = 1,
    clip_norm: float | None = None,
    ema_decay: float | None = None,
    axis_name: str | None = None,
) -> Callable[[TrainState, Batch], tuple[TrainState, Metrics]]:
    """The step function, to be compiled by the caller.

    Args:
      loss: loss(params, batch) -> (scalar, metrics).
      optimizer: from `make_optimizer`.
      accumulate: parts into which the batch is cut; the gradient is their mean, taken
        one part after the other, so that memory is that of one part.
      clip_norm: gradients whose global norm is above it are scaled down to it; None,
        as in the paper, does nothing.
      ema_decay: decay of the parameters' moving average, for a state that keeps one.
      axis_name: mesh axis over which gradients and metrics are averaged.

    Returns:
      train_step(state, batch) -> (state, metrics). A loss or gradient that is not
      finite leaves parameters, moments and average as they were; it only counts. The
      metrics are those of `loss`, "grad_norm" before clipping, "skipped" and
      "skipped_in_a_row".

    Raises:
      ValueError: `accumulate` is below 1, or, when the step is traced, does not divide
        the device's share of the batch; `clip_norm` or `ema_decay` is out of range.
    """
    if accumulate < 1:
        raise ValueError(f"accumulate is {accumulate}; need 1 or more")
    if clip_norm is not None and clip_norm <= 0:
        raise ValueError(f"clip_norm is {clip_norm}; need a positive norm, or none")
    if ema_decay is not None and not 0 <= ema_decay < 1:
        raise ValueError(f"ema_decay is {ema_decay}; need 0 or more and below 1")

    def train_step(state: TrainState, batch: Batch) -> tuple[TrainState, Metrics]:
        grads, metrics = _gradients(loss, state.params, batch, accumulate)
        if axis_name is not None:
            grads, metrics = _over_devices(grads, metrics, axis_name)
        norm = optax.tree.norm(grads)
        finite = jnp.isfinite(metrics["loss"]) & jnp.isfinite(norm)
        if clip_norm is not None:
            scale = clip_norm / jnp.maximum(norm, clip_norm)
            grads = jax.tree.map(lambda grad: grad * scale, grads)
        updated = _update(state, grads, optimizer, ema_decay)
        kept = state._replace(
            step=state.step + 1,
            skipped=state.skipped + 1,
            skipped_in_a_row=state.skipped_in_a_row + 1,
        )
        state = jax.tree.map(
            lambda new, old: jnp.where(finite, new, old), updated, kept
        )
        counts = {
            "skipped": state.skipped,
            "skipped_in_a_row": state.skipped_in_a_row,
        }
        return state, {**metrics, "grad_norm": norm, **counts}

    return train_step


def _gradients(loss, params, batch, accumulate):
    """The mean gradient and the metrics of a batch, one part after the other."""
    gradient = jax.grad(loss, has_aux=True)
    if accumulate == 1:
        return gradient(params, batch)
    size = len(jax.tree.leaves(batch)[0])
    if size % accumulate:
        raise ValueError(
            f"accumulate is {accumulate}, but a device has {size} clips of the batch;"
            " it must divide them"
        )
    parts = jax.tree.map(
        lambda x: x.reshape(accumulate, size // accumulate, *x.shape[1:]), batch
    )

    def add(total, part):
        grads, metrics = gradient(params, part)
        return jax.tree.map(jnp.add, total, grads), metrics

    total, metrics = lax.scan(add, jax.tree.map(jnp.zeros_like, params), parts)
    return jax.tree.map(lambda x: x / accumulate, total), _combine(metrics)


def _over_devices(grads, metrics, axis_name):
    """Two collectives in all: one vector of gradients, one of metrics."""
    flat, unravel = ravel_pytree(grads)
    grads = unravel(lax.pmean(flat, axis_name))
    names = sorted(metrics)
    row = jnp.stack([metrics[name].astype(flat.dtype) for name in names])
    table = lax.all_gather(row, axis_name)  # [devices, metrics]
    columns = {name: table[:, i] for i, name in enumerate(names)}
    return grads, _combine(columns)


def _combine(columns: Metrics) -> Metrics:
    """Metrics [parts] -> scalars."""
    return {
        name: COMBINE.get(name.rpartition("_")[2], jnp.mean)(column)
        for name, column in columns.items()
    }


def _update(state, grads, optimizer, ema_decay) -> TrainState:
    updates, opt_state = optimizer.update(grads, state.opt_state, state.params)
    params = optax.apply_updates(state.params, updates)
    ema = state.ema
    if ema is not None:
        # It forgets the random start: the decay grows from 1/10 to `ema_decay`.
        decay = jnp.minimum(ema_decay, (1 + state.step) / (10 + state.step))
        ema = optax.incremental_update(params, ema, 1 - decay)
    return state._replace(
        step=state.step + 1,
        skipped_in_a_row=jnp.zeros_like(state.skipped_in_a_row),
        params=params,
        opt_state=opt_state,
        ema=ema,
    )
