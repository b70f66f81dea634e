"""Writes weights as every project reads them.

| dialect   | in a `.pth`                                            | keys            |
|-----------|--------------------------------------------------------|-----------------|
| `mmagic`  | `meta`, and a `state_dict` with a `step_counter`       | `generator.`... |
| `basicsr` | `params`                                               | BasicSR's       |
| `bare`    | nothing around it: for `load_state_dict` of a network  | the official    |

A `.safetensors` file has the same keys without a wrapper, or, without a dialect, those
of our own tree (`native`). Where there is room, our description stands beside them.

All dialects have the constants `spynet.mean` and `spynet.std`, which those projects
keep as buffers: their strict loading asks for them.
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from bvsrpp_jax.errors import InputError
from bvsrpp_jax.models.basicvsrpp import BasicVSRPlusPlus
from bvsrpp_jax.weights import native
from bvsrpp_jax.weights.architecture import model_of, sizes_of
from bvsrpp_jax.weights.description import KEY, describe
from bvsrpp_jax.weights.files import name_of, write_file
from bvsrpp_jax.weights.layout import Tree, to_official
from bvsrpp_jax.weights.safe_file import packed
from bvsrpp_jax.weights.spelling import basicsr_name
from bvsrpp_jax.weights.torch_reader import digits_in_name
from bvsrpp_jax.weights.torch_writer import torch_bytes
from bvsrpp_jax.weights.variant import model_sizes

DIALECTS = ("mmagic", "basicsr", "bare")
SUFFIXES = (".safetensors", ".pth", ".pt")
FREE = ("mid_channels", "num_blocks", "max_residue_magnitude")
State = dict[str, np.ndarray]


def save(
    path: str | Path,
    model: BasicVSRPlusPlus,
    params: Mapping,
    *,
    dialect: str | None = None,
) -> str:
    """Writes a network to a file, replacing one that is there.

    Args:
      path: where to; at all times nothing, the old file, or the whole new one. Its
        suffix says what it becomes: `.safetensors`, or a `.pth` (`.pt`) that
        `torch.load(path, weights_only=True)` reads.
      model: the network.
      params: its parameters, float32; kept to the last bit.
      dialect: whose file it becomes: "mmagic" (and MMEditing's, and the official
        code's), "basicsr", "bare" (the network's own state dict), or None: "mmagic" in
        a `.pth`, this package's own form in a `.safetensors`.

    Returns:
      The digest: hexadecimal sha256 over sizes, names, shapes and values. It does not
      depend on the dialect.

    Raises:
      InputError: the path has another suffix or cannot be written, or the dialect
        cannot say what the network is.
      ValueError: `params` are not those of `model`, or the dialect is unknown.

    Example:
      >>> import bvsrpp_jax as bvsrpp
      >>> model, params = bvsrpp.load("lite")
      >>> digest = bvsrpp.save("lite.pth", model, params)  # for PyTorch
      >>> digest == bvsrpp.save("lite.safetensors", model, params)
      True
    """
    check_target(path)
    if dialect is None and Path(path).suffix == ".safetensors":
        return native.save(path, model, params)
    flat = native.checked(model, params)
    digest = native.digest(model, flat)
    state = state_dict(model, params, dialect or "mmagic")
    if Path(path).suffix == ".safetensors":
        data = packed(state, describe(model, digest))
    else:
        data = torch_bytes(_wrapped(path, model, state, dialect or "mmagic"))
    write_file(path, data)
    return digest


def check_target(path: str | Path) -> None:
    """Refuses names that no file of weights should have.

    Raises:
      InputError: the suffix is another one, or the name ends as if it said the file's
        sha256, which loading would compare.
    """
    if Path(path).suffix not in SUFFIXES:
        raise InputError(
            f"{name_of(path)}: has another suffix than {', '.join(SUFFIXES)}."
            " Change it."
        )
    if digits := digits_in_name(path):
        raise InputError(
            f"{name_of(path)}: the {digits} in its name says how its sha256 starts,"
            " which it would not. Choose another name."
        )


def state_dict(model: BasicVSRPlusPlus, params: Tree, dialect: str) -> State:
    """Key -> array, kernels [o, i, h, w], as a dialect calls them.

    Raises:
      ValueError: the dialect is none of `DIALECTS`.
    """
    official = to_official(model, params)
    if dialect == "mmagic":
        # A training that starts from it counts its own steps.
        counter = {"step_counter": np.zeros(1, np.float32)}
        return counter | {f"generator.{key}": x for key, x in official.items()}
    if dialect == "basicsr":
        return {basicsr_name(key): x for key, x in official.items()}
    if dialect == "bare":
        return official
    raise ValueError(f"dialect is {dialect!r}; there are {', '.join(DIALECTS)}")


def unusual_sizes(model: BasicVSRPlusPlus) -> tuple[str, ...]:
    """The sizes that a network cannot have in MMEditing, MMagic and BasicSR.

    Their classes have two scales and take `FREE` as arguments; the rest is fixed.
    """
    usual = BasicVSRPlusPlus(
        scale=model.scale if model.scale in (1, 4) else 4,
        **{name: getattr(model, name) for name in FREE},
    )
    theirs = sizes_of(usual)
    return tuple(name for name, x in sizes_of(model).items() if x != theirs.get(name))


def _wrapped(path, model: BasicVSRPlusPlus, state: State, dialect: str) -> dict:
    if dialect == "mmagic":
        return {"meta": {KEY: describe(model)}, "state_dict": state}
    if dialect == "basicsr":
        return {"params": state, KEY: describe(model)}
    seen = model_of(model_sizes({key: x.shape for key, x in state.items()}))
    if seen != model_of(sizes_of(model)):
        told = sizes_of(seen)
        untold = [k for k, v in sizes_of(model).items() if v != told.get(k)]
        raise InputError(
            f"{name_of(path)}: a bare state dict cannot say {', '.join(untold)}."
            " Choose another dialect, or the suffix .safetensors."
        )
    return state
