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
from bvsrpp_jax.weights import dialects, native
from bvsrpp_jax.weights.catalogue import where_to_get
from bvsrpp_jax.weights.description import described, description_in
from bvsrpp_jax.weights.files import exists, name_of, read_file
from bvsrpp_jax.weights.fitting import to_model
from bvsrpp_jax.weights.folder import weights_in
from bvsrpp_jax.weights.layout import Tree
from bvsrpp_jax.weights.messages import Refused
from bvsrpp_jax.weights.safe_file import SafeFile, opened
from bvsrpp_jax.weights.torch_reader import TorchFile, read_torch

PRESETS = ("lite",)  # bundled, in weights/default


@dataclass(frozen=True)
class Weights:
    """A network with its parameters, and where they come from.

    Attributes:
      model: the network.
      params: nested dict of float32 arrays, kernels [h, w, i, o].
      dialect: whose file it is, as people call it: "MMEditing / MMagic", "BasicSR",
        "bvsrpp" (ours) and so on (`dialects.dialect_of`).
      container: "zip", "legacy" (both PyTorch's) or "safetensors".
      wrapper: the entry of the file that was taken; "" if there was nothing to choose.
      prefix: what stood before the names.
      keys: how many keys of the file are in `params`.
      ignored: the other ones.
      verified: what vouches for the bytes of the file.
    """

    model: BasicVSRPlusPlus
    params: Tree
    dialect: str
    container: str
    wrapper: str
    prefix: str
    keys: int
    ignored: tuple[str, ...]
    verified: str


def load(source: str | os.PathLike[str]) -> tuple[BasicVSRPlusPlus, dict[str, Any]]:
    """Loads a network.

    Args:
      source: a `.pth`, `.pt` or `.safetensors` file of MMEditing, MMagic, BasicSR, of
        a bare state dict, or of `save`; a folder of `Restorer.save_pretrained`, or the
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
            return _read_safetensors(path)
    if os.path.isdir(source):
        return _read_safetensors(weights_in(Path(source)))
    if Path(source).suffix == ".safetensors":
        return _read_safetensors(source)
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


def read_state(path: str | Path) -> dialects.StateDict | None:
    """The state dict in a file, under official names; None if it is a file of ours.

    Raises:
      InputError: there is none.
    """
    if is_torch(path):
        return _told(path, torch_state, read_torch(path))
    file = _told(path, opened, read_file(path))
    return None if native.is_native(file) else _told(path, safe_state, file)


def torch_state(file: TorchFile) -> dialects.StateDict:
    """The state dict in a file of PyTorch.

    Raises:
      Refused: there is none.
    """
    wrapper, found, beside = dialects.find_state_dict(file.value)
    arrays = dialects.arrays_in(file, found)
    description = description_in(file.value)
    return dialects.translate(
        arrays, wrapper=wrapper, beside=beside, description=description
    )


def safe_state(file: SafeFile) -> dialects.StateDict:
    """The state dict in a file of safetensors with PyTorch's names.

    Raises:
      Refused: there is none.
    """
    return dialects.translate(file.arrays(), description=file.description)


def _told(path, step, contents):
    """What `step` makes of a file's contents; its refusal with the file's name."""
    try:
        return step(contents)
    except Refused as refusal:
        raise InputError(f"{name_of(path)}: {refusal}") from refusal


def _read_torch(path) -> Weights:
    file = read_torch(path)
    state = _told(path, torch_state, file)
    model, params = _told(path, to_model, state)
    return _weights(model, params, state, file.format, file.verified)


def _read_safetensors(path) -> Weights:
    file = _told(path, opened, read_file(path))
    if native.is_native(file):
        model, params = _told(path, native.parse, file)
        return Weights(
            model,
            params,
            dialect="bvsrpp",
            container="safetensors",
            wrapper="",
            prefix="",
            keys=len(flatten_dict(params, sep="/")),
            ignored=(),
            verified="digest in the file",
        )
    state = _told(path, safe_state, file)
    model, params = _told(path, to_model, state)
    verified = "nothing: safetensors has no checksum"
    if file.description is not None:
        _told(path, _verify, (model, params, file))
        verified = "digest in the file"
    return _weights(model, params, state, "safetensors", verified)


def _verify(contents: tuple[BasicVSRPlusPlus, Tree, SafeFile]) -> None:
    model, params, file = contents
    _, digest = described(file.description)
    native.verify(model, flatten_dict(params, sep="/"), digest)


def _weights(model, params, state, container, verified) -> Weights:
    return Weights(
        model,
        params,
        dialect=state.dialect,
        container=container,
        wrapper=state.wrapper,
        prefix=state.prefix,
        keys=len(state.keys),
        ignored=state.ignored,
        verified=verified,
    )
