"""Statistics of flows and offsets, for whoever asks for them while training.

Deformable convolutions diverge through their offsets, and a coordinate that is not
finite need not show in the loss: far outside the picture every sample is zero. The
network therefore leaves, per call of a module, three numbers in a Flax collection,

    _, variables = model.apply(variables, lq, mutable=[STATISTICS])
    summary(variables[STATISTICS])

and computes nothing when the collection is not asked for.
"""

from collections.abc import Mapping

import flax.linen as nn
import jax
import jax.numpy as jnp

STATISTICS = "statistics"
KINDS = ("flow", "offset")


def watch(module: nn.Module, kind: str, values: jax.Array) -> None:
    """Leaves the statistics of coordinates in pixels, of any shape.

    Args:
      module: who has computed them.
      kind: one of `KINDS`.
      values: the coordinates.
    """
    asked = module.is_mutable_collection(STATISTICS) and not module.is_initializing()
    if not asked or not values.size:  # one frame alone has no flow
        return
    values = jax.lax.stop_gradient(values)
    size = jnp.abs(values)
    numbers = {
        "nonfinite": jnp.sum(~jnp.isfinite(values)),
        "max": jnp.max(size),
        "mean": jnp.mean(size),
    }
    module.put_variable(STATISTICS, kind, numbers)


def summary(statistics: Mapping) -> dict[str, jax.Array]:
    """Scalars over everything that a network has left.

    Args:
      statistics: the collection of one application of the network.

    Returns:
      `flow_nonfinite`, `offset_nonfinite`: how many coordinates were NaN or infinite;
      `flow_max`, `offset_max`: the largest, `flow_mean`, `offset_mean`: the mean
      absolute value in pixels. Float32 or wider.
    """
    combine = {"nonfinite": jnp.sum, "max": jnp.max, "mean": jnp.mean}
    found = {kind: list(_find(statistics, kind)) for kind in KINDS}
    return {
        f"{kind}_{name}": function(
            jnp.concatenate(
                [jnp.ravel(numbers[name]).astype(jnp.float32) for numbers in left]
            )
        )
        for kind, left in found.items()
        if left  # a clip of one frame has no flow
        for name, function in combine.items()
    }


def _find(tree: Mapping, kind: str):
    for name, value in tree.items():
        if name == kind:
            yield value
        elif isinstance(value, Mapping):
            yield from _find(value, kind)
