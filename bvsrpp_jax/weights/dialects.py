"""State dicts of BasicVSR++ as the projects save them, brought to one set of names.

| who                 | wrapped in             | keys                                  |
|---------------------|------------------------|---------------------------------------|
| official, MMEditing | `state_dict`           | `generator.`..., `step_counter`       |
| MMagic, averaging   | `state_dict`           | the same, and `generator_ema.`...     |
| BasicSR             | `params`, `params_ema` | its own for flow and upsampling       |
| a bare network      | nothing                | the official ones                     |
| a flow network      | any of these           | `basic_module.`..., `mean`, `std`     |

Any of them may carry `module.` of parallel training in front. Where a file has the
average of the weights over training beside the last ones, the average is taken: it is
what those projects evaluate.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

import ml_dtypes
import numpy as np

from bvsrpp_jax.models.basicvsrpp import BasicVSRPlusPlus
from bvsrpp_jax.weights.architecture import model_of, variant_of
from bvsrpp_jax.weights.layout import CONSTANTS, Place, Tree, layout, to_tree
from bvsrpp_jax.weights.messages import Refused, counted, listed, printable
from bvsrpp_jax.weights.torch_reader import TorchFile
from bvsrpp_jax.weights.torch_tensor import Tensor
from bvsrpp_jax.weights.variant import model_sizes

WRAPPERS = ("state_dict", "params_ema", "params")  # the first present is taken
PREFIX = re.compile(r"(?:(?:module|generator|generator_ema)\.)*")
AVERAGE = "generator_ema."
# Counters and constants of the training code around the network.
NO_WEIGHTS = {
    "step_counter",
    "steps",
    "data_preprocessor.mean",
    "data_preprocessor.std",
}
BASICSR_FLOW = re.compile(
    r"(spynet\.basic_module\.\d\.basic_module)\.([02468])\.(weight|bias)"
)
BASICSR_UPSAMPLE = re.compile(r"upconv([12])\.(weight|bias)")
EXACT = ("float32", "float16", "bfloat16")  # float32 holds all of their values


@dataclass(frozen=True)
class StateDict:
    """One network's tensors under official names.

    Attributes:
      tensors: official key -> array, kernels [o, i, h, w].
      keys: official key -> the key that the file has for it.
      dialect: "official" or "BasicSR".
      wrapper: the entry of the file that it was found in; "" for a bare state dict.
      ignored: keys of the file that are no weights, or not the ones taken.
    """

    tensors: dict[str, np.ndarray]
    keys: dict[str, str]
    dialect: str
    wrapper: str
    ignored: tuple[str, ...]


def find_state_dict(saved: object) -> tuple[str, Mapping[str, object], tuple[str, ...]]:
    """Looks for the state dict in what was saved.

    Returns:
      The wrapper it was in ("" if none), the state dict, the other keys beside it.

    Raises:
      Refused: there is none.
    """
    if not isinstance(saved, Mapping):
        raise Refused(
            f"holds a {type(saved).__name__}, not a state dict."
            " Save model.state_dict() in PyTorch."
        )
    for wrapper in WRAPPERS:
        if isinstance(saved.get(wrapper), Mapping):
            others = tuple(str(key) for key in saved if key != wrapper)
            return wrapper, saved[wrapper], others
    return "", saved, ()


def arrays_in(file: TorchFile, state: Mapping[str, object]) -> dict[str, np.ndarray]:
    """Key -> array, of a state dict that was found in `file`.

    Raises:
      Refused: an entry is no tensor with a name.
    """
    strays = [
        key
        for key, value in state.items()
        if not (isinstance(key, str) and isinstance(value, Tensor))
    ]
    if strays:
        raise Refused(
            f"has {len(strays)} entries that are no tensors ({listed(strays)})."
            " Save model.state_dict() in PyTorch."
        )
    return {key: file.array(tensor) for key, tensor in state.items()}


def translate(
    state: Mapping[str, np.ndarray], *, wrapper: str = "", ignored: tuple[str, ...] = ()
) -> StateDict:
    """Gives the tensors of a state dict their official names.

    Args:
      state: key -> array, of any dialect, from inside its wrapper.
      wrapper, ignored: of `find_state_dict`.

    Raises:
      Refused: two keys stand for the same tensor.
    """
    prefixes = {key: PREFIX.match(key)[0] for key in state}
    averaged = any(AVERAGE in prefix for prefix in prefixes.values())
    plain = {key: key.removeprefix(prefix) for key, prefix in prefixes.items()}
    alone = any(name.startswith("basic_module.") for name in plain.values())
    tensors, keys, ignored = {}, {}, list(ignored)
    for key, array in state.items():
        if plain[key] in NO_WEIGHTS or averaged and AVERAGE not in prefixes[key]:
            ignored.append(key)
            continue
        name = official_name(f"spynet.{plain[key]}" if alone else plain[key])
        if name in tensors:
            raise Refused(
                f"has {printable(name)} twice, as {printable(keys[name])} and"
                f" {printable(key)}. Remove one of them."
            )
        tensors[name], keys[name] = array, key
    renamed = any(not name.endswith(plain[key]) for name, key in keys.items())
    dialect = "BasicSR" if renamed else "official"
    return StateDict(tensors, keys, dialect, wrapper, tuple(ignored))


def official_name(key: str) -> str:
    """The official name of a key without prefix; itself if it is none of BasicSR's."""
    if match := BASICSR_FLOW.fullmatch(key):
        # BasicSR counts the activations between the convolutions too.
        return f"{match[1]}.{int(match[2]) // 2}.conv.{match[3]}"
    if match := BASICSR_UPSAMPLE.fullmatch(key):
        return f"upsample{match[1]}.upsample_conv.{match[2]}"
    return key


def to_model(state: StateDict) -> tuple[BasicVSRPlusPlus, Tree]:
    """The network that a state dict belongs to, and its parameters.

    Raises:
      Refused: it is no whole BasicVSR++; every tensor that is missing, unexpected or
        unusable is counted and named, the first ten of each kind.
    """
    shapes = {name: tuple(array.shape) for name, array in state.tensors.items()}
    try:
        model = model_of(model_sizes(shapes))
    except Refused:
        raise
    except ValueError as error:
        raise Refused(
            f"has sizes that no BasicVSR++ has: {error}. Check where it comes from."
        ) from error
    if problems := counted(misfits(layout(model), state)):
        raise Refused(
            f"does not fit {variant_of(model)}: {problems}."
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
