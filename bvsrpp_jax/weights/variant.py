"""Reads the sizes of a network off the shapes of its state dict.

Each size shows in several tensors; the majority decides, so that one damaged tensor is
reported as such and does not make all the others look wrong.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping

from bvsrpp_jax.models.basicvsrpp import BRANCHES, BasicVSRPlusPlus
from bvsrpp_jax.weights.messages import Refused, listed

Shapes = Mapping[str, tuple[int, ...]]  # official key -> shape, kernels OIHW

MID = re.compile(
    r"(deform_align\.\w+|(feat_extract(\.4)?|backbone\.\w+|reconstruction)\.main\.0)"
    r"\.(weight|bias)"
)
OFFSET = re.compile(r"deform_align\.\w+\.conv_offset\.6\.(weight|bias)")
FLOW = re.compile(r"spynet\.basic_module\.\d\.basic_module\.([0-3])\.conv\.\w+")
BLOCK = re.compile(r"(\S+)\.main\.2\.(0|[1-9]\d{0,2})\.conv[12]\.(weight|bias)")
# How the keys of networks start that are taken for this one, and what they are.
RELATIVES = (
    ("backward_resblocks", "BasicVSR, the predecessor of this network"),
    ("image_cleaning", "RealBasicVSR"),
    ("basicvsr.", "RealBasicVSR"),
    ("feat_extract.2.main", "BasicVSR_2x, whose code was never published"),
)


def model_sizes(shapes: Shapes) -> dict[str, object]:
    """The fields of `BasicVSRPlusPlus` that shapes tell.

    `max_residue_magnitude` leaves no trace in them; it has the value that all published
    networks have.

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
    offsets = [size // 27 for size in _outputs(shapes, OFFSET) if size % 27 == 0]
    stem = "feat_extract.4" if _is_same_size(shapes) else "feat_extract"
    return {
        "mid_channels": _majority(mid_channels, default.mid_channels),
        "num_blocks": _majority((blocks[f"backbone.{b}"] for b in BRANCHES), 0),
        "deform_groups": _majority(offsets, default.deform_groups),
        "max_residue_magnitude": default.max_residue_magnitude,
        "scale": 1 if _is_same_size(shapes) else 4,
        "num_extract_blocks": blocks[stem],
        "num_reconstruction_blocks": blocks["reconstruction"],
        "hr_channels": _majority(_hr_channels(shapes), default.hr_channels),
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


def _is_same_size(shapes: Shapes) -> bool:
    count = Counter(key.startswith("feat_extract.4.") for key in shapes)
    return count[True] > sum(key.startswith("feat_extract.main.") for key in shapes)


def _hr_channels(shapes: Shapes) -> Iterable[int]:
    yield from _outputs(shapes, re.compile(r"conv_hr\.(weight|bias)"))
    for size in _outputs(shapes, re.compile(r"upsample2\.upsample_conv\.\w+")):
        yield size // 4
    shape = shapes.get("conv_last.weight", ())
    yield from shape[1:2]


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
