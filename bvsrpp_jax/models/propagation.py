"""One branch of second-order grid propagation: Section 3.1 of arXiv:2104.13371.

A branch visits the frames in order (a backward branch from last to first), carrying
the features of the last two frames that it has seen:

    aligned_i = A(g_i, f_{i-1}, f_{i-2}, s_{i->i-1}, s_{i->i-2})
    f_i       = aligned_i + R(c(g_i, earlier branches, aligned_i))

First-order propagation, which the paper compares with, aligns f_{i-1} alone.

What it carries goes in and comes out, so a clip may be fed in chunks, in the order in
which the branch visits them, with the whole clip's result.
"""

from collections.abc import Sequence
from typing import Literal, NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp

from bvsrpp_jax.models.alignment import DeformableAlignment, FlowAlignment
from bvsrpp_jax.models.layers import Dtype, ResidualBlocks
from bvsrpp_jax.models.statistics import STATISTICS
from bvsrpp_jax.ops.sampling import at_least_float32
from bvsrpp_jax.ops.warp import flow_warp


class Carry(NamedTuple):
    """What a branch knows of the frames that it has visited.

    Attributes:
      feat_n1, feat_n2: [n, h, w, c], its output one and two frames ago, or zeros.
      flow_n1: [n, h, w, 2], the flow of the last frame to the one before it, or zeros.
      num_seen: int32 scalar, how many frames it has visited; below zero, so many of
        those that it visits first only fill the chunk and leave no trace.
    """

    feat_n1: jax.Array
    feat_n2: jax.Array
    flow_n1: jax.Array
    num_seen: jax.Array


class Frame(NamedTuple):
    """What one step of the scan reads; outside the scan each leaf has t at axis 1.

    Attributes:
      feat: [n, h, w, c], g_i.
      earlier: the outputs of the branches before this one, [n, h, w, c] each.
      flow_n1, flow_n2: [n, h, w, 2], flow to the frames one and two steps back.
      index: [1], how many frames the branch has visited before this one.
    """

    feat: jax.Array
    earlier: tuple[jax.Array, ...]
    flow_n1: jax.Array
    flow_n2: jax.Array
    index: jax.Array


def empty_carry(feat: jax.Array, *, fill: int = 0) -> Carry:
    """The carry before the first frame, for features like `feat` [n, t, h, w, c].

    Args:
      feat: says shape and dtype.
      fill: how many of the frames that are visited first only fill the chunk. What
        follows is the result without them.
    """
    n, _, h, w, _ = feat.shape
    zeros = jnp.zeros_like(feat[:, 0])
    flow = jnp.zeros_like(feat, at_least_float32(feat.dtype), shape=(n, h, w, 2))
    return Carry(zeros, zeros, flow, jnp.asarray(-fill, jnp.int32))


class Branch(nn.Module):
    """Alignment A and refinement R of one branch, scanned over frames.

    Attributes:
      reverse: True visits the frames from last to first.
      second_order: align the output of two steps back as well as that of one.
      alignment: "deformable", or "flow" for warping alone.
      remat: recompute a frame's activations in the backward pass instead of storing
        them: about a quarter of the memory for a third more compute.
    """

    mid_channels: int
    num_blocks: int
    deform_groups: int
    max_residue_magnitude: float
    reverse: bool
    second_order: bool = True
    alignment: Literal["deformable", "flow"] = "deformable"
    dtype: Dtype = jnp.float32
    remat: bool = False

    def setup(self):
        if self.alignment == "flow":
            self.deform_align = FlowAlignment(self.mid_channels, dtype=self.dtype)
        else:
            self.deform_align = DeformableAlignment(
                self.mid_channels,
                deform_groups=self.deform_groups,
                max_residue_magnitude=self.max_residue_magnitude,
                dtype=self.dtype,
            )
        self.backbone = ResidualBlocks(
            self.mid_channels, self.num_blocks, dtype=self.dtype
        )

    def __call__(
        self,
        feat: jax.Array,
        earlier: Sequence[jax.Array],
        flow_n1: jax.Array,
        carry: Carry,
    ) -> tuple[jax.Array, Carry]:
        """Runs the branch over a chunk of frames, given in the clip's own order.

        Args:
          feat: [n, t, h, w, c], the features g of the chunk.
          earlier: the outputs of the earlier branches on the chunk, like `feat`.
          flow_n1: [n, t, h, w, 2], flow from each frame to the one visited before it;
            ignored at the first frame of the clip.
          carry: `empty_carry(feat)`, or what the chunk visited before this returned.

        Returns:
          The branch's features [n, t, h, w, c] and the carry for the next chunk.
        """
        index = carry.num_seen + jnp.arange(feat.shape[1])  # in visiting order
        index = index[::-1] if self.reverse else index
        flow_n2 = self._second_order_flow(flow_n1, carry.flow_n1, index)
        frames = Frame(feat, tuple(earlier), flow_n1, flow_n2, index[None])
        refine = type(self)._refine_frame
        scan = nn.scan(
            nn.remat(refine, prevent_cse=False) if self.remat else refine,
            variable_broadcast="params",
            variable_axes={STATISTICS: 0},
            split_rngs={"params": False},
            in_axes=1,
            out_axes=1,
            reverse=self.reverse,
        )
        (feat_n1, feat_n2), feats = scan(self, (carry.feat_n1, carry.feat_n2), frames)
        last = flow_n1[:, 0] if self.reverse else flow_n1[:, -1]
        num_seen = carry.num_seen + feat.shape[1]
        return feats, Carry(feat_n1, feat_n2, last, num_seen)

    def _second_order_flow(self, flow_n1, flow_before, index):
        """s_{i->i-2} = s_{i->i-1} + W(s_{i-1->i-2}, s_{i->i-1}), [n, t, h, w, 2].

        It depends on flows alone, so it is one batched warp outside the scan. A frame
        with fewer than two before it has none: zeros, as the alignment expects.
        """
        before = flow_before[:, None]
        if self.reverse:
            previous = jnp.concatenate([flow_n1[:, 1:], before], 1)
        else:
            previous = jnp.concatenate([before, flow_n1[:, :-1]], 1)
        folded = (-1, *flow_n1.shape[2:])  # [n * t, h, w, 2]
        warped = flow_warp(previous.reshape(folded), flow_n1.reshape(folded))
        warped = warped.reshape(flow_n1.shape)
        return jnp.where(index[:, None, None, None] < 2, 0, flow_n1 + warped)

    def _refine_frame(self, carry, frame: Frame):
        feat_n1, feat_n2 = carry
        order = 2 if self.second_order else 1
        feats, flows = (feat_n1, feat_n2), (frame.flow_n1, frame.flow_n2)
        aligned = self.deform_align(feats[:order], frame.feat, flows[:order])
        # The first frame has nothing to align. Masked, because a deformable
        # convolution of zeros still returns its bias.
        index = frame.index[:, None, None, None]
        aligned = jnp.where(index == 0, 0, aligned)
        inputs = jnp.concatenate([frame.feat, *frame.earlier, aligned], -1)
        feat = aligned + self.backbone(inputs)
        return (jnp.where(index < 0, 0, feat), feat_n1), feat
