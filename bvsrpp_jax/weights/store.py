"""Loads weights of every kind."""

import os
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
from flax.traverse_util import flatten_dict

from bvsrpp_jax.errors import InputError
from bvsrpp_jax.models.basicvsrpp import BasicVSRPlusPlus
from bvsrpp_jax.weights import dialects
from bvsrpp_jax.weights.catalogue import where_to_get
from bvsrpp_jax.weights.files import exists, name_of
from bvsrpp_jax.weights.folder import weights_in
from bvsrpp_jax.weights.layout import Tree
from bvsrpp_jax.weights.messages import Refused
from bvsrpp_jax.weights.native import read_native
from bvsrpp_jax.weights.torch_reader import TorchFile, read_torch

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


def load(source: str | os.PathLike[str]) -> tuple[BasicVSRPlusPlus, dict[str, Any]]:
    """Loads a network.

    Args:
      source: a `.pth` or `.pt` file of MMEditing, MMagic, BasicSR or a bare state dict;
        a `.safetensors` file of `save`; a folder of `Restorer.save_pretrained`, or the
        workdir of a finished training; or, as a text, a preset: "lite". (A file that is
        called like a preset is "./lite".) Nothing is downloaded.

    Returns:
      model, params: `model.apply({"params": params}, lq)` restores clips. The
        parameters are a nested dict of float32 JAX arrays.

    Raises:
      InputError: there is no such file, or it is not the weights of a BasicVSR++; one
        line says why. No code of the file has been run.

    Example:
      >>> model, params = bvsrpp.load("lite")
      >>> lq = jnp.zeros((1, 2, 64, 64, 3))  # n, t, h, w, c in [0, 1]
      >>> jax.jit(model.apply)({"params": params}, lq).shape
      (1, 2, 256, 256, 3)
    """
    weights = read_weights(source)
    return weights.model, jax.tree.map(jnp.asarray, weights.params)


def read_weights(source: str | Path) -> Weights:
    """As `load`, with NumPy arrays and with what there is to say about the file.

    Raises:
      InputError: as `load`.
    """
    if isinstance(source, str) and source in PRESETS:
        preset = resources.files("bvsrpp_jax.weights") / "default"
        with resources.as_file(preset / f"{source}.safetensors") as path:
            return _read_native(path)
    if os.path.isdir(source):
        return _read_native(weights_in(Path(source)))
    if Path(source).suffix == ".safetensors":
        return _read_native(source)
    if is_torch(source):
        return _read_torch(source)
    if not exists(source) and (advice := where_to_get(os.fspath(source))):
        raise InputError(f"{name_of(source)}: {advice}")
    found = "is no weights file" if exists(source) else "no such file or preset"
    raise InputError(
        f"{name_of(source)}: {found}. Name a file with suffix .pth, .pt or"
        f" .safetensors, or a preset: {', '.join(PRESETS)}."
    )


def is_torch(source: str | Path) -> bool:
    """Whether a file of this name is one of PyTorch."""
    return Path(source).suffix in (".pth", ".pt")


def find_state(file: TorchFile) -> dialects.StateDict:
    """The state dict in a file, under official names.

    Raises:
      Refused: there is none.
    """
    wrapper, found, beside = dialects.find_state_dict(file.value)
    arrays = dialects.arrays_in(file, found)
    return dialects.translate(arrays, wrapper=wrapper, ignored=beside)


def _read_torch(path) -> Weights:
    file = read_torch(path)
    try:
        state = find_state(file)
        model, params = dialects.to_model(state)
    except Refused as refusal:
        raise InputError(f"{name_of(path)}: {refusal}") from refusal
    return Weights(
        model,
        params,
        dialect=state.dialect,
        wrapper=state.wrapper,
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
        keys=len(flatten_dict(params, sep="/")),
        ignored=(),
        verified="digest in the file",
    )
