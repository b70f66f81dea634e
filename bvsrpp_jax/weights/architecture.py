"""The sizes of a network as plain data, and back, checked.

Sizes also come from files that nobody vouches for, so each has a type and a range.
"""

from collections.abc import Mapping

from bvsrpp_jax.models.basicvsrpp import ALIGNMENTS, BasicVSRPlusPlus
from bvsrpp_jax.models.grid import check_branches
from bvsrpp_jax.models.resolution import FEATURE_STRIDES, SCALES
from bvsrpp_jax.weights.messages import printable

# Field of `BasicVSRPlusPlus` -> smallest and largest value. The largest published
# network has 128 channels and 25 blocks.
WHOLE_NUMBERS = {
    "mid_channels": (1, 1024),
    "num_blocks": (0, 999),
    "deform_groups": (2, 256),
    "num_extract_blocks": (0, 999),
    "num_reconstruction_blocks": (0, 999),
    "hr_channels": (1, 1024),
}
MAGNITUDE = (0.0, 1000.0)  # pixels
CHANNELS = (1, 1024)
HIDDEN_LAYERS = 4  # of each level of the flow network
MOST_BRANCHES = 16
FIELDS = (*WHOLE_NUMBERS, "scale", "max_residue_magnitude", "spynet_channels")
# Of networks that the paper compares with, or that have another resolution: told only
# where they are not what `BasicVSRPlusPlus` has by default, so that the description of
# a published network, and with it the digest of its file, stays what it always was.
OPTIONS = ("feature_stride", "branches", "second_order", "alignment")


def sizes_of(model: BasicVSRPlusPlus) -> dict[str, object]:
    """Field -> value, of every field that decides parameters or their meaning."""
    usual = BasicVSRPlusPlus(scale=model.scale)
    sizes = {field: getattr(model, field) for field in FIELDS}
    for field in OPTIONS:
        if getattr(model, field) != getattr(usual, field):
            sizes[field] = getattr(model, field)
    sizes["max_residue_magnitude"] = float(sizes["max_residue_magnitude"])
    return {
        field: list(value) if isinstance(value, tuple) else value
        for field, value in sizes.items()
    }


def model_of(sizes: Mapping[str, object]) -> BasicVSRPlusPlus:
    """The network with these sizes.

    Args:
      sizes: as of `sizes_of`, all fields but the options, from wherever.

    Raises:
      ValueError: a field is missing, unknown, of the wrong type or out of range; all of
        them are named.
    """
    known = {*FIELDS, *OPTIONS}
    problems = [f"{printable(field)} is unknown" for field in sizes.keys() - known]
    problems += [f"{field} is missing" for field in FIELDS if field not in sizes]
    for field in sizes.keys() & known:
        if not _in_range(field, sizes[field]):
            problems.append(f"{field} is {printable(sizes[field], 40)}")
    if problems:
        raise ValueError(", ".join(sorted(problems)[:10]))
    channels, groups = sizes["mid_channels"], sizes["deform_groups"]
    if groups % 2 or 2 * channels % groups:
        raise ValueError(f"deform_groups is {groups} for mid_channels {channels}")
    return BasicVSRPlusPlus(
        **{
            field: tuple(value) if isinstance(value, list) else value
            for field, value in sizes.items()
        }
    )


def variant_of(model: BasicVSRPlusPlus) -> str:
    """The field's short name of a network, and what is not as in the paper.

    "c64n7 x4", "c64n15 same-size", "c64n15 same-size stride 2".
    """
    usual = BasicVSRPlusPlus(scale=model.scale)
    words = [f"c{model.mid_channels}n{model.num_blocks}"]
    words.append("same-size" if model.scale == 1 else f"x{model.scale}")
    if model.feature_stride != usual.feature_stride:
        words.append(f"stride {model.feature_stride}")
    if model.branches != usual.branches:
        words.append("+".join(model.branches))
    if not model.second_order:
        words.append("first-order")
    if model.alignment != usual.alignment:
        words.append(f"{model.alignment}-aligned")
    return " ".join(words)


def _in_range(field: str, value: object) -> bool:
    if field in WHOLE_NUMBERS:
        return _whole(value, WHOLE_NUMBERS[field])
    if field == "max_residue_magnitude":
        low, high = MAGNITUDE
        return type(value) is float and low < value <= high  # NaN is not
    if field == "spynet_channels":
        if not isinstance(value, list | tuple) or len(value) != HIDDEN_LAYERS:
            return False
        return all(_whole(width, CHANNELS) for width in value)
    if field == "branches":
        return _are_branches(value)
    choices = {
        "scale": SCALES,
        "feature_stride": FEATURE_STRIDES,
        "second_order": (True, False),
        "alignment": ALIGNMENTS,
    }[field]
    return type(value) is type(choices[0]) and value in choices


def _are_branches(value: object) -> bool:
    if not isinstance(value, list | tuple) or len(value) > MOST_BRANCHES:
        return False
    try:
        check_branches(value)
    except ValueError:
        return False
    return True


def _whole(value: object, bounds: tuple[int, int]) -> bool:
    return type(value) is int and bounds[0] <= value <= bounds[1]
