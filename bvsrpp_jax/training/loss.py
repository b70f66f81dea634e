"""The losses: Charbonnier on pictures, and an auxiliary one on flows.

Charbonnier (arXiv:2104.13371, Section 4) is the paper's only loss. The photometric
loss is for training without a pretrained flow network: two neighbouring frames, one
warped onto the other, should look alike.
"""

import jax
import jax.numpy as jnp

from bvsrpp_jax.ops.warp import flow_warp

EPSILON = 1e-12  # inside the root; the paper's value


def charbonnier(output: jax.Array, target: jax.Array) -> jax.Array:
    """Mean over everything of sqrt((output - target)^2 + 1e-12), at least float32."""
    dtype = jnp.promote_types(output.dtype, jnp.float32)
    error = output.astype(dtype) - target.astype(dtype)
    return jnp.sqrt(error**2 + EPSILON).mean()


def photometric(
    lq: jax.Array, flows_backward: jax.Array, flows_forward: jax.Array
) -> jax.Array:
    """How far neighbouring frames differ after warping by the flow between them.

    Args:
      lq: [n, t, h, w, 3] in [0, 1], t of at least 2.
      flows_backward: [n, t-1, h, w, 2], (x, y) pixels from frame i to frame i+1.
      flows_forward: [n, t-1, h, w, 2], from frame i+1 to frame i.

    Returns:
      Scalar: Charbonnier, mean of both directions.

    Raises:
      ValueError: there is one frame only: no flow, and a mean over nothing.
    """
    if lq.shape[1] < 2:
        raise ValueError("clip has 1 frame; the flow loss needs at least 2")
    earlier, later = lq[:, :-1], lq[:, 1:]
    backward = charbonnier(_warp(later, flows_backward), earlier)
    forward = charbonnier(_warp(earlier, flows_forward), later)
    return (backward + forward) / 2


def _warp(frames: jax.Array, flows: jax.Array) -> jax.Array:
    images = frames.reshape(-1, *frames.shape[2:])  # [n*(t-1), h, w, 3]
    fields = flows.reshape(-1, *flows.shape[2:])
    return flow_warp(images, fields, padding="border").reshape(frames.shape)
