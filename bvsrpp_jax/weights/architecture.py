"""The sizes of a network as plain data, and back, checked.

Sizes also come from files that nobody vouches for, so each has a type and a range.
"""

from collections.abc import Mapping

from bvsrpp_jax.models.basicvsrpp import BasicVSRPlusPlus
from bvsrpp_jax.weights.messages import printable

# Field of `BasicVSRPlusPlus` -> smallest and largest value. The largest published
# network has 128 channels and 25 blocks.
WHOLE_NUMBERS = {
    "mid_channels": (1, 1024),
    "num_blocks": (0, 999),
    "deform_groups": (2, 256),
    "scale": (1, 4),
    "num_extract_blocks": (0, 999),
    "num_reconstruction_blocks": (0, 999),
    "hr_channels": (1, 1024),
}
MAGNITUDE = (0.0, 1000.0)  # pixels
CHANNELS = (1, 1024)
HIDDEN_LAYERS = 4  # of each level of the flow network
FIELDS = (*WHOLE_NUMBERS, "max_residue_magnitude", "spynet_channels")


def sizes_of(model: BasicVSRPlusPlus) -> dict[str, object]:
    """Field -> value, of every field that decides parameters or their meaning."""
    sizes = {field: getattr(model, field) for field in FIELDS}
    sizes["spynet_channels"] = list(sizes["spynet_channels"])
    sizes["max_residue_magnitude"] = float(sizes["max_residue_magnitude"])
    return sizes


def model_of(sizes: Mapping[str, object]) -> BasicVSRPlusPlus:
    """The network with these sizes.

    Args:
      sizes: as of `sizes_of`, all fields, from wherever.

    Raises:
      ValueError: a field is missing, unknown, of the wrong type or out of range; all of
        them are named.
    """
    problems = [f"{printable(field)} is unknown" for field in sizes.keys() - {*FIELDS}]
    problems += [f"{field} is missing" for field in FIELDS if field not in sizes]
    for field in sizes.keys() & {*FIELDS}:
        if not _in_range(field, sizes[field]):
            problems.append(f"{field} is {printable(sizes[field], 40)}")
    if problems:
        raise ValueError(", ".join(sorted(problems)[:10]))
    channels, groups = sizes["mid_channels"], sizes["deform_groups"]
    if groups % 2 or 2 * channels % groups:
        raise ValueError(f"deform_groups is {groups} for mid_channels {channels}")
    return BasicVSRPlusPlus(
        **{**sizes, "spynet_channels": tuple(sizes["spynet_channels"])}
    )


def variant_of(model: BasicVSRPlusPlus) -> str:
    """The field's short name of a network: "c64n7 x4", "c64n15 same-size"."""
    scale = "same-size" if model.scale == 1 else f"x{model.scale}"
    return f"c{model.mid_channels}n{model.num_blocks} {scale}"


def _in_range(field: str, value: object) -> bool:
    if field == "max_residue_magnitude":
        low, high = MAGNITUDE
        return type(value) is float and low < value <= high  # NaN is not
    if field == "spynet_channels":
        if not isinstance(value, list | tuple) or len(value) != HIDDEN_LAYERS:
            return False
        return all(_whole(width, CHANNELS) for width in value)
    return _whole(value, WHOLE_NUMBERS[field]) and (field != "scale" or value in (1, 4))


def _whole(value: object, bounds: tuple[int, int]) -> bool:
    return type(value) is int and bounds[0] <= value <= bounds[1]
