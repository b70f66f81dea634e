"""From pixels to features and from features to pixels: the network's two ends.

| network                    | scale | feature_stride | down    | pixel shuffles |
|----------------------------|-------|----------------|---------|----------------|
| super-resolution (paper)   | 4     | 1              |         | 2, 2           |
| its other scales           | 2     | 1              |         | 2              |
|                            | 3     | 1              |         | 3              |
|                            | 8     | 1              |         | 2, 2, 2        |
| restoration                | 1     | 4              | 2, 2    | 2, 2           |
| the same, finer (2x)       | 1     | 2              | 2       | 2              |

Restoration is arXiv:2204.05308: BasicVSR++ between two strided convolutions and two
pixel shuffles; its finer networks, "BasicVSR++ 2x", have one of each.
"""

from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from bvsrpp_jax.models.layers import Conv, Dtype, ResidualBlocks, leaky_relu

SCALES = (1, 2, 3, 4, 8)
FEATURE_STRIDES = (1, 2, 4)


def num_halvings(feature_stride: int) -> int:
    """How many strided convolutions make features of the input."""
    return FEATURE_STRIDES.index(feature_stride)


def shuffle_factors(enlargement: int) -> tuple[int, ...]:
    """The pixel shuffles that make pictures of features: 4 -> (2, 2), 6 -> (2, 3)."""
    factors = ()
    for factor in (2, 3):
        while enlargement % factor == 0:
            factors, enlargement = (*factors, factor), enlargement // factor
    return factors


def upsamplings(model: Any) -> list[tuple[str, int, int]]:
    """Name, factor of the pixel shuffle and channels after it, of each upsampling.

    Args:
      model: a `BasicVSRPlusPlus`.
    """
    factors = shuffle_factors(model.enlargement)
    channels = (*[model.mid_channels] * (len(factors) - 1), model.hr_channels)
    return [
        (f"upsample{i}", factor, channels[i - 1]) for i, factor in enumerate(factors, 1)
    ]


class FeatureExtraction(nn.Module):
    """Residual blocks on the input, after as many halvings as its size asks for.

    Attributes:
      features: channels of the result.
      stride: input pixels per feature pixel in each direction, 1, 2 or 4.
    """

    features: int
    num_blocks: int
    stride: int
    dtype: Dtype = jnp.float32

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        """[n, h, w, 3] -> [n, h / stride, w / stride, features]."""
        for i in range(num_halvings(self.stride)):
            conv = Conv(self.features, stride=2, dtype=self.dtype, name=f"down_{i}")
            x = leaky_relu(conv(x))
        blocks = ResidualBlocks(self.features, self.num_blocks, dtype=self.dtype)
        nn.share_scope(self, blocks)  # their parameters are this module's own
        return blocks(x)
