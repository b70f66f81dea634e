"""Fits a state dict to the network it belongs to, or says all that does not fit."""

from collections.abc import Mapping

import ml_dtypes
import numpy as np

from bvsrpp_jax.models.basicvsrpp import BasicVSRPlusPlus
from bvsrpp_jax.weights.architecture import model_of, variant_of
from bvsrpp_jax.weights.description import described
from bvsrpp_jax.weights.dialects import StateDict
from bvsrpp_jax.weights.layout import CONSTANTS, Place, Tree, layout, to_tree
from bvsrpp_jax.weights.messages import Refused, counted, printable
from bvsrpp_jax.weights.variant import model_sizes

EXACT = ("float32", "float16", "bfloat16")  # float32 holds all of their values


def to_model(state: StateDict) -> tuple[BasicVSRPlusPlus, Tree]:
    """The network that a state dict belongs to, and its parameters.

    Its sizes are those of our description where there is one, else what shapes tell.

    Raises:
      Refused: it is no whole BasicVSR++; every tensor that is missing, unexpected or
        unusable is counted and named, the first ten of each kind.
    """
    shapes = {name: tuple(array.shape) for name, array in state.tensors.items()}
    try:
        sizes = model_sizes(shapes)  # refuses other networks, described or not
        stated = "" if state.description is None else ", as its description says"
        model = described(state.description)[0] if stated else model_of(sizes)
    except Refused:
        raise
    except ValueError as error:
        raise Refused(
            f"has sizes that no BasicVSR++ has: {error}. Check where it comes from."
        ) from error
    if problems := counted(misfits(layout(model), state)):
        raise Refused(
            f"does not fit {variant_of(model)}{stated}: {problems}."
            " Get a file with the whole network, unaltered."
        )
    return model, to_tree(model, state.tensors)


def misfits(places: Mapping[str, Place], state: StateDict) -> dict[str, list[str]]:
    """How the tensors of `state` are not those of `places`.

    Returns:
      Kind of problem -> the keys that have it, as the file spells them.
    """
    problems = {kind: [] for kind in ("missing", "unexpected", "misshapen", "unusable")}
    problems["missing"] = [name for name in places if name not in state.tensors]
    for name, array in state.tensors.items():
        key = printable(state.keys[name])
        if name in CONSTANTS:
            if not _is_constant(array, CONSTANTS[name]):
                constant = ", ".join(map(str, CONSTANTS[name]))
                problems["unusable"].append(f"{key} is not [{constant}]")
        elif name not in places:
            problems["unexpected"].append(key)
        elif tuple(array.shape) != places[name].shape:
            expected = list(places[name].shape)
            problems["misshapen"].append(f"{key} {list(array.shape)} not {expected}")
        elif array.dtype.name not in EXACT:
            problems["unusable"].append(f"{key} is {array.dtype.name}")
        elif not _is_finite(array):
            problems["unusable"].append(f"{key} is not finite")
    return problems


def _is_finite(array: np.ndarray) -> bool:
    with np.errstate(invalid="ignore"):  # signalling NaN in half precision warns
        return bool(np.isfinite(array).all())


def _is_constant(array: np.ndarray, constant: np.ndarray) -> bool:
    if array.dtype.name not in EXACT or array.size != len(constant):
        return False
    values = array.ravel().astype(np.float64)
    return np.allclose(values, constant, rtol=ml_dtypes.finfo(array.dtype).eps, atol=0)
