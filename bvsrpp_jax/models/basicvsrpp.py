"""BasicVSR++ (Chan et al., CVPR 2022, arXiv:2104.13371).

Features are extracted frame by frame, travel through the clip four times (two branches
backward, two forward, alternating) and are fused into the output frame by frame. The
network is cut at these seams: whole clips, streams and windows call the same four
methods (`features`, `flows`, `propagate`, `reconstruct`) and agree to rounding.
"""

from collections.abc import Sequence

import flax.linen as nn
import jax
import jax.numpy as jnp

from bvsrpp_jax.models.layers import (
    Conv,
    Dtype,
    ResidualBlocks,
    kaiming_normal,
    leaky_relu,
    zeros,
)
from bvsrpp_jax.models.propagation import Branch, Carry, empty_carry
from bvsrpp_jax.models.spynet import SPyNet
from bvsrpp_jax.models.statistics import watch
from bvsrpp_jax.ops.resize import pixel_shuffle, resize_bicubic, resize_bilinear
from bvsrpp_jax.ops.sampling import at_least_float32

BRANCHES = ("backward_1", "forward_1", "backward_2", "forward_2")


class BasicVSRPlusPlus(nn.Module):
    """The network: lq [n, t, h, w, 3] in [0, 1] -> [n, t, scale * h, scale * w, 3].

    Attributes:
      mid_channels: C, channels of every feature.
      num_blocks: residual blocks of each branch.
      deform_groups: channel groups of the deformable convolutions, an even number.
      max_residue_magnitude: bound of the offsets' learned part, in pixels.
      scale: 4 upscales, with features at the input's resolution; 1 restores at the
        same size, with features at a quarter of it (deblurring, denoising).
      num_extract_blocks, num_reconstruction_blocks: residual blocks before and after
        propagation.
      hr_channels: channels at the output's resolution.
      spynet_channels: widths of the flow network's hidden convolutions.
      dtype: compute dtype of features. Coordinates and output are float32 or wider.
      remat: recompute the activations of propagation and reconstruction in the
        backward pass instead of storing them.

    To initialise under `jax.jit`, take a key of the "rbg" generator: compiling the
    hundreds of draws of the default one takes XLA's CPU compiler minutes.

    Example:
      >>> model = bvsrpp.BasicVSRPlusPlus(mid_channels=8, num_blocks=1, deform_groups=2)
      >>> key, lq = jax.random.key(0, impl="rbg"), jnp.zeros((1, 2, 64, 96, 3))
      >>> variables = jax.eval_shape(model.init, key, lq)  # or jax.jit(model.init)(...)
      >>> jax.eval_shape(model.apply, variables, lq).shape
      (1, 2, 256, 384, 3)
    """

    mid_channels: int = 64
    num_blocks: int = 7
    deform_groups: int = 16
    max_residue_magnitude: float = 10.0
    scale: int = 4
    num_extract_blocks: int = 5
    num_reconstruction_blocks: int = 5
    hr_channels: int = 64
    spynet_channels: Sequence[int] = (32, 64, 32, 16)
    dtype: Dtype = jnp.float32
    remat: bool = False

    @property
    def feature_stride(self) -> int:
        """Input pixels per feature pixel, in each direction."""
        return 4 if self.scale == 1 else 1

    @property
    def min_side(self) -> int:
        """The smallest height and width that the network takes."""
        return 64 * self.feature_stride

    @property
    def side_multiple(self) -> int:
        """Height and width are multiples of this."""
        return self.feature_stride

    def setup(self):
        self._check_sizes()
        self.spynet = SPyNet(self.spynet_channels, dtype=self.dtype)
        self.feat_extract = FeatureExtraction(
            self.mid_channels,
            self.num_extract_blocks,
            downsample=self.scale == 1,
            dtype=self.dtype,
        )
        for branch in BRANCHES:
            module = Branch(
                self.mid_channels,
                self.num_blocks,
                deform_groups=self.deform_groups,
                max_residue_magnitude=self.max_residue_magnitude,
                reverse=is_backward(branch),
                dtype=self.dtype,
                remat=self.remat,
            )
            setattr(self, branch, module)
        self.reconstruction = ResidualBlocks(
            self.mid_channels, self.num_reconstruction_blocks, dtype=self.dtype
        )
        up = {"kernel_init": kaiming_normal, "bias_init": zeros, "dtype": self.dtype}
        self.upsample1 = Conv(4 * self.mid_channels, **up)
        self.upsample2 = Conv(4 * self.hr_channels, **up)
        self.conv_hr = Conv(self.hr_channels, dtype=self.dtype)
        self.conv_last = Conv(3, dtype=self.dtype)

    def __call__(self, lq: jax.Array) -> jax.Array:
        """Restores whole clips.

        Args:
          lq: [n, t, h, w, 3] RGB in [0, 1], floating point. Any t from 1 up, sides of
            `min_side` or more that `side_multiple` divides.

        Returns:
          [n, t, scale * h, scale * w, 3], not clamped, float32 or wider.

        Raises:
          ValueError: a size or dtype that the network does not take.
        """
        feats = (self.features(lq),)
        flows = self.flows(lq)
        for branch in BRANCHES:
            flow_n1 = flow_per_frame(branch, *flows)
            feat, _ = self.propagate(branch, feats, flow_n1, empty_carry(feats[0]))
            feats = (*feats, feat)
        return self.reconstruct(lq, feats)

    def features(self, lq: jax.Array) -> jax.Array:
        """g: [n, t, h, w, 3] -> [n, t, h / feature_stride, w / feature_stride, c]."""
        self._check_input(lq)
        n, t = lq.shape[:2]
        feat = self.feat_extract(lq.reshape(n * t, *lq.shape[2:]))
        return feat.reshape(n, t, *feat.shape[1:])

    def flows(self, lq: jax.Array) -> tuple[jax.Array, jax.Array]:
        """Optical flow between neighbours, at the resolution of the features.

        Args:
          lq: [n, t, h, w, 3] as in `__call__`.

        Returns:
          flows_backward, flows_forward: [n, t - 1, h', w', 2] each, in (x, y) feature
          pixels, named after the branches that use them: flows_backward[:, i] leads
          from frame i to frame i + 1, flows_forward[:, i] from i + 1 to i.
        """
        self._check_input(lq)
        n, t, h, w, _ = lq.shape
        h, w = h // self.feature_stride, w // self.feature_stride
        images = resize_bicubic(lq, (h, w))
        if t == 1 and not self.is_initializing():
            empty = jnp.zeros((n, 0, h, w, 2), at_least_float32(self.dtype))
            return empty, empty
        earlier = images[:, :-1].reshape(-1, h, w, 3)
        later = images[:, 1:].reshape(-1, h, w, 3)
        flows = self.spynet(
            jnp.concatenate([earlier, later]), jnp.concatenate([later, earlier])
        )
        watch(self, "flow", flows)
        backward, forward = jnp.split(flows.reshape(2 * n, t - 1, h, w, 2), 2)
        return backward, forward

    def propagate(
        self,
        branch: str,
        feats: Sequence[jax.Array],
        flow_n1: jax.Array,
        carry: Carry,
    ) -> tuple[jax.Array, Carry]:
        """Runs one branch over a chunk of frames (Section 3.1).

        Args:
          branch: one of `BRANCHES`.
          feats: g and the outputs of all earlier branches, [n, t, h, w, c] each.
          flow_n1: [n, t, h, w, 2], flow from each frame to the one that the branch
            visited before it (`flow_per_frame`).
          carry: `empty_carry(feats[0])`, or what the chunk visited before returned.

        Returns:
          The branch's features [n, t, h, w, c] and the carry for the next chunk.
        """
        if branch not in BRANCHES:
            raise ValueError(f"branch: {branch!r} is not one of {BRANCHES}")
        feat, *earlier = feats
        return getattr(self, branch)(feat, earlier, flow_n1, carry)

    def reconstruct(self, lq: jax.Array, feats: Sequence[jax.Array]) -> jax.Array:
        """Fuses the features into pictures, one frame at a time.

        Args:
          lq: [n, t, h, w, 3], the frames themselves.
          feats: g and the outputs of the four branches, [n, t, h', w', c] each.

        Returns:
          [n, t, scale * h, scale * w, 3]. High-resolution activations exist for one
          frame at a time: at 1280x720 they are 236 MB a frame.
        """

        def step(self, nothing, frame):
            return nothing, self._reconstruct_frame(*frame)

        scan = nn.scan(
            nn.remat(step, prevent_cse=False) if self.remat else step,
            variable_broadcast="params",
            split_rngs={"params": False},
            in_axes=1,
            out_axes=1,
        )
        _, output = scan(self, (), (lq, tuple(feats)))
        return output

    def _reconstruct_frame(self, lq, feats):
        x = self.reconstruction(jnp.concatenate(feats, -1))  # [n, h', w', c]
        x = leaky_relu(pixel_shuffle(self.upsample1(x), 2))  # [n, 2h', 2w', c]
        x = leaky_relu(pixel_shuffle(self.upsample2(x), 2))  # [n, 4h', 4w', hr]
        x = self.conv_last(leaky_relu(self.conv_hr(x)))  # [n, 4h', 4w', 3]
        base = resize_bilinear(lq.astype(at_least_float32(lq.dtype)), x.shape[1:3])
        return base + x.astype(base.dtype)

    def _check_sizes(self):
        if self.scale not in (1, 4):
            raise ValueError(f"scale: {self.scale} is neither 4 nor 1 (same size)")
        channels, groups = self.mid_channels, self.deform_groups
        if groups % 2 or (2 * channels) % groups:
            raise ValueError(
                f"deform_groups: {groups} must be even and divide 2 * mid_channels"
                f" = {2 * channels}"
            )

    def _check_input(self, lq):
        if lq.ndim != 5 or lq.shape[-1] != 3:
            raise ValueError(f"lq: expected [n, t, h, w, 3], got {list(lq.shape)}")
        if not jnp.issubdtype(lq.dtype, jnp.floating):
            raise ValueError(f"lq: expected floats in [0, 1], got {lq.dtype}")
        n, t, h, w, _ = lq.shape
        if min(n, t) < 1:
            raise ValueError(f"lq: {n} clips of {t} frames; need at least one of each")
        smallest, multiple = self.min_side, self.side_multiple
        if min(h, w) < smallest or h % multiple or w % multiple:
            rule = f"at least {smallest}"
            rule += f" and multiples of {multiple}" if multiple > 1 else ""
            raise ValueError(
                f"lq: frames of height {h} and width {w}; both must be {rule}."
                " bvsrpp_jax.Restorer pads and crops frames of any size"
            )


class FeatureExtraction(nn.Module):
    """Residual blocks on the input, at a quarter of its size if `downsample`."""

    features: int
    num_blocks: int
    downsample: bool
    dtype: Dtype = jnp.float32

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        """[n, h, w, 3] -> [n, h, w, features], or [n, h / 4, w / 4, features]."""
        if self.downsample:
            for name in ("down_0", "down_1"):
                conv = Conv(self.features, stride=2, dtype=self.dtype, name=name)
                x = leaky_relu(conv(x))
        blocks = ResidualBlocks(self.features, self.num_blocks, dtype=self.dtype)
        nn.share_scope(self, blocks)  # their parameters are this module's own
        return blocks(x)


def is_backward(branch: str) -> bool:
    """Whether a branch visits the frames from last to first."""
    return branch.startswith("backward")


def flow_per_frame(
    branch: str, flows_backward: jax.Array, flows_forward: jax.Array
) -> jax.Array:
    """The flow of each frame of a whole clip to the one `branch` visits before it.

    Args:
      branch: one of `BRANCHES`.
      flows_backward, flows_forward: [n, t - 1, h, w, 2], from `flows`.

    Returns:
      [n, t, h, w, 2]; zero at the first frame visited, which has none before it.
    """
    if is_backward(branch):
        return jnp.pad(flows_backward, ((0, 0), (0, 1), (0, 0), (0, 0), (0, 0)))
    return jnp.pad(flows_forward, ((0, 0), (1, 0), (0, 0), (0, 0), (0, 0)))
