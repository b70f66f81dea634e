"""Alignment of earlier features with the current frame: A in Section 3.2.

`DeformableAlignment` is that of arXiv:2104.13371: optical flow brings the earlier
features roughly into place; a deformable convolution reads the *unwarped* features at
the flow plus a learned residue, so the network learns small deviations only, bounded by
`max_residue_magnitude`. `FlowAlignment` is what it is compared with there.

Both align the features of one step back (first order) or of one and two steps back
(second order), which they are given as a sequence with the flows to match.
"""

from collections.abc import Sequence

import flax.linen as nn
import jax
import jax.numpy as jnp

from bvsrpp_jax.models.layers import (
    Conv,
    Dtype,
    fan_in_uniform,
    leaky_relu,
    zeros,
)
from bvsrpp_jax.models.statistics import watch
from bvsrpp_jax.ops.deform_conv import modulated_deform_conv
from bvsrpp_jax.ops.sampling import at_least_float32
from bvsrpp_jax.ops.warp import flow_warp


class DeformableAlignment(nn.Module):
    """Flow-guided deformable alignment.

    Attributes:
      features: channels c of every feature.
      deform_groups: groups of channels with offsets of their own when there are two
        features, an even number. The first half moves `feat_n1`, the second `feat_n2`.
      max_residue_magnitude: bound of the learned residue, in pixels.
    """

    features: int
    deform_groups: int = 16
    max_residue_magnitude: float = 10.0
    dtype: Dtype = jnp.float32

    @nn.compact
    def __call__(
        self,
        feats: Sequence[jax.Array],
        feat_current: jax.Array,
        flows: Sequence[jax.Array],
    ) -> jax.Array:
        """Returns the aligned feature [n, h, w, c].

        Args:
          feats: feat_n1, or feat_n1 and feat_n2, [n, h, w, c] each: this branch's
            output one and two steps back.
          feat_current: [n, h, w, c], g_i, the feature of the current frame.
          flows: flow_n1, or flow_n1 and flow_n2, [n, h, w, 2] each in (x, y), from the
            current frame to those.
        """
        warped_n1, *warped_n2 = map(flow_warp, feats, flows)
        guides = (flow.astype(self.dtype) for flow in flows)
        condition = [warped_n1, feat_current, *warped_n2, *guides]
        offset, mask = self._offset_and_mask(condition, flows)
        watch(self, "offset", offset)
        x = jnp.concatenate(feats, -1)  # [n, h, w, c or 2c]
        kernel = self.param(
            "kernel", fan_in_uniform, (3, 3, x.shape[-1], self.features)
        )
        bias = self.param("bias", zeros, (self.features,))
        kernel, bias = kernel.astype(self.dtype), bias.astype(self.dtype)
        return modulated_deform_conv(x, offset, mask, kernel, bias)

    def _offset_and_mask(self, condition, flows):
        """o_i and m_i of Section 3.2: [n, h, w, g, 9, 2] in (y, x), [n, h, w, g, 9]."""
        x = jnp.concatenate(condition, -1)  # [n, h, w, 3c + 4], first order 2c + 2
        for i in range(3):
            conv = Conv(self.features, dtype=self.dtype, name=f"conv_offset_{i}")
            x = leaky_relu(conv(x))
        groups = len(flows) * (self.deform_groups // 2)
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
        return residue + self._flow_per_group(flows), mask

    def _flow_per_group(self, flows):
        """[n, h, w, g, 1, 2]: the first half of the groups follows flow_n1."""
        flows = jnp.stack(flows, axis=-2)  # [n, h, w, 1 or 2, 2]
        flows = jnp.repeat(flows, self.deform_groups // 2, axis=-2)
        return jnp.flip(flows, -1)[..., None, :]  # a flow is (x, y), an offset (y, x)


class FlowAlignment(nn.Module):
    """Warping by optical flow alone, as in BasicVSR (arXiv:2012.02181).

    One feature is warped and nothing else. Two are warped and fused by a convolution,
    which is the deformable one without its offsets and masks.
    """

    features: int
    dtype: Dtype = jnp.float32

    @nn.compact
    def __call__(
        self,
        feats: Sequence[jax.Array],
        feat_current: jax.Array,
        flows: Sequence[jax.Array],
    ) -> jax.Array:
        """As `DeformableAlignment`, without a look at `feat_current`."""
        del feat_current
        warped = list(map(flow_warp, feats, flows))
        if len(warped) == 1:
            return warped[0]
        fuse = Conv(self.features, bias_init=zeros, dtype=self.dtype)
        nn.share_scope(self, fuse)  # its parameters are this module's own
        return fuse(jnp.concatenate(warped, -1))
