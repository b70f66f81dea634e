"""The pieces of a network that restoration runs, with frames as codes at both ends."""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp

from bvsrpp_jax.models.basicvsrpp import BasicVSRPlusPlus
from bvsrpp_jax.ops.precision import in_full_precision
from bvsrpp_jax.restoration.codes import from_float, to_float
from bvsrpp_jax.restoration.padding import crop, pad


class Programs(NamedTuple):
    """The pieces of a network.

    Attributes:
      branches: their names, in order.
      encode: params, frames [t + 1, h, w, 3] -> of all frames but the first g
        [1, t, h', w', c], and between neighbours flows_backward and flows_forward
        [1, t, h', w', 2].
      propagate: branch, params, feats, flow_n1, carry -> features and carry.
      reconstruct: params, frames [t, h, w, 3], feats -> restored frames of the same
        kind, and [t], whether each is finite.
    """

    branches: tuple[str, ...]
    encode: Callable
    propagate: Callable
    reconstruct: Callable


def make_programs(model: BasicVSRPlusPlus) -> Programs:
    """The pieces of a network; they are compiled when they are first called.

    float32 is computed in full on every platform (`in_full_precision`).
    """

    def as_input(frames):
        sides = {"min_side": model.min_side, "multiple": model.side_multiple}
        return pad(to_float(frames), **sides)[None]

    def encode(params, frames):
        lq = as_input(frames)
        feat = model.apply({"params": params}, lq[:, 1:], method="features")
        return feat, *model.apply({"params": params}, lq, method="flows")

    def propagate(branch, params, feats, flow_n1, carry):
        return model.apply(
            {"params": params}, branch, feats, flow_n1, carry, method="propagate"
        )

    def reconstruct(params, frames, feats):
        lq = as_input(frames)
        output = model.apply({"params": params}, lq, feats, method="reconstruct")[0]
        output = crop(output, frames.shape[1:3], scale=model.scale)
        return from_float(output, frames.dtype), jnp.isfinite(output).all((1, 2, 3))

    return Programs(
        model.branches,
        jax.jit(in_full_precision(encode)),
        jax.jit(in_full_precision(propagate), static_argnums=0),
        jax.jit(in_full_precision(reconstruct)),
    )
