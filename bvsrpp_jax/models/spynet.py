"""SPyNet (Ranjan and Black, CVPR 2017, arXiv:1611.00850): flow from coarse to fine.

Starting from zero flow at 1/32 of the size, each of six levels doubles the flow, warps
the second picture by it and lets five 7x7 convolutions correct what remains.

Computed in float32 whatever the compute dtype: its output is coordinates, and it costs
8.5% of the network.
"""

from collections.abc import Sequence

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from bvsrpp_jax.models.layers import Conv, Dtype, flow_normal, zeros
from bvsrpp_jax.ops.resize import avg_pool2, resize_bilinear
from bvsrpp_jax.ops.sampling import at_least_float32
from bvsrpp_jax.ops.warp import flow_warp

LEVELS = 6
# The colour statistics of ImageNet, which the published flow weights expect. float32
# in 64-bit mode too, as the buffers of official checkpoints are.
MEAN = np.array((0.485, 0.456, 0.406), np.float32)
STD = np.array((0.229, 0.224, 0.225), np.float32)


class SPyNet(nn.Module):
    """Optical flow between two pictures.

    Attributes:
      channels: widths of the hidden convolutions of each level.
      dtype: compute dtype of the network around it; the flow's is at least float32.
    """

    channels: Sequence[int] = (32, 64, 32, 16)
    dtype: Dtype = jnp.float32

    @nn.compact
    def __call__(self, reference: jax.Array, supporting: jax.Array) -> jax.Array:
        """Returns where each pixel of `reference` is found in `supporting`.

        Args:
          reference, supporting: [n, h, w, 3] RGB in [0, 1], any size.

        Returns:
          Flow [n, h, w, 2], (x, y) in pixels: reference[i, j] looks like
          supporting[i + y, j + x].
        """
        h, w = reference.shape[1:3]
        # Five halvings need sides that 32 divides.
        size = tuple((side + 31) // 32 * 32 for side in (h, w))
        flow = self._pyramid(*(self._prepare(x, size) for x in (reference, supporting)))
        scale = jnp.array([w / size[1], h / size[0]], flow.dtype)
        return resize_bilinear(flow, (h, w)) * scale

    def _prepare(self, image, size):
        """Normalises colours, resizes, and halves five times; coarsest first."""
        dtype = at_least_float32(self.dtype)
        mean, std = MEAN.astype(dtype), STD.astype(dtype)
        pyramid = [resize_bilinear((image.astype(dtype) - mean) / std, size)]
        for _ in range(LEVELS - 1):
            pyramid.append(avg_pool2(pyramid[-1]))
        return pyramid[::-1]

    def _pyramid(self, references, supportings):
        n, h, w, _ = references[0].shape
        flow = jnp.zeros_like(references[0], shape=(n, h, w, 2))
        for level, (ref, supp) in enumerate(zip(references, supportings, strict=True)):
            if level > 0:
                flow = 2 * resize_bilinear(flow, ref.shape[1:3], align_corners=True)
            warped = flow_warp(supp, flow, padding="border")
            correct = FlowCorrection(
                self.channels, dtype=flow.dtype, name=f"basic_module_{level}"
            )
            flow = flow + correct(jnp.concatenate([ref, warped, flow], -1))
        return flow


class FlowCorrection(nn.Module):
    """Five 7x7 convolutions: [n, h, w, 8] (both pictures, flow) -> [n, h, w, 2]."""

    channels: Sequence[int]
    dtype: Dtype = jnp.float32

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        for i, features in enumerate((*self.channels, 2)):
            x = Conv(
                features,
                kernel_size=7,
                kernel_init=flow_normal,
                bias_init=zeros,
                dtype=self.dtype,
                name=f"conv_{i}",
            )(nn.relu(x) if i > 0 else x)
        return x
