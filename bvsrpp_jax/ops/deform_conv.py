"""Modulated deformable convolution (DCNv2): D in Section 3.2 of arXiv:2104.13371.

An ordinary 3x3 convolution reads a fixed 3x3 neighbourhood. Here each of the nine taps
reads wherever its offset points, bilinearly, and is scaled by its mask.

The taps are visited one after another: sample, multiply by that tap's slice of the
kernel, accumulate. Only one tap's samples exist at a time, a ninth of what "sample
everything, then multiply" would hold. The backward pass walks the taps again and
recomputes the samples, so it keeps nothing but the inputs.
"""

from functools import partial

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
      ValueError: `offset` has other axes, or `c` is not a multiple of `g`.

    Example:
      >>> from bvsrpp_jax.ops.deform_conv import modulated_deform_conv
      >>> x, kernel = jnp.ones((1, 4, 4, 2)), jnp.ones((3, 3, 2, 1))
      >>> offset, mask = jnp.zeros((1, 4, 4, 2, 9, 2)), jnp.ones((1, 4, 4, 2, 9))
      >>> y = modulated_deform_conv(x, offset, mask, kernel)
      >>> y[0, 0, :, 0]  # without offsets a convolution; zero outside the picture
      Array([ 8., 12., 12.,  8.], dtype=float32)
    """
    n, h, w, c = x.shape
    if jnp.ndim(offset) != 6:
        raise ValueError(
            f"offset: expected [n, h, w, g, 9, 2], got {list(jnp.shape(offset))}"
        )
    groups = offset.shape[3]
    if c % groups:
        raise ValueError(f"{c} channels do not divide into {groups} deformable groups")
    chex.assert_shape(offset, (n, h, w, groups, 9, 2))
    chex.assert_shape(mask, (n, h, w, groups, 9))
    chex.assert_shape(kernel, (3, 3, c, None))
    y = _sum_over_taps(*map(jnp.asarray, (x, offset, mask, kernel)))
    return (y if bias is None else y + bias).astype(x.dtype)


@jax.custom_vjp
def _sum_over_taps(x, offset, mask, kernel):
    def add_tap(index, total):
        return total + _tap(x, *_slices(offset, mask, kernel, index), index)

    shape = (*x.shape[:3], kernel.shape[-1])
    total = jnp.zeros_like(x, at_least_float32(offset.dtype), shape=shape)
    return lax.fori_loop(0, 9, add_tap, total)


def _tap(x, offset, mask, kernel, index):
    """One tap's share of the output.

    x [n, h, w, c], offset [n, h, w, g, 2], mask [n, h, w, g], kernel [c, o]; index from
    0 to 8 gives the tap's regular place. Returns [n, h, w, o].
    """
    n, h, w, c = x.shape
    groups = mask.shape[-1]
    offset = offset.astype(at_least_float32(offset.dtype))
    row = jnp.arange(h)[:, None, None] + (index // 3 - 1) + offset[..., 0]
    col = jnp.arange(w)[:, None] + (index % 3 - 1) + offset[..., 1]
    sampled = bilinear_sample(x.reshape(n, h, w, groups, c // groups), row, col)
    modulated = (sampled * mask[..., None]).astype(x.dtype).reshape(n, h, w, c)
    return jnp.matmul(modulated, kernel, preferred_element_type=row.dtype)


def _slices(offset, mask, kernel, index):
    """What belongs to one tap; sliced in place, as a scan would copy it all first."""
    return (
        lax.dynamic_index_in_dim(offset, index, 4, keepdims=False),
        lax.dynamic_index_in_dim(mask, index, 4, keepdims=False),
        kernel[index // 3, index % 3],
    )


def _forward(x, offset, mask, kernel):
    return _sum_over_taps(x, offset, mask, kernel), (x, offset, mask, kernel)


def _backward(inputs, grad):
    x, *variables = inputs

    def add_tap(index, gradients):
        dx, doffset, dmask, dkernel = gradients
        tap = partial(_tap, index=index)
        _, vjp = jax.vjp(tap, x, *_slices(*variables, index))
        dx_tap, doffset_tap, dmask_tap, dkernel_tap = vjp(grad)
        return (
            dx + dx_tap,
            lax.dynamic_update_index_in_dim(doffset, doffset_tap, index, 4),
            lax.dynamic_update_index_in_dim(dmask, dmask_tap, index, 4),
            dkernel.at[index // 3, index % 3].set(dkernel_tap),
        )

    # Nine taps add up in dx, so in float32 even for bfloat16 features.
    dx = jnp.zeros_like(x, grad.dtype)
    empty = (dx, *map(jnp.zeros_like, variables))
    dx, *gradients = lax.fori_loop(0, 9, add_tap, empty)
    return dx.astype(x.dtype), *gradients


_sum_over_taps.defvjp(_forward, _backward)
