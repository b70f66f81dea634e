"""Reads the sizes of a network off the shapes of its state dict.

Each size shows in several tensors; the majority decides, so that one damaged tensor is
reported as such and does not make all the others look wrong.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping

from bvsrpp_jax.models.basicvsrpp import BasicVSRPlusPlus
from bvsrpp_jax.models.grid import BRANCHES
from bvsrpp_jax.models.resolution import SCALES
from bvsrpp_jax.weights.messages import Refused, listed

Shapes = Mapping[str, tuple[int, ...]]  # official key -> shape, kernels OIHW

MID = re.compile(
    r"(deform_align\.\w+|(feat_extract(\.[24])?|backbone\.\w+|reconstruction)\.main\.0)"
    r"\.(weight|bias)"
)
OFFSET = re.compile(r"deform_align\.\w+\.conv_offset\.6\.(weight|bias)")
FLOW = re.compile(r"spynet\.basic_module\.\d\.basic_module\.([0-3])\.conv\.\w+")
# How the keys of residual blocks start -> input pixels per feature pixel.
STEMS = {"feat_extract": 1, "feat_extract.2": 2, "feat_extract.4": 4}
BRANCH = re.compile(r"backbone\.((?:backward|forward)_[1-9]\d?)\.\S+")
LAST = re.compile(r"upsample[1-9]")
UPSAMPLE = re.compile(r"upsample([1-9])\.upsample_conv\.(weight|bias)")
FACTORS = (2, 3)  # of pixel shuffles
BLOCK = re.compile(r"(\S+)\.main\.2\.(0|[1-9]\d{0,2})\.conv[12]\.(weight|bias)")
# How the keys of networks start that are taken for this one, and what they are.
RELATIVES = (
    ("backward_resblocks", "BasicVSR, the predecessor of this network"),
    ("image_cleaning", "RealBasicVSR"),
    ("basicvsr.", "RealBasicVSR"),
)


def model_sizes(shapes: Shapes) -> dict[str, object]:
    """The fields of `BasicVSRPlusPlus` that shapes tell.

    `max_residue_magnitude` leaves no trace in them, it has the value that all published
    networks have. Nor is a file without deformable convolutions, or without upsampling,
    taken for a network that does without: BasicSR leaves the former out on machines
    that cannot run them.

    Args:
      shapes: official key -> shape, kernels [o, i, h, w].

    Raises:
      Refused: it is no BasicVSR++ at all.
    """
    if network := relative(shapes):
        raise Refused(f"is {network}. Name the weights of a BasicVSR++.")
    mid_channels = _outputs(shapes, MID)
    if not mid_channels:
        raise Refused(
            f"is no BasicVSR++: its {len(shapes)} keys are {listed(shapes) or 'none'}."
            " Name the weights of a BasicVSR++."
        )
    blocks = _num_blocks(shapes)
    default = BasicVSRPlusPlus()
    channels = _majority(mid_channels, default.mid_channels)
    second_order = _is_second_order(shapes, channels)
    branches = _branches(shapes, channels)
    stem = _stem(shapes)
    hr_channels = _majority(_hr_channels(shapes), default.hr_channels)
    return {
        "mid_channels": channels,
        "num_blocks": _majority((blocks[f"backbone.{b}"] for b in branches), 0),
        "deform_groups": _deform_groups(shapes, channels, second_order),
        "max_residue_magnitude": default.max_residue_magnitude,
        "scale": _scale(shapes, STEMS[stem], channels, hr_channels),
        "feature_stride": STEMS[stem],
        "branches": branches,
        "second_order": second_order,
        "num_extract_blocks": blocks[stem],
        "num_reconstruction_blocks": blocks["reconstruction"],
        "hr_channels": hr_channels,
        "spynet_channels": flow_channels(shapes),
    }


def relative(shapes: Shapes) -> str:
    """What the network is, if it is one of those taken for a BasicVSR++; else ""."""
    if is_flow_alone(shapes):
        return (
            "the flow network (SPyNet) alone, which a training may start from"
            " (config.init_from)"
        )
    for start, network in RELATIVES:
        if any(key.startswith(start) for key in shapes):
            return network
    return ""


def is_flow_alone(shapes: Shapes) -> bool:
    """Whether there are parameters of a flow network and nothing else."""
    return any(key.startswith("spynet.basic_module.") for key in shapes) and all(
        key.startswith("spynet.") for key in shapes
    )


def flow_channels(shapes: Shapes) -> tuple[int, ...]:
    """The widths of the flow network's hidden convolutions."""
    votes = defaultdict(list)
    for key, shape in shapes.items():
        if (match := FLOW.fullmatch(key)) and shape:
            votes[int(match[1])].append(shape[0])
    default = BasicVSRPlusPlus().spynet_channels
    return tuple(_majority(votes[i], width) for i, width in enumerate(default))


def _stem(shapes: Shapes) -> str:
    """Where the residual blocks before propagation are: a key of `STEMS`."""
    counts = {stem: _count(shapes, f"{stem}.main.") for stem in STEMS}
    return max(counts, key=counts.get)


def _branches(shapes: Shapes, channels: int) -> tuple[str, ...]:
    """The branches in the order in which they see one another's features."""

    def width(branch):
        return shapes.get(f"backbone.{branch}.main.0.weight", ())[1:2]

    matches = (BRANCH.fullmatch(key) for key in shapes)
    counts = Counter(match[1] for match in matches if match)
    most = max(counts.values(), default=0)
    # Few keys of one more branch are an error to report, not another network.
    found = [branch for branch, count in counts.items() if 2 * count > most]
    found = tuple(sorted(found, key=lambda branch: (width(branch), branch)))
    if {*found} == {*BRANCHES}:
        widths = [((i + 2) * channels,) for i in range(len(BRANCHES))]
        return found if [*map(width, found)] == widths else BRANCHES
    fused = shapes.get("reconstruction.main.0.weight", ())[1:2]
    all_four = (1 + len(BRANCHES)) * channels
    if {*found} <= {*BRANCHES} and fused in ((all_four,), ()):
        return BRANCHES
    return found or BRANCHES


def _is_second_order(shapes: Shapes, channels: int) -> bool:
    """Whether deformable convolutions see two features, as published ones, or one."""
    inputs = re.compile(r"deform_align\.\w+\.weight")
    widths = [
        shape[1]
        for key, shape in shapes.items()
        if len(shape) == 4 and inputs.fullmatch(key)
    ]
    return _majority((width != channels for width in widths), True)


def _deform_groups(shapes: Shapes, channels: int, second_order: bool) -> int:
    """Those of two features; one feature has half of them."""
    sizes = [size for size in _outputs(shapes, OFFSET) if size % 27 == 0]
    usual = BasicVSRPlusPlus().deform_groups
    if 2 * channels % usual:
        usual = 2
    groups = _majority(sizes, 0) // 27 * (1 if second_order else 2)
    return groups or usual


def _scale(shapes: Shapes, stride: int, channels: int, hr_channels: int) -> int:
    """How much the pixel shuffles enlarge, against the strided convolutions."""
    votes = defaultdict(list)
    for key, shape in shapes.items():
        if (match := UPSAMPLE.fullmatch(key)) and shape:
            votes[int(match[1])].append(shape[0])
    enlargement = 1
    for index in range(1, max(votes, default=0) + 1):
        width = hr_channels if index == max(votes) else channels
        fitting = (f for f in FACTORS if f**2 * width in votes[index])
        # One that is missing or damaged is an error to report, not another scale.
        enlargement *= next(fitting, FACTORS[0])
    scale, rest = divmod(enlargement, stride)
    if scale in SCALES and not rest and votes:
        return scale
    return 4 if stride == 1 else 1


def _hr_channels(shapes: Shapes) -> Iterable[int]:
    yield from _outputs(shapes, re.compile(r"conv_hr\.(weight|bias)"))
    last = max((match[0] for key in shapes if (match := LAST.match(key))), default="-")
    for size in _outputs(shapes, re.compile(rf"{last}\.upsample_conv\.\w+")):
        yield from (size // f**2 for f in FACTORS if size % f**2 == 0)
    for following in ("conv_hr", "conv_last"):
        yield from shapes.get(f"{following}.weight", ())[1:2]


def _count(shapes: Shapes, start: str) -> int:
    return sum(key.startswith(start) for key in shapes)


def _num_blocks(shapes: Shapes) -> Counter:
    """Stack of residual blocks -> how many it has.

    A block counts from two of its four tensors on: one more or one less is an error to
    report, not another size.
    """
    tensors = Counter()
    for key in shapes:
        if match := BLOCK.fullmatch(key):
            tensors[match[1], int(match[2])] += 1
    blocks = Counter()
    for (stack, index), count in tensors.items():
        if count >= 2:
            blocks[stack] = max(blocks[stack], index + 1)
    return blocks


def _outputs(shapes: Shapes, pattern: re.Pattern) -> list[int]:
    """The output channels of the tensors whose key is of `pattern`."""
    return [
        shape[0] for key, shape in shapes.items() if shape and pattern.fullmatch(key)
    ]


def _majority(values: Iterable[int], default: int) -> int:
    """The most frequent value; of equally frequent ones, the first."""
    counts = Counter(values)
    return counts.most_common(1)[0][0] if counts else default
