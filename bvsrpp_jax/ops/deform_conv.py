"""Modulated deformable convolution (DCNv2): D in Section 3.2 of arXiv:2104.13371.

An ordinary 3x3 convolution reads a fixed 3x3 neighbourhood. Here each of the nine taps
reads wherever its offset points, bilinearly, and is scaled by its mask.

The taps are visited one after another: sample, multiply by that tap's slice of the
kernel, accumulate. Only one tap's samples exist at a time, a ninth of what "sample
everything, then multiply" would hold. The backward pass walks the taps again and
recomputes the samples, so it keeps nothing but the inputs.
"""

import chex
import jax
import jax.numpy as jnp
from jax import lax

from bvsrpp_jax.ops.sampling import at_least_float32, bilinear_sample


def modulated_deform_conv(
    x: jax.Array,
    offset: jax.Array,
    mask: jax.Array,
    kernel: jax.Array,
    bias: jax.Array | None = None,
) -> jax.Array:
    """3x3 deformable convolution, stride 1, padding 1, zero outside the picture.

    Args:
      x: [n, h, w, c].
      offset: [n, h, w, g, 9, 2], displacement (y, x) in pixels of each tap from its
        regular place. Group i moves channels [i * c / g, (i + 1) * c / g).
      mask: [n, h, w, g, 9], the factor on each sample.
      kernel: [3, 3, c, o]; tap 3 * i + j of `offset` and `mask` is kernel[i, j].
      bias: [o], or None.

    Returns:
      [n, h, w, o] in the dtype of `x`. Coordinates and sums are float32 or wider.

    Raises:
      ValueError: `c` is not a multiple of `g`.
    """
    n, h, w, c = x.shape
    groups = offset.shape[3]
    if c % groups:
        raise ValueError(f"{c} channels do not divide into {groups} deformable groups")
    chex.assert_shape(offset, (n, h, w, groups, 9, 2))
    chex.assert_shape(mask, (n, h, w, groups, 9))
    chex.assert_shape(kernel, (3, 3, c, None))
    y = _sum_over_taps(x, offset, mask, kernel)
    return (y if bias is None else y + bias).astype(x.dtype)


def _tap(x, offset, mask, kernel, place):
    """One tap's share of the output.

    x [n, h, w, c], offset [n, h, w, g, 2], mask [n, h, w, g], kernel [c, o], place [2]:
    the tap's regular displacement (y, x). Returns [n, h, w, o].
    """
    n, h, w, c = x.shape
    groups = mask.shape[-1]
    offset = offset.astype(at_least_float32(offset.dtype)) + place
    row = jnp.arange(h, dtype=offset.dtype)[:, None, None] + offset[..., 0]
    col = jnp.arange(w, dtype=offset.dtype)[:, None] + offset[..., 1]
    sampled = bilinear_sample(x.reshape(n, h, w, groups, c // groups), row, col)
    modulated = (sampled * mask[..., None]).astype(x.dtype).reshape(n, h, w, c)
    return jnp.matmul(modulated, kernel, preferred_element_type=row.dtype)


def _taps(offset, mask, kernel):
    """The inputs that differ from tap to tap, tap axis first."""
    place = jnp.stack(jnp.meshgrid(jnp.arange(-1, 2), jnp.arange(-1, 2), indexing="ij"))
    return (
        jnp.moveaxis(offset, 4, 0),  # [9, n, h, w, g, 2]
        jnp.moveaxis(mask, 4, 0),  # [9, n, h, w, g]
        kernel.reshape(9, *kernel.shape[2:]),  # [9, c, o]
        place.reshape(2, 9).T,  # [9, 2]
    )


@jax.custom_vjp
def _sum_over_taps(x, offset, mask, kernel):
    def add_tap(total, tap):
        return total + _tap(x, *tap), None

    dtype = at_least_float32(offset.dtype)
    zeros = jnp.zeros_like(x, dtype, shape=(*x.shape[:3], kernel.shape[-1]))
    total, _ = lax.scan(add_tap, zeros, _taps(offset, mask, kernel))
    return total


def _sum_over_taps_forward(x, offset, mask, kernel):
    return _sum_over_taps(x, offset, mask, kernel), (x, offset, mask, kernel)


def _sum_over_taps_backward(inputs, grad):
    x, offset, mask, kernel = inputs

    def tap_gradients(dx, tap):
        *variables, place = tap
        _, vjp = jax.vjp(lambda x, *v: _tap(x, *v, place), x, *variables)
        dx_tap, *gradients = vjp(grad)
        return dx + dx_tap, gradients

    dx, (doffset, dmask, dkernel) = lax.scan(
        tap_gradients, jnp.zeros_like(x), _taps(offset, mask, kernel)
    )
    return (
        dx,
        jnp.moveaxis(doffset, 0, 4),
        jnp.moveaxis(dmask, 0, 4),
        dkernel.reshape(kernel.shape),
    )


_sum_over_taps.defvjp(_sum_over_taps_forward, _sum_over_taps_backward)
