"""BasicVSR++ in plain PyTorch: what the JAX network is measured and verified against.

The network of arXiv:2104.13371 with nothing but torch and torchvision; its deformable
convolution is `torchvision.ops.deform_conv2d`. Parameter names are the official ones,
so an official state dict (without `generator.`) loads with `strict=True`.
`benchmarks/check_plain_torch.py` holds it against recordings of the official network.

No part of the package imports this file: `bvsrpp convert --verify` and the benchmarks
run it in a Python of its own, which need not have JAX. It may be copied from here.

Layout as in PyTorch: clips `[n, t, c, h, w]`, frames `[n, c, h, w]`, values in [0, 1].
A flow `[n, 2, h, w]` holds (x, y) in pixels; sampling offsets are (y, x).
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torchvision.ops import deform_conv2d

BRANCHES = ("backward_1", "forward_1", "backward_2", "forward_2")
PYRAMID_LEVELS = 6
FLOW_CHANNELS = (32, 64, 32, 16)


def lrelu(x: Tensor) -> Tensor:
    """The leaky ReLU of the whole network, slope 0.1; SPyNet and blocks use ReLU."""
    return F.leaky_relu(x, 0.1)


def flow_warp(x: Tensor, flow: Tensor, padding: str = "zeros") -> Tensor:
    """Samples `x` bilinearly at every pixel's own position plus `flow`.

    Args:
        x: `[n, c, h, w]`.
        flow: `[n, 2, h, w]`, (x, y) in pixels.
        padding: what lies outside: "zeros" or "border" (the nearest edge pixel).
    """
    height, width = x.shape[-2:]
    columns = torch.arange(width, dtype=flow.dtype, device=flow.device)
    rows = torch.arange(height, dtype=flow.dtype, device=flow.device)[:, None]
    grid_x = (columns + flow[:, 0]) * (2 / max(width - 1, 1)) - 1
    grid_y = (rows + flow[:, 1]) * (2 / max(height - 1, 1)) - 1
    grid = torch.stack([grid_x, grid_y], dim=-1)  # [n, h, w, 2]
    return F.grid_sample(x, grid, "bilinear", padding, align_corners=True)


def resize(x: Tensor, size: tuple[int, int], align_corners: bool = False) -> Tensor:
    """Bilinear resize of `[n, c, h, w]` to `size`, without anti-aliasing."""
    return F.interpolate(x, size, mode="bilinear", align_corners=align_corners)


class NamedConv(nn.Module):
    """A convolution that checkpoints know as `conv`."""

    def __init__(self, in_channels: int, out_channels: int):
        super().__init__()
        self.conv = nn.Conv2d(in_channels, out_channels, 7, padding=3)


class FlowLevel(nn.Module):
    """One level of SPyNet: five 7x7 convolutions from 8 channels to a flow residue."""

    def __init__(self, channels: tuple[int, ...]):
        super().__init__()
        widths = (8, *channels, 2)
        self.basic_module = nn.ModuleList(map(NamedConv, widths[:-1], widths[1:]))

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.basic_module[:-1]:
            x = F.relu(layer.conv(x))
        return self.basic_module[-1].conv(x)


class SPyNet(nn.Module):
    """Optical flow, coarse to fine (arXiv:1611.00850), any height and width."""

    def __init__(self, channels: tuple[int, ...] = FLOW_CHANNELS):
        super().__init__()
        levels = (FlowLevel(channels) for _ in range(PYRAMID_LEVELS))
        self.basic_module = nn.ModuleList(levels)
        mean, std = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
        self.register_buffer("mean", torch.tensor(mean).view(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor(std).view(1, 3, 1, 1))

    def forward(self, reference: Tensor, support: Tensor) -> Tensor:
        """The flow `[n, 2, h, w]` that warps `support` onto `reference`."""
        height, width = reference.shape[-2:]
        full = -(-height // 32) * 32, -(-width // 32) * 32
        flow = self.pyramid_flow(resize(reference, full), resize(support, full))
        ratio = flow.new_tensor([width / full[1], height / full[0]])
        return resize(flow, (height, width)) * ratio.view(1, 2, 1, 1)

    def pyramid_flow(self, reference: Tensor, support: Tensor) -> Tensor:
        """The same for sides that are multiples of 32."""
        references = self.pyramid(reference)
        supports = self.pyramid(support)
        n, _, height, width = references[0].shape
        flow = reference.new_zeros(n, 2, height, width)
        levels = zip(self.basic_module, references, supports, strict=True)
        for i, (level, ref, sup) in enumerate(levels):
            if i > 0:
                flow = 2 * resize(flow, ref.shape[-2:], align_corners=True)
            warped = flow_warp(sup, flow, padding="border")
            flow = flow + level(torch.cat([ref, warped, flow], dim=1))
        return flow

    def pyramid(self, image: Tensor) -> list[Tensor]:
        """The normalised image at 1/32, 1/16, ... 1/1 of its size."""
        images = [(image - self.mean) / self.std]
        for _ in range(PYRAMID_LEVELS - 1):
            images.append(F.avg_pool2d(images[-1], 2))
        return images[::-1]


class ResidualBlock(nn.Module):
    """x + conv2(relu(conv1(x)))."""

    def __init__(self, channels: int):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.conv2(F.relu(self.conv1(x)))


class ResidualBlocks(nn.Module):
    """A convolution to the working width, then residual blocks."""

    def __init__(self, in_channels: int, channels: int, num_blocks: int):
        super().__init__()
        self.main = nn.Sequential(
            nn.Conv2d(in_channels, channels, 3, padding=1),
            nn.LeakyReLU(0.1),
            nn.Sequential(*(ResidualBlock(channels) for _ in range(num_blocks))),
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.main(x)


class DeformAlign(nn.Module):
    """Flow-guided deformable alignment (Section 3.2) of one or of two features."""

    def __init__(self, channels: int, order: int, groups: int, max_residue: float):
        super().__init__()
        self.max_residue, self.groups = max_residue, groups
        self.weight = nn.Parameter(torch.zeros(channels, order * channels, 3, 3))
        self.bias = nn.Parameter(torch.zeros(channels))
        guides = (order + 1) * channels + 2 * order
        widths = (guides, channels, channels, channels, 27 * groups)
        layers = []
        for i in range(4):
            layers += [nn.Conv2d(widths[i], widths[i + 1], 3, padding=1)]
            layers += [nn.LeakyReLU(0.1)] if i < 3 else []
        self.conv_offset = nn.Sequential(*layers)

    def forward(
        self, current: Tensor, feats: list[Tensor], flows: list[Tensor]
    ) -> Tensor:
        """Aligns `feats` (not warped), one for each of `flows`, with `current`."""
        first, *second = map(flow_warp, feats, flows)
        guide = torch.cat([first, current, *second, *flows], dim=1)
        residue, mask = self.conv_offset(guide).split(
            [18 * self.groups, 9 * self.groups], dim=1
        )
        # The first half of the groups samples feat_n1, the second half feat_n2; flows
        # are (x, y), offsets (y, x), one pair for each of the 9 taps of each group.
        pairs = 9 * self.groups // len(flows)
        followed = torch.cat([f.flip(1).repeat(1, pairs, 1, 1) for f in flows], dim=1)
        return deform_conv2d(
            torch.cat(feats, dim=1),
            self.max_residue * torch.tanh(residue) + followed,
            self.weight,
            self.bias,
            padding=1,
            mask=mask.sigmoid(),
        )


class FlowAlign(nn.Module):
    """Warping by optical flow; two features are fused by a convolution."""

    def __init__(self, channels: int, order: int):
        super().__init__()
        if order == 2:
            self.weight = nn.Parameter(torch.zeros(channels, 2 * channels, 3, 3))
            self.bias = nn.Parameter(torch.zeros(channels))

    def forward(
        self, current: Tensor, feats: list[Tensor], flows: list[Tensor]
    ) -> Tensor:
        """As `DeformAlign`."""
        warped = torch.cat(list(map(flow_warp, feats, flows)), dim=1)
        if len(feats) == 1:
            return warped
        return F.conv2d(warped, self.weight, self.bias, padding=1)


class PixelShuffleUpsample(nn.Module):
    """`factor` times the height and width: a convolution, then a pixel shuffle."""

    def __init__(self, in_channels: int, out_channels: int, factor: int):
        super().__init__()
        self.factor = factor
        outputs = factor**2 * out_channels
        self.upsample_conv = nn.Conv2d(in_channels, outputs, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return F.pixel_shuffle(self.upsample_conv(x), self.factor)


def extractor(channels: int, num_blocks: int, stride: int) -> nn.Module:
    """Features of the input, at 1 / `stride` (1, 2 or 4) of its size."""
    layers, inputs = [], 3
    while stride > 1:
        layers += [nn.Conv2d(inputs, channels, 3, 2, 1), nn.LeakyReLU(0.1)]
        inputs, stride = channels, stride // 2
    blocks = ResidualBlocks(inputs, channels, num_blocks)
    return nn.Sequential(*layers, blocks) if layers else blocks


def shuffle_factors(enlargement: int) -> list[int]:
    """Twos, then threes, whose product it is."""
    factors = []
    for factor in (2, 3):
        while enlargement % factor == 0:
            factors.append(factor)
            enlargement //= factor
    return factors


class BasicVSRPlusPlus(nn.Module):
    """The network: `[n, t, 3, h, w]` to `[n, t, 3, scale*h, scale*w]`.

    Its options are those of `bvsrpp_jax.BasicVSRPlusPlus`.
    """

    def __init__(
        self,
        mid_channels: int = 64,
        num_blocks: int = 7,
        *,
        deform_groups: int = 16,
        max_residue_magnitude: float = 10.0,
        scale: int = 4,
        feature_stride: int | None = None,
        branches: tuple[str, ...] = BRANCHES,
        second_order: bool = True,
        alignment: str = "deformable",
        num_extract_blocks: int = 5,
        num_reconstruction_blocks: int = 5,
        hr_channels: int = 64,
        spynet_channels: tuple[int, ...] = FLOW_CHANNELS,
    ):
        super().__init__()
        c, hr, order = mid_channels, hr_channels, 2 if second_order else 1
        self.stride = feature_stride or (4 if scale == 1 else 1)
        self.scale, self.branches, self.order = scale, tuple(branches), order
        self.spynet = SPyNet(spynet_channels)
        self.feat_extract = extractor(c, num_extract_blocks, self.stride)
        self.deform_align, self.backbone = nn.ModuleDict(), nn.ModuleDict()
        for i, branch in enumerate(self.branches):
            self.deform_align[branch] = (
                FlowAlign(c, order)
                if alignment == "flow"
                else DeformAlign(
                    c, order, deform_groups * order // 2, max_residue_magnitude
                )
            )
            self.backbone[branch] = ResidualBlocks((2 + i) * c, c, num_blocks)
        width = (1 + len(self.branches)) * c
        self.reconstruction = ResidualBlocks(width, c, num_reconstruction_blocks)
        factors, width = shuffle_factors(scale * self.stride), c
        self.upsamplings = [f"upsample{i}" for i in range(1, 1 + len(factors))]
        for name, factor in zip(self.upsamplings, factors, strict=True):
            wanted = hr if name == self.upsamplings[-1] else c
            setattr(self, name, PixelShuffleUpsample(width, wanted, factor))
            width = wanted
        self.conv_hr = nn.Conv2d(width, hr, 3, padding=1)
        self.conv_last = nn.Conv2d(hr, 3, 3, padding=1)

    def forward(self, lq: Tensor) -> Tensor:
        """Restores a clip `lq` `[n, t, 3, h, w]`; the result is not clamped."""
        feats = self.features(lq)
        frames = range(lq.shape[1])
        restored = [self.reconstruct(lq[:, i], [f[i] for f in feats]) for i in frames]
        return torch.stack(restored, dim=1)

    def features(self, lq: Tensor) -> list[list[Tensor]]:
        """Spatial features, then each branch's: lists of t maps `[n, c, h, w]`."""
        spatial = self.feat_extract(lq.flatten(0, 1)).unflatten(0, lq.shape[:2])
        feats = [list(spatial.unbind(1))]
        flows_backward, flows_forward = self.flows(lq)
        for branch in self.branches:
            backward = branch.startswith("backward")
            flows = flows_backward if backward else flows_forward
            feats.append(self.propagate(branch, feats, flows, backward))
        return feats

    def flows(self, lq: Tensor) -> tuple[Tensor, Tensor]:
        """Flows of frame i to i+1, and of frame i+1 to i, each `[n, t-1, 2, h, w]`."""
        n, t = lq.shape[:2]
        frames = lq.flatten(0, 1)
        if self.stride > 1:
            frames = F.interpolate(frames, scale_factor=1 / self.stride, mode="bicubic")
        frames = frames.unflatten(0, (n, t))
        earlier = frames[:, :-1].flatten(0, 1)
        later = frames[:, 1:].flatten(0, 1)
        return (
            self.spynet(earlier, later).unflatten(0, (n, t - 1)),
            self.spynet(later, earlier).unflatten(0, (n, t - 1)),
        )

    def propagate(
        self, branch: str, feats: list[list[Tensor]], flows: Tensor, backward: bool
    ) -> list[Tensor]:
        """One branch over all frames; its features in the order of the frames."""
        t = len(feats[0])
        order = range(t)[::-1] if backward else range(t)
        feat_n1 = feat_n2 = torch.zeros_like(feats[0][0])
        flow_before, outputs = None, []
        for step, i in enumerate(order):
            current, propagated = feats[0][i], feat_n1
            if step > 0:
                flow = flows[:, i if backward else i - 1]
                propagated = self.align(
                    branch, current, feat_n1, feat_n2, flow, flow_before
                )
                flow_before = flow
            inputs = [f[i] for f in feats] + [propagated]
            result = propagated + self.backbone[branch](torch.cat(inputs, dim=1))
            # The second frame has no feature two steps back: zeros stand for it.
            feat_n1, feat_n2 = result, feat_n1
            outputs.append(result)
        return outputs[::-1] if backward else outputs

    def align(
        self,
        branch: str,
        current: Tensor,
        feat_n1: Tensor,
        feat_n2: Tensor,
        flow_n1: Tensor,
        flow_before: Tensor | None,
    ) -> Tensor:
        """Aligns the features one and two steps back with the current frame."""
        if flow_before is None:
            flow_n2 = torch.zeros_like(flow_n1)
        else:
            flow_n2 = flow_n1 + flow_warp(flow_before, flow_n1)
        feats, flows = [feat_n1, feat_n2], [flow_n1, flow_n2]
        align = self.deform_align[branch]
        return align(current, feats[: self.order], flows[: self.order])

    def reconstruct(self, frame: Tensor, feats: list[Tensor]) -> Tensor:
        """The restored frame of `frame` `[n, 3, h, w]` and its features."""
        x = self.reconstruction(torch.cat(feats, dim=1))
        for name in self.upsamplings:
            x = lrelu(getattr(self, name)(x))
        x = self.conv_last(lrelu(self.conv_hr(x)))
        return x + (frame if self.scale == 1 else resize(frame, x.shape[-2:]))
