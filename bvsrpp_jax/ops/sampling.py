"""Bilinear sampling at real-valued coordinates: the core of warping and alignment.

A pixel's coordinate is its index: (0, 0) is the centre of the top left pixel, as
PyTorch's `align_corners=True`. A sample is the sum of its four corner pixels, each
weighted by its overlap; a corner outside the picture counts as zero, corner by corner,
so a sample half a pixel outside keeps half of the border's value.
"""

import chex
import jax
import jax.numpy as jnp


def bilinear_sample(x: jax.Array, row: jax.Array, col: jax.Array) -> jax.Array:
    """Samples every group of channels at coordinates of its own.

    Args:
      x: [n, h, w, g, c], any float dtype.
      row, col: [n, i, j, g] in pixels, float32 or wider. bfloat16 would round to a
        quarter of a pixel inside a 64-pixel picture.

    Returns:
      [n, i, j, g, c] in the wider dtype of values and coordinates. Coordinates that
      are NaN give NaN: a broken flow must be seen, not painted black.
    """
    chex.assert_rank(x, 5)
    chex.assert_equal_shape([row, col])
    n, h, w, g, c = x.shape
    # Any coordinate beyond one pixel outside reads zero, so the clip changes nothing
    # but keeps the conversion to integers defined for 1e30 and for infinity.
    row, col = jnp.clip(row, -2, h + 1), jnp.clip(col, -2, w + 1)
    top, left = jnp.floor(row), jnp.floor(col)
    down, right = row - top, col - left
    top, left = top.astype(jnp.int32), left.astype(jnp.int32)
    table = x.reshape(n * h * w * g, c)
    clip = jnp.arange(n, dtype=jnp.int32)[:, None, None, None]
    group = jnp.arange(g, dtype=jnp.int32)

    def corner(i, j, weight):
        inside = (i >= 0) & (i < h) & (j >= 0) & (j < w)
        pixel = (clip * h + jnp.clip(i, 0, h - 1)) * w + jnp.clip(j, 0, w - 1)
        values = table.at[pixel * g + group].get(mode="promise_in_bounds")
        # Multiplied, not selected: NaN times zero stays NaN.
        return (weight * inside)[..., None] * values

    return (
        corner(top, left, (1 - down) * (1 - right))
        + corner(top, left + 1, (1 - down) * right)
        + corner(top + 1, left, down * (1 - right))
        + corner(top + 1, left + 1, down * right)
    )


def at_least_float32(dtype) -> jnp.dtype:
    """The dtype of coordinates for a compute dtype: never narrower than float32."""
    return jnp.promote_types(dtype, jnp.float32)
