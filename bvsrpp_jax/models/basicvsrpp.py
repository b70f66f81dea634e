"""BasicVSR++ (Chan et al., CVPR 2022, arXiv:2104.13371).

Features are extracted frame by frame, travel through the clip four times (two branches
backward, two forward, alternating) and are fused into the output frame by frame. The
network is cut at these seams: whole clips, streams and windows call the same four
methods (`features`, `flows`, `propagate`, `reconstruct`) and agree to rounding.
"""

from collections.abc import Sequence
from typing import Any, Literal

import flax.linen as nn
import jax
import jax.numpy as jnp

from bvsrpp_jax.models.grid import (
    BRANCHES,
    check_branches,
    flow_per_frame,
    is_backward,
)
from bvsrpp_jax.models.layers import (
    Conv,
    Dtype,
    ResidualBlocks,
    kaiming_normal,
    leaky_relu,
    zeros,
)
from bvsrpp_jax.models.propagation import Branch, Carry, empty_carry
from bvsrpp_jax.models.resolution import (
    FEATURE_STRIDES,
    SCALES,
    FeatureExtraction,
    upsamplings,
)
from bvsrpp_jax.models.spynet import SPyNet
from bvsrpp_jax.models.statistics import watch
from bvsrpp_jax.ops.resize import pixel_shuffle, resize_bicubic, resize_bilinear
from bvsrpp_jax.ops.sampling import at_least_float32

ALIGNMENTS = ("deformable", "flow")


class BasicVSRPlusPlus(nn.Module):
    """The network: lq [n, t, h, w, 3] in [0, 1] -> [n, t, scale * h, scale * w, 3].

    Attributes:
      mid_channels: C, channels of every feature.
      num_blocks: residual blocks of each branch.
      deform_groups: channel groups of the deformable convolutions, an even number.
      max_residue_magnitude: bound of the offsets' learned part, in pixels.
      scale: output pixels per input pixel in each direction: 2, 3, 4 or 8 upscale, 1
        restores at the same size (deblurring, denoising).
      feature_stride: input pixels per feature pixel in each direction, 1, 2 or 4; None
        is 4 for scale 1 and 1 for all others (`resolution`).
      branches: which way features travel through the clip, and how often.
      second_order: align features of two steps back as well as those of one.
      alignment: "deformable", or "flow" for warping alone; both and the two fields
        above are what the paper's ablation takes away.
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
    feature_stride: int | None = None
    branches: Sequence[str] = BRANCHES
    second_order: bool = True
    alignment: Literal["deformable", "flow"] = "deformable"
    num_extract_blocks: int = 5
    num_reconstruction_blocks: int = 5
    hr_channels: int = 64
    spynet_channels: Sequence[int] = (32, 64, 32, 16)
    dtype: Dtype = jnp.float32
    remat: bool = False

    def __post_init__(self):
        if self.feature_stride is None:
            self.feature_stride = 4 if self.scale == 1 else 1
        # A list would make another network of the same one, and one without a hash.
        self.branches = tuple(self.branches)
        self.spynet_channels = tuple(self.spynet_channels)
        super().__post_init__()

    def clone(self, **changes: Any) -> "BasicVSRPlusPlus":
        """A network with other fields; with another scale, the stride usual for it."""
        if changes.get("scale", self.scale) != self.scale:
            changes.setdefault("feature_stride", None)
        return super().clone(**changes)

    @property
    def enlargement(self) -> int:
        """Output pixels per feature pixel, in each direction."""
        return self.scale * self.feature_stride

    @property
    def min_side(self) -> int:
        """The smallest height and width that the network takes."""
        return 64 * self.feature_stride

    @property
    def side_multiple(self) -> int:
        """Height and width are multiples of this."""
        return self.feature_stride

    def setup(self) -> None:
        self._check_sizes()
        self.spynet = SPyNet(self.spynet_channels, dtype=self.dtype)
        self.feat_extract = FeatureExtraction(
            self.mid_channels,
            self.num_extract_blocks,
            stride=self.feature_stride,
            dtype=self.dtype,
        )
        for branch in self.branches:
            module = Branch(
                self.mid_channels,
                self.num_blocks,
                deform_groups=self.deform_groups,
                max_residue_magnitude=self.max_residue_magnitude,
                reverse=is_backward(branch),
                second_order=self.second_order,
                alignment=self.alignment,
                dtype=self.dtype,
                remat=self.remat,
            )
            setattr(self, branch, module)
        self.reconstruction = ResidualBlocks(
            self.mid_channels, self.num_reconstruction_blocks, dtype=self.dtype
        )
        up = {"kernel_init": kaiming_normal, "bias_init": zeros, "dtype": self.dtype}
        for name, factor, channels in upsamplings(self):
            setattr(self, name, Conv(factor**2 * channels, **up))
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
        for branch in self.branches:
            flow_n1 = flow_per_frame(branch, *flows)
            feat, _ = self.propagate(branch, feats, flow_n1, empty_carry(feats[0]))
            feats = (*feats, feat)
        return self.reconstruct(lq, feats)

    def features(self, lq: jax.Array) -> jax.Array:
        """g: [n, t, h, w, 3] -> [n, t, h / feature_stride, w / feature_stride, c].

        Example:
          >>> from functools import partial
          >>> model, params = bvsrpp.load("lite")
          >>> lq = jnp.zeros((1, 2, 64, 64, 3))
          >>> features = jax.jit(partial(model.apply, method="features"))
          >>> features({"params": params}, lq).shape
          (1, 2, 64, 64, 24)
        """
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

        Example:
          >>> from functools import partial
          >>> model, params = bvsrpp.load("lite")
          >>> lq = jnp.zeros((1, 3, 64, 64, 3))
          >>> flows = jax.jit(partial(model.apply, method="flows"))
          >>> [flow.shape for flow in jax.eval_shape(flows, {"params": params}, lq)]
          [(1, 2, 64, 64, 2), (1, 2, 64, 64, 2)]
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
          branch: one of `branches`.
          feats: g and the outputs of all earlier branches, [n, t, h, w, c] each.
          flow_n1: [n, t, h, w, 2], flow from each frame to the one that the branch
            visited before it (`flow_per_frame`).
          carry: `empty_carry(feats[0])`, or what the chunk visited before returned.

        Returns:
          The branch's features [n, t, h, w, c] and the carry for the next chunk.

        Example:
          >>> from functools import partial
          >>> from bvsrpp_jax.models.propagation import empty_carry
          >>> model, params = bvsrpp.load("lite")
          >>> g, flow_n1 = jnp.zeros((1, 2, 64, 64, 24)), jnp.zeros((1, 2, 64, 64, 2))
          >>> branch = partial(model.apply, method="propagate")
          >>> branch = jax.jit(branch, static_argnums=1)
          >>> inputs = {"params": params}, "backward_1", (g,), flow_n1, empty_carry(g)
          >>> feat, carry = branch.eval_shape(*inputs)
          >>> feat.shape
          (1, 2, 64, 64, 24)
        """
        if branch not in self.branches:
            raise ValueError(f"branch: {branch!r} is not one of {self.branches}")
        feat, *earlier = feats
        return getattr(self, branch)(feat, earlier, flow_n1, carry)

    def reconstruct(self, lq: jax.Array, feats: Sequence[jax.Array]) -> jax.Array:
        """Fuses the features into pictures, one frame at a time.

        Args:
          lq: [n, t, h, w, 3], the frames themselves.
          feats: g and the outputs of all branches, [n, t, h', w', c] each.

        Returns:
          [n, t, scale * h, scale * w, 3]. High-resolution activations exist for one
          frame at a time: at 1280x720 they are 236 MB a frame.

        Example:
          >>> from functools import partial
          >>> model, params = bvsrpp.load("lite")
          >>> lq, feat = jnp.zeros((1, 2, 64, 64, 3)), jnp.zeros((1, 2, 64, 64, 24))
          >>> pictures = jax.jit(partial(model.apply, method="reconstruct"))
          >>> jax.eval_shape(pictures, {"params": params}, lq, [feat] * 5).shape
          (1, 2, 256, 256, 3)
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
        for name, factor, _ in upsamplings(self):
            x = leaky_relu(pixel_shuffle(getattr(self, name)(x), factor))
        x = self.conv_last(leaky_relu(self.conv_hr(x)))  # [n, s * h, s * w, 3]
        base = resize_bilinear(lq.astype(at_least_float32(lq.dtype)), x.shape[1:3])
        return base + x.astype(base.dtype)

    def _check_sizes(self):
        for name, choices in (
            ("scale", SCALES),
            ("feature_stride", FEATURE_STRIDES),
            ("alignment", ALIGNMENTS),
        ):
            if (value := getattr(self, name)) not in choices:
                listed = ", ".join(map(str, choices))
                raise ValueError(f"{name}: {value} is none of {listed}")
        check_branches(self.branches)
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
        if n < 1 or t < 1:
            raise ValueError(f"lq: {n} clips of {t} frames; need at least one of each")
        smallest, multiple = self.min_side, self.side_multiple
        if any(side < smallest or side % multiple for side in (h, w)):
            rule = f"at least {smallest}"
            rule += f" and multiples of {multiple}" if multiple > 1 else ""
            raise ValueError(
                f"lq: frames of height {h} and width {w}; both must be {rule}."
                " bvsrpp_jax.Restorer pads and crops frames of any size"
            )
