"""State dicts of BasicVSR++ as the projects save them, brought to one set of names.

| who                 | wrapped in             | keys                                  |
|---------------------|------------------------|---------------------------------------|
| official, MMEditing | `state_dict`           | `generator.`..., `step_counter`       |
| MMagic, averaging   | `state_dict`           | the same, and `generator_ema.`...     |
| BasicSR             | `params`, `params_ema` | its own (`spelling`)                  |
| a bare network      | nothing                | the official ones                     |
| a flow network      | any of these           | `basic_module.`..., `mean`, `std`     |

Any of them may carry `module.` of parallel training in front, or `_orig_mod.` of a
compiled module. Where a file has the average of the weights over training beside the
last ones, the average is taken: it is what those projects evaluate.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from bvsrpp_jax.weights.description import KEY
from bvsrpp_jax.weights.messages import Refused, listed, printable
from bvsrpp_jax.weights.spelling import has_second_upsampling_alone, official_name
from bvsrpp_jax.weights.torch_names import Foreign
from bvsrpp_jax.weights.torch_reader import TorchFile
from bvsrpp_jax.weights.torch_tensor import Tensor

WRAPPERS = ("state_dict", "params_ema", "params")  # the first present is taken
PREFIX = re.compile(r"(?:(?:module|_orig_mod|generator|generator_ema)\.)*")
AVERAGE = "generator_ema."
# Counters and constants of the training code around the network.
NO_WEIGHTS = re.compile(r"step_counter|steps|data_preprocessor\..+")
# What stands beside the weights in a checkpoint that a training can go on from.
MMAGIC_TRAINING = {"message_hub", "param_schedulers"}
TRAINING = {*MMAGIC_TRAINING, "optimizer", "optim_wrapper"}


@dataclass(frozen=True)
class StateDict:
    """One network's tensors under official names.

    Attributes:
      tensors: official key -> array, kernels [o, i, h, w].
      keys: official key -> the key that the file has for it.
      dialect: whose it is, as people call it (`dialect_of`).
      wrapper: the entry of the file that it was found in; "" for a bare state dict.
      prefix: what stood before the names.
      ignored: keys of the file that are no weights, or not the ones taken.
      description: our own entry in the file, whatever it is; None if there is none.
    """

    tensors: dict[str, np.ndarray]
    keys: dict[str, str]
    dialect: str
    wrapper: str
    prefix: str
    ignored: tuple[str, ...]
    description: object = None


def find_state_dict(saved: object) -> tuple[str, Mapping[str, object], tuple[str, ...]]:
    """Looks for the state dict in what was saved.

    Returns:
      The wrapper it was in ("" if none), the state dict, the other keys beside it.

    Raises:
      Refused: there is none.
    """
    if not isinstance(saved, Mapping):
        raise Refused(
            f"holds a {_kind(saved)}, not a state dict."
            " Save model.state_dict() in PyTorch."
        )
    if "optimizers" in saved and "schedulers" in saved:
        raise Refused(
            "is a training state of BasicSR, which has no weights."
            " Name the file of the network: models/net_g_....pth."
        )
    for wrapper in WRAPPERS:
        if isinstance(saved.get(wrapper), Mapping):
            taken = (wrapper, KEY)  # the other one is our description
            others = tuple(_told(key) for key in saved if key not in taken)
            return wrapper, saved[wrapper], others
    return "", saved, ()


def arrays_in(file: TorchFile, state: Mapping[str, object]) -> dict[str, np.ndarray]:
    """Key -> array, of a state dict that was found in `file`.

    Raises:
      Refused: an entry is no tensor with a name.
    """
    strays = {
        _told(key): _kind(value)
        for key, value in state.items()
        if not (isinstance(key, str) and isinstance(value, Tensor))
    }
    if strays:
        told = [f"{printable(key)}: {kind}" for key, kind in strays.items()]
        raise Refused(
            f"has {len(told)} entries that are no tensors ({listed(told)})."
            " Save model.state_dict() in PyTorch."
        )
    return {key: file.array(tensor) for key, tensor in state.items()}


def translate(
    state: Mapping[str, np.ndarray],
    *,
    wrapper: str = "",
    beside: tuple[str, ...] = (),
    description: object = None,
) -> StateDict:
    """Gives the tensors of a state dict their official names.

    Args:
      state: key -> array, of any dialect, from inside its wrapper.
      wrapper, beside: of `find_state_dict`.
      description: our own entry in the file, whatever it is; None if there is none.

    Raises:
      Refused: two keys stand for the same tensor.
    """
    prefixes = {key: PREFIX.match(key)[0] for key in state}
    averaged = any(AVERAGE in prefix for prefix in prefixes.values())
    plain = {key: key.removeprefix(prefix) for key, prefix in prefixes.items()}
    alone = any(name.startswith("basic_module.") for name in plain.values())
    lone = has_second_upsampling_alone(plain.values())
    tensors, keys, ignored, renamed = {}, {}, list(beside), False
    for key, array in state.items():
        no_weights = NO_WEIGHTS.fullmatch(plain[key])
        if no_weights or averaged and AVERAGE not in prefixes[key]:
            ignored.append(key)
            continue
        name = official_name(f"spynet.{plain[key]}" if alone else plain[key])
        renamed |= not name.endswith(plain[key])
        if lone:
            name = name.replace("upsample2.", "upsample1.", 1)
        if name in tensors:
            raise Refused(
                f"has {printable(name)} twice, as {printable(keys[name])} and"
                f" {printable(key)}. Remove one of them."
            )
        tensors[name], keys[name] = array, key
    prefix = next((prefixes[key] for key in keys.values()), "")
    dialect = "BasicSR" if renamed else dialect_of(wrapper, prefix, beside)
    return StateDict(
        tensors, keys, dialect, wrapper, prefix, tuple(ignored), description
    )


def dialect_of(wrapper: str, prefix: str, beside: tuple[str, ...]) -> str:
    """What people call a state dict of official names, by what is around it."""
    if wrapper.startswith("params"):
        return "BasicSR"
    if MMAGIC_TRAINING & {*beside}:
        return "MMagic training checkpoint"
    if TRAINING & {*beside}:
        return "MMEditing training checkpoint"
    if "generator" in prefix:
        return "MMEditing / MMagic"
    return "state dict" if wrapper else "bare state dict"


def _told(key: object) -> str:
    """A key of a file as a text."""
    return _kind(key) if isinstance(key, Foreign) else str(key)


def _kind(value: object) -> str:
    """The class of a value from a file."""
    name = value.name if isinstance(value, Foreign) else type(value).__name__
    return printable(name)
