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

    Example:
      >>> from bvsrpp_jax.ops.warp import flow_warp
      >>> x = jnp.arange(5.0).reshape(1, 1, 5, 1)
      >>> flow = jnp.broadcast_to(jnp.array([2.0, 0.0]), (1, 1, 5, 2))  # x, y
      >>> flow_warp(x, flow)[0, 0, :, 0]  # reads two pixels to the right
      Array([2., 3., 4., 0., 0.], dtype=float32)
    """
    if padding not in ("zeros", "border"):
        raise ValueError(f"padding: {padding!r} is neither 'zeros' nor 'border'")
    x, flow = jnp.asarray(x), jnp.asarray(flow)
    chex.assert_rank([x, flow], 4)
    chex.assert_equal_shape_prefix([x, flow], 3)
    _, h, w, _ = x.shape
    flow = flow.astype(at_least_float32(flow.dtype))
    row = _grid_rounded(jnp.arange(h)[:, None] + flow[..., 1], h - 1)  # [n, h, w]
    col = _grid_rounded(jnp.arange(w) + flow[..., 0], w - 1)
    if padding == "border":
        row, col = _clamp(row, h - 1), _clamp(col, w - 1)
    warped = bilinear_sample(x[:, :, :, None], row[..., None], col[..., None])
    return warped[:, :, :, 0].astype(x.dtype)


def _grid_rounded(coordinate: jax.Array, last: int) -> jax.Array:
    """Goes to PyTorch's normalised grid in [-1, 1] and back, for its rounding.

    The official code samples through that grid, which moves a coordinate by an ulp or
    so. Values do not care; but at whole pixels, where bilinear interpolation has a
    kink, the ulp decides which of the two one-sided derivatives the flow receives.
    """
    last = max(last, 1)
    normalised = 2 * coordinate / last - 1
    return (normalised + 1) / 2 * last


def _clamp(coordinate: jax.Array, last: int) -> jax.Array:
    """Clamps to [0, last]; on and beyond the border the gradient is zero.

    This is the convention of PyTorch's `grid_sample`; `jnp.clip` would let half of the
    gradient through where a coordinate lies exactly on the border.
    """
    inside = (coordinate > 0) & (coordinate < last)
    clamped = jax.lax.stop_gradient(jnp.clip(coordinate, 0, last))
    return jnp.where(inside, coordinate, clamped)
