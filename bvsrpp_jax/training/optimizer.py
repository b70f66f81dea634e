"""The paper's optimizer: Adam, one cosine, the flow network slower and later.

The flow network starts pretrained: it learns at a quarter of the rate and is frozen
for the first `fix_iter` steps. PyTorch's Adam skips frozen parameters altogether, so
their moments and their bias correction start at release; one shared count would make
the first steps after it up to 2.1 times too large.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import optax

FLOW_NETWORK = "spynet"  # top-level name in the parameter tree


def cosine(rate: float, *, num_steps: int, min_rate: float) -> optax.Schedule:
    """Cosine from `rate` at step 0 to the absolute `min_rate` at step `num_steps`."""

    def schedule(step):
        phase = jnp.pi * jnp.minimum(step, num_steps) / num_steps
        return min_rate + 0.5 * (rate - min_rate) * (1 + jnp.cos(phase))

    return schedule


def learning_rates(
    *,
    rate: float = 1e-4,
    flow_rate_factor: float = 0.25,
    num_steps: int,
    min_rate: float = 1e-7,
) -> dict[str, optax.Schedule]:
    """The schedule of each parameter group, by step from 0.

    Args:
      rate: initial rate of everything but the flow network.
      flow_rate_factor: the flow network's initial rate over `rate`.
      num_steps: steps until the rate has fallen to `min_rate`.
      min_rate: final rate of both groups, absolute.

    Returns:
      {"main": schedule, "spynet": schedule}.
    """
    flow_rate = flow_rate_factor * rate
    return {
        "main": cosine(rate, num_steps=num_steps, min_rate=min_rate),
        FLOW_NETWORK: cosine(flow_rate, num_steps=num_steps, min_rate=min_rate),
    }


def make_optimizer(
    rates: dict[str, Callable],
    *,
    fix_iter: int = 5000,
    b1: float = 0.9,
    b2: float = 0.99,
) -> optax.GradientTransformation:
    """Adam for both groups; the flow network frozen for exactly `fix_iter` steps.

    Args:
      rates: schedules of `learning_rates`.
      fix_iter: updates during which the flow network stays untouched; 0 freezes
        nothing.
      b1: Decay of the first moment.
      b2: Decay of the second moment (the paper's 0.99, not the usual 0.999).

    Returns:
      An optax transformation over the parameter tree of the network.
    """
    adam = optax.scale_by_adam(b1=b1, b2=b2, eps=1e-8)
    frozen = optax.conditionally_mask(adam, lambda step: step >= fix_iter)
    groups = {
        "main": optax.chain(adam, _descend(rates["main"])),
        FLOW_NETWORK: optax.chain(frozen, _descend(rates[FLOW_NETWORK])),
    }
    return optax.partition(groups, parameter_groups)


def parameter_groups(params: dict) -> dict:
    """A tree like `params` that says "main" or "spynet" for every array."""
    return {
        name: jax.tree.map(lambda _, name=name: _group(name), tree)
        for name, tree in params.items()
    }


def _group(name: str) -> str:
    return FLOW_NETWORK if name == FLOW_NETWORK else "main"


def _descend(schedule: optax.Schedule) -> optax.GradientTransformation:
    return optax.scale_by_schedule(lambda step: -schedule(step))
