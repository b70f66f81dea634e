"""Loads weights of every kind."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import jax.numpy as jnp

from bvsrpp_jax.errors import InputError
from bvsrpp_jax.models.basicvsrpp import BasicVSRPlusPlus
from bvsrpp_jax.weights import dialects
from bvsrpp_jax.weights.files import exists, name_of
from bvsrpp_jax.weights.layout import Tree, flatten
from bvsrpp_jax.weights.messages import Refused
from bvsrpp_jax.weights.native import read_native
from bvsrpp_jax.weights.torch_reader import read_torch

PRESETS = ("lite",)  # bundled, in weights/default


@dataclass(frozen=True)
class Weights:
    """A network with its parameters, and where they come from.

    Attributes:
      model: the network.
      params: nested dict of float32 arrays, kernels [h, w, i, o].
      dialect: whose names the file has: "official", "BasicSR", "bvsrpp".
      wrapper: the entry of the file that was taken; "" if there was nothing to choose.
      keys: how many keys of the file are in `params`.
      ignored: the other ones.
      verified: what vouches for the bytes of the file.
    """

    model: BasicVSRPlusPlus
    params: Tree
    dialect: str
    wrapper: str
    keys: int
    ignored: tuple[str, ...]
    verified: str


def load(source: str | Path) -> tuple[BasicVSRPlusPlus, Tree]:
    """Loads a network.

    Args:
      source: a `.pth` or `.pt` file of MMEditing, MMagic, BasicSR or a bare state dict;
        a `.safetensors` file of `save`; or, as a text, a preset: "lite". (A file that
        is called like a preset is "./lite".)

    Returns:
      model, params: `model.apply({"params": params}, lq)` restores clips. Float32.

    Raises:
      InputError: there is no such file, or it is not the weights of a BasicVSR++; one
        line says why. No code of the file has been run.
    """
    weights = read_weights(source)
    return weights.model, _map(jnp.asarray, weights.params)


def read_weights(source: str | Path) -> Weights:
    """As `load`, with NumPy arrays and with what there is to say about the file.

    Raises:
      InputError: as `load`.
    """
    if isinstance(source, str) and source in PRESETS:
        preset = resources.files("bvsrpp_jax.weights") / "default"
        with resources.as_file(preset / f"{source}.safetensors") as path:
            return _read_native(path)
    suffix = Path(source).suffix
    if suffix == ".safetensors":
        return _read_native(source)
    if suffix in (".pth", ".pt"):
        return _read_torch(source)
    found = "is no weights file" if exists(source) else "no such file or preset"
    raise InputError(
        f"{name_of(source)}: {found}. Name a file with suffix .pth, .pt or"
        f" .safetensors, or a preset: {', '.join(PRESETS)}."
    )


def _read_torch(path) -> Weights:
    file = read_torch(path)
    try:
        wrapper, found, beside = dialects.find_state_dict(file.value)
        arrays = dialects.arrays_in(file, found)
        state = dialects.translate(arrays, wrapper=wrapper, ignored=beside)
        model, params = dialects.to_model(state)
    except Refused as refusal:
        raise InputError(f"{name_of(path)}: {refusal}") from refusal
    return Weights(
        model,
        params,
        dialect=state.dialect,
        wrapper=wrapper,
        keys=len(state.keys),
        ignored=state.ignored,
        verified=file.verified,
    )


def _read_native(path) -> Weights:
    model, params = read_native(path)
    return Weights(
        model,
        params,
        dialect="bvsrpp",
        wrapper="",
        keys=len(flatten(params)),
        ignored=(),
        verified="digest in the file",
    )


def _map(function, tree: Mapping) -> Tree:
    return {
        name: _map(function, value) if isinstance(value, Mapping) else function(value)
        for name, value in tree.items()
    }
