"""Convolution, residual blocks, and the initialisation of the official code.

| layer                           | kernel                             | bias     |
|---------------------------------|------------------------------------|----------|
| default                         | U(-b, b), b = 1 / sqrt(fan_in)     | U(-b, b) |
| the two convolutions of a block | normal, std = 0.1 sqrt(2 / fan_in) | 0        |
| upsampling                      | normal, std = sqrt(2 / fan_in)     | 0        |
| flow network                    | normal, std = sqrt(2 / fan_out)    | 0        |
| deformable convolution          | U(-b, b), b = 1 / sqrt(fan_in)     | 0        |
| last convolution of the offsets | 0                                  | 0        |

The first row is PyTorch's own default (Kaiming-uniform with a = sqrt(5)).
"""

from collections.abc import Callable
from math import prod

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax.typing import DTypeLike

from bvsrpp_jax.ops.conv import conv2d

Dtype = DTypeLike
Initializer = Callable[[jax.Array, tuple[int, ...], Dtype], jax.Array]


def fan_in_uniform(
    key: jax.Array, shape: tuple[int, ...], dtype: Dtype = jnp.float32
) -> jax.Array:
    """U(-b, b) with b = 1 / sqrt(fan_in) for a kernel of `shape` HWIO."""
    bound = prod(shape[:-1]) ** -0.5
    return jax.random.uniform(key, shape, dtype, -bound, bound)


kaiming_normal = nn.initializers.variance_scaling(2.0, "fan_in", "normal")
residual_normal = nn.initializers.variance_scaling(0.1**2 * 2.0, "fan_in", "normal")
flow_normal = nn.initializers.variance_scaling(2.0, "fan_out", "normal")
zeros = nn.initializers.zeros_init()


def leaky_relu(x: jax.Array) -> jax.Array:
    """max(x, 0.1 x), the activation outside residual blocks and flow network."""
    return nn.leaky_relu(x, 0.1)


class Conv(nn.Module):
    """A k x k convolution with bias and zero padding k // 2.

    Attributes:
      kernel_init: initialises the kernel [k, k, i, features].
      bias_init: the same for the bias; None draws it from U(-b, b) with
        b = 1 / sqrt(fan_in) of the kernel.
      dtype: compute dtype; parameters stay float32.
    """

    features: int
    kernel_size: int = 3
    stride: int = 1
    kernel_init: Initializer = fan_in_uniform
    bias_init: Initializer | None = None
    dtype: Dtype = jnp.float32

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        shape = (self.kernel_size, self.kernel_size, x.shape[-1], self.features)
        kernel = self.param("kernel", self.kernel_init, shape, jnp.float32)
        bias_init = self.bias_init or self._fan_in_bias(shape)
        bias = self.param("bias", bias_init, (self.features,), jnp.float32)
        x, kernel, bias = (a.astype(self.dtype) for a in (x, kernel, bias))
        return conv2d(x, kernel, bias, stride=self.stride)

    @staticmethod
    def _fan_in_bias(kernel_shape):
        bound = prod(kernel_shape[:-1]) ** -0.5

        def init(key, shape, dtype):
            return jax.random.uniform(key, shape, dtype, -bound, bound)

        return init


class ResidualBlock(nn.Module):
    """x + conv2(relu(conv1(x))), without normalisation: [n, h, w, c] -> same."""

    features: int
    dtype: Dtype = jnp.float32

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        def conv(name):
            return Conv(
                self.features,
                kernel_init=residual_normal,
                bias_init=zeros,
                dtype=self.dtype,
                name=name,
            )

        return x + conv("conv2")(nn.relu(conv("conv1")(x)))


class ResidualBlocks(nn.Module):
    """R in Section 3.1: a convolution to `features` channels, then residual blocks."""

    features: int
    num_blocks: int
    dtype: Dtype = jnp.float32

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        x = leaky_relu(Conv(self.features, dtype=self.dtype, name="conv_in")(x))
        for i in range(self.num_blocks):
            x = ResidualBlock(self.features, dtype=self.dtype, name=f"block_{i}")(x)
        return x
