"""Second-order flow-guided deformable alignment: A in Section 3.2 of arXiv:2104.13371.

Optical flow brings the two earlier features roughly into place; a deformable
convolution reads the *unwarped* features at the flow plus a learned residue, so the
network learns small deviations only, bounded by `max_residue_magnitude`.
"""

import flax.linen as nn
import jax
import jax.numpy as jnp

from bvsrpp_jax.models.layers import Conv, Dtype, fan_in_uniform, leaky_relu, zeros
from bvsrpp_jax.models.statistics import watch
from bvsrpp_jax.ops.deform_conv import modulated_deform_conv
from bvsrpp_jax.ops.sampling import at_least_float32
from bvsrpp_jax.ops.warp import flow_warp


class DeformableAlignment(nn.Module):
    """Aligns the features of one and two steps back to the current frame.

    Attributes:
      features: channels c of every feature.
      deform_groups: groups of channels with offsets of their own. The first half moves
        `feat_n1`, the second `feat_n2`, so the number is even.
      max_residue_magnitude: bound of the learned residue, in pixels.
    """

    features: int
    deform_groups: int = 16
    max_residue_magnitude: float = 10.0
    dtype: Dtype = jnp.float32

    @nn.compact
    def __call__(
        self,
        feat_n1: jax.Array,
        feat_n2: jax.Array,
        feat_current: jax.Array,
        flow_n1: jax.Array,
        flow_n2: jax.Array,
    ) -> jax.Array:
        """Returns the aligned feature [n, h, w, c].

        Args:
          feat_n1, feat_n2: [n, h, w, c], this branch's output one and two steps back.
          feat_current: [n, h, w, c], g_i, the feature of the current frame.
          flow_n1, flow_n2: [n, h, w, 2] in (x, y), from the current frame to those.
        """
        condition = [
            flow_warp(feat_n1, flow_n1),
            feat_current,
            flow_warp(feat_n2, flow_n2),
            flow_n1.astype(self.dtype),
            flow_n2.astype(self.dtype),
        ]
        offset, mask = self._offset_and_mask(condition, flow_n1, flow_n2)
        watch(self, "offset", offset)
        x = jnp.concatenate([feat_n1, feat_n2], -1)  # [n, h, w, 2c]
        kernel = self.param(
            "kernel", fan_in_uniform, (3, 3, 2 * self.features, self.features)
        )
        bias = self.param("bias", zeros, (self.features,))
        kernel, bias = kernel.astype(self.dtype), bias.astype(self.dtype)
        return modulated_deform_conv(x, offset, mask, kernel, bias)

    def _offset_and_mask(self, condition, flow_n1, flow_n2):
        """o_i and m_i of Section 3.2: [n, h, w, g, 9, 2] in (y, x), [n, h, w, g, 9]."""
        x = jnp.concatenate(condition, -1)  # [n, h, w, 3c + 4]
        for i in range(3):
            conv = Conv(self.features, dtype=self.dtype, name=f"conv_offset_{i}")
            x = leaky_relu(conv(x))
        groups = self.deform_groups
        x = Conv(
            27 * groups,
            kernel_init=zeros,
            bias_init=zeros,
            dtype=self.dtype,
            name="conv_offset_3",
        )(x)
        x = x.astype(at_least_float32(self.dtype))
        residue, mask = jnp.split(x, [18 * groups], axis=-1)
        residue = self.max_residue_magnitude * jnp.tanh(residue)
        residue = residue.reshape(*x.shape[:-1], groups, 9, 2)
        mask = nn.sigmoid(mask).reshape(*x.shape[:-1], groups, 9)
        return residue + self._flow_per_group(flow_n1, flow_n2), mask

    def _flow_per_group(self, flow_n1, flow_n2):
        """[n, h, w, g, 1, 2]: the first half of the groups follows flow_n1."""
        flows = jnp.stack([flow_n1, flow_n2], axis=-2)  # [n, h, w, 2, 2]
        flows = jnp.repeat(flows, self.deform_groups // 2, axis=-2)
        return jnp.flip(flows, -1)[..., None, :]  # a flow is (x, y), an offset (y, x)
