"""Bilinear sampling at real-valued coordinates: the core of warping and alignment.

A pixel's coordinate is its index: (0, 0) is the centre of the top left pixel, as
PyTorch's `align_corners=True`. A sample is the sum of its four corner pixels, each
weighted by its overlap; a corner outside the picture counts as zero, corner by corner,
so a sample half a pixel outside keeps half of the border's value.
"""

import chex
import jax
import jax.numpy as jnp


def at_least_float32(dtype) -> jnp.dtype:
    """The dtype of coordinates for a compute dtype: never narrower than float32."""
    return jnp.promote_types(dtype, jnp.float32)


@jax.custom_vjp
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
    sampled = 0
    weights = _weights(row, col, x.shape)
    for rows, weight in zip(_table_rows(row, col, x.shape), weights, strict=True):
        sampled = sampled + weight[..., None] * _read(x, rows)
    return sampled


def _forward(x, row, col):
    return bilinear_sample(x, row, col), (x, row, col)


def _backward(inputs, grad):
    """Corner by corner, reading the pixels again: derived gradients would hold all."""
    x, row, col = inputs
    weights, weights_vjp = jax.vjp(lambda *at: _weights(*at, x.shape), row, col)
    dtable = jnp.zeros_like(x, grad.dtype, shape=(x.size // x.shape[-1], x.shape[-1]))
    dweights = []
    for rows, weight in zip(_table_rows(row, col, x.shape), weights, strict=True):
        dweights.append((grad * _read(x, rows)).sum(-1))
        share = weight[..., None] * grad
        dtable = dtable.at[rows].add(share, mode="promise_in_bounds")
    return dtable.reshape(x.shape).astype(x.dtype), *weights_vjp(tuple(dweights))


bilinear_sample.defvjp(_forward, _backward)


def _corners(row, col, shape):
    """Indices (i, j) of the four corners; the way down and right from the first."""
    _, h, w, _, _ = shape
    # Any coordinate beyond one pixel outside reads zero, so the clip changes nothing
    # but keeps the conversion to integers defined for 1e30 and for infinity.
    row, col = jnp.clip(row, -2, h + 1), jnp.clip(col, -2, w + 1)
    top, left = jnp.floor(row), jnp.floor(col)
    down, right = row - top, col - left
    top, left = top.astype(jnp.int32), left.astype(jnp.int32)
    corners = (top, left), (top, left + 1), (top + 1, left), (top + 1, left + 1)
    return corners, down, right


def _weights(row, col, shape):
    """The overlap of each corner with its sample: four [n, i, j, g]."""
    _, h, w, _, _ = shape
    corners, down, right = _corners(row, col, shape)
    overlaps = (
        (1 - down) * (1 - right),
        (1 - down) * right,
        down * (1 - right),
        down * right,
    )
    # Multiplied by "inside", not selected: NaN times zero stays NaN.
    return tuple(
        overlap * ((i >= 0) & (i < h) & (j >= 0) & (j < w))
        for (i, j), overlap in zip(corners, overlaps, strict=True)
    )


def _table_rows(row, col, shape):
    """Where each corner stands in x viewed as a table [n * h * w * g, c]."""
    n, h, w, g, _ = shape
    clip = jnp.arange(n, dtype=jnp.int32)[:, None, None, None]
    group = jnp.arange(g, dtype=jnp.int32)
    for i, j in _corners(row, col, shape)[0]:
        i, j = jnp.clip(i, 0, h - 1), jnp.clip(j, 0, w - 1)
        yield ((clip * h + i) * w + j) * g + group


def _read(x, rows):
    return x.reshape(-1, x.shape[-1]).at[rows].get(mode="promise_in_bounds")
