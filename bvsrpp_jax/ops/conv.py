"""2-D convolution, NHWC by HWIO, whose gradients stay fast inside a scan on CPU.

XLA's CPU compiler reaches its fast kernel only for the layout `b01f,01io->b01f`. It
rewrites other layouts into that form in the entry computation, but not inside the
`while` loop that `lax.scan` becomes, where the two gradient convolutions which JAX
derives (`01oi` and `f01b` layouts) run as naive loops: 874 ms against 50 ms for two
3x3 convolutions of 64 channels on three 64x64 frames. `conv2d` therefore has a
derivative rule of its own: the input's gradient in the canonical layout, the kernel's
as a matrix product for each tap. On CPU only: accelerators have no such trap and keep
JAX's own rule.
"""

from functools import partial

import jax
import jax.numpy as jnp
from jax import lax

_CANONICAL = ("NHWC", "HWIO", "NHWC")
NARROW = 16  # output channels below which the kernel's gradient is one convolution


def conv2d(
    x: jax.Array, kernel: jax.Array, bias: jax.Array | None = None, *, stride: int = 1
) -> jax.Array:
    """Convolves with zero padding of half the kernel, as PyTorch's `padding=k // 2`.

    Args:
      x: [n, h, w, i].
      kernel: [k, k, i, o] with odd k.
      bias: [o], or None.
      stride: step of the output grid in both directions.

    Returns:
      [n, ceil(h / stride), ceil(w / stride), o], in the dtype of `x`.
    """
    y = _conv(x, kernel, stride)
    return y if bias is None else y + bias


@partial(jax.custom_vjp, nondiff_argnums=(2,))
def _conv(x: jax.Array, kernel: jax.Array, stride: int) -> jax.Array:
    return _plain_conv(x, kernel, stride)


def _plain_conv(x, kernel, stride):
    pad = kernel.shape[0] // 2
    return lax.conv_general_dilated(
        x,
        kernel,
        window_strides=(stride, stride),
        padding=((pad, pad), (pad, pad)),
        dimension_numbers=_CANONICAL,
    )


def _conv_forward(x, kernel, stride):
    return _plain_conv(x, kernel, stride), (x, kernel)


def _conv_backward(stride, residuals, grad):
    def derived(x, kernel, grad):
        _, vjp = jax.vjp(lambda x, kernel: _plain_conv(x, kernel, stride), x, kernel)
        return vjp(grad)

    def canonical(x, kernel, grad):
        dx = _input_gradient(grad, kernel, x.shape, stride)
        if stride == 1 and grad.shape[-1] < NARROW:
            return dx, _narrow_kernel_gradient(x, grad, kernel.shape[0])
        return dx, _kernel_gradient(x, grad, kernel.shape[0], stride)

    return lax.platform_dependent(*residuals, grad, cpu=canonical, default=derived)


_conv.defvjp(_conv_forward, _conv_backward)


def _input_gradient(grad, kernel, x_shape, stride):
    """The cotangent, dilated by the stride, convolved with the flipped kernel."""
    k = kernel.shape[0]
    transposed = jnp.flip(kernel, (0, 1)).swapaxes(2, 3)  # [k, k, o, i]
    low = k - 1 - k // 2
    padding = []
    for size, out in zip(x_shape[1:3], grad.shape[1:3], strict=True):
        dilated = (out - 1) * stride + 1
        padding.append((low, size - dilated + k - 1 - low))
    return lax.conv_general_dilated(
        grad,
        transposed,
        window_strides=(1, 1),
        padding=padding,
        lhs_dilation=(stride, stride),
        dimension_numbers=_CANONICAL,
    )


def _kernel_gradient(x, grad, k, stride):
    """A matrix product for each tap: the pixels that it reads, times the cotangent.

    As one convolution, with the cotangent for its kernel, this takes three to six
    times as long in the widest layers: 350 ms, not 60, for 64 to 256 channels on
    128x128 pixels.
    """
    n, h, w, outputs = grad.shape
    pad = k // 2
    padded = jnp.pad(x, ((0, 0), (pad, pad), (pad, pad), (0, 0)))
    span = (n, (h - 1) * stride + 1, (w - 1) * stride + 1, x.shape[-1])
    cotangent = grad.reshape(-1, outputs)  # [n * h * w, o]

    def tap(index):
        read = lax.dynamic_slice(padded, (0, index // k, index % k, 0), span)
        read = read[:, ::stride, ::stride].reshape(-1, x.shape[-1])
        return lax.dot_general(read, cotangent, (((0,), (0,)), ((), ())))

    return lax.map(tap, jnp.arange(k * k)).reshape(k, k, -1, outputs)


def _narrow_kernel_gradient(x, grad, k):
    """The same for few output channels, where that is slower, as one convolution.

    The cotangent, batch and channels exchanged, is convolved with the input; XLA lays
    out patches of the first operand, so the narrow one comes first.
    """
    swapped = lax.conv_general_dilated(
        grad.transpose(3, 1, 2, 0),  # [o, h, w, n]
        x.transpose(1, 2, 0, 3),  # [h, w, n, i]
        window_strides=(1, 1),
        padding=((k // 2, k // 2), (k // 2, k // 2)),
        dimension_numbers=_CANONICAL,
    )  # [o, k, k, i]
    return jnp.flip(swapped, (1, 2)).transpose(1, 2, 3, 0)
