"""Backward warping by optical flow: W in Section 3.2 of arXiv:2104.13371."""

from typing import Literal

import chex
import jax
import jax.numpy as jnp

from bvsrpp_jax.ops.sampling import at_least_float32, bilinear_sample


def flow_warp(
    x: jax.Array, flow: jax.Array, *, padding: Literal["zeros", "border"] = "zeros"
) -> jax.Array:
    """Reads `x` at every pixel displaced by its flow.

    Args:
      x: [n, h, w, c].
      flow: [n, h, w, 2], (x, y) in pixels: out[i, j] = x[i + flow_y, j + flow_x].
      padding: what lies outside: "zeros" (features, flows) or "border", the nearest
        pixel (inside the flow network).

    Returns:
      [n, h, w, c] in the dtype of `x`.

    Raises:
      ValueError: unknown padding.
    """
    if padding not in ("zeros", "border"):
        raise ValueError(f"padding: {padding!r} is neither 'zeros' nor 'border'")
    chex.assert_rank([x, flow], 4)
    chex.assert_equal_shape_prefix([x, flow], 3)
    _, h, w, _ = x.shape
    flow = flow.astype(at_least_float32(flow.dtype))
    row = jnp.arange(h, dtype=flow.dtype)[:, None] + flow[..., 1]  # [n, h, w]
    col = jnp.arange(w, dtype=flow.dtype) + flow[..., 0]
    if padding == "border":
        row, col = _clamp(row, h - 1), _clamp(col, w - 1)
    warped = bilinear_sample(x[:, :, :, None], row[..., None], col[..., None])
    return warped[:, :, :, 0].astype(x.dtype)


def _clamp(coordinate: jax.Array, last: int) -> jax.Array:
    """Clamps to [0, last]; on and beyond the border the gradient is zero.

    This is the convention of PyTorch's `grid_sample`; `jnp.clip` would let half of the
    gradient through where a coordinate lies exactly on the border.
    """
    inside = (coordinate > 0) & (coordinate < last)
    clamped = jax.lax.stop_gradient(jnp.clip(coordinate, 0, last))
    return jnp.where(inside, coordinate, clamped)
