"""Every resize of the network, with PyTorch's conventions.

`jax.image.resize` antialiases and has another cubic (a = -0.5), so the sampling
positions and weights are written out here. Interpolation is separable: one axis, then
the other; taps outside the picture read the nearest pixel.
"""

from typing import Literal

import jax
import jax.numpy as jnp


def resize_bilinear(
    x: jax.Array, size: tuple[int, int], *, align_corners: bool = False
) -> jax.Array:
    """Bilinear resize, not antialiased.

    Args:
      x: [..., h, w, c].
      size: (height, width) of the result.
      align_corners: True puts the corner pixels' centres on one another; False aligns
        the outer edges, as `torch.nn.functional.interpolate` does by default.

    Returns:
      [..., *size, c].
    """
    for axis, out in zip((-3, -2), size, strict=True):
        x = _resize_axis(x, axis, out, "linear", align_corners)
    return x


def resize_bicubic(x: jax.Array, size: tuple[int, int]) -> jax.Array:
    """Bicubic resize with a = -0.75, edges aligned, not antialiased.

    This is how the official code shrinks the input of the flow network by four in
    same-size networks. x: [..., h, w, c] -> [..., *size, c].
    """
    for axis, out in zip((-3, -2), size, strict=True):
        x = _resize_axis(x, axis, out, "cubic", False)
    return x


def avg_pool2(x: jax.Array) -> jax.Array:
    """Means of 2x2 blocks: [..., h, w, c] -> [..., h / 2, w / 2, c], sides even."""
    *batch, h, w, c = x.shape
    return x.reshape(*batch, h // 2, 2, w // 2, 2, c).mean((-4, -2))


def pixel_shuffle(x: jax.Array, factor: int) -> jax.Array:
    """Channels to space: [..., h, w, c * factor^2] -> [..., h * factor, w * factor, c].

    Channels are ordered as in PyTorch: output channel first, then row, then column.
    """
    *batch, h, w, channels = x.shape
    c = channels // factor**2
    x = x.reshape(*batch, h, w, c, factor, factor)
    x = jnp.moveaxis(x, (-2, -1), (-4, -2))  # [..., h, factor, w, factor, c]
    return x.reshape(*batch, h * factor, w * factor, c)


def _resize_axis(x, axis, size, method: Literal["linear", "cubic"], align_corners):
    length = x.shape[axis]
    if length == size:
        return x
    dtype = jnp.promote_types(x.dtype, jnp.float32)
    index = jnp.arange(size, dtype=dtype)
    if align_corners:
        position = index * (length - 1) / max(size - 1, 1)
    else:
        position = (index + 0.5) * length / size - 0.5
    if method == "linear":
        # Clamped first: PyTorch takes a position before the first pixel as the first.
        position = jnp.clip(position, 0, length - 1)
    first = jnp.floor(position)
    taps = _linear_taps if method == "linear" else _cubic_taps
    total = 0
    for step, weight in taps(position - first):
        source = jnp.clip(first.astype(jnp.int32) + step, 0, length - 1)
        weight = jnp.expand_dims(weight, tuple(range(1, -axis)))
        total = total + weight * jnp.take(x, source, axis=axis, mode="clip")
    return total.astype(x.dtype)


def _linear_taps(fraction):
    return (0, 1 - fraction), (1, fraction)


def _cubic_taps(fraction, a=-0.75):
    """Keys' cubic convolution kernel at the four nearest pixels."""

    def near(d):  # |d| <= 1
        return ((a + 2) * d - (a + 3)) * d * d + 1

    def far(d):  # 1 < |d| < 2
        return ((a * d - 5 * a) * d + 8 * a) * d - 4 * a

    return (
        (-1, far(fraction + 1)),
        (0, near(fraction)),
        (1, near(1 - fraction)),
        (2, far(2 - fraction)),
    )
