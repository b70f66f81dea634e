"""Our own files: safetensors with a description and a digest.

A file holds the parameter tree ("/" between the names of a path, float32) and says, in
its header, which network it belongs to (`description`). Safetensors has no checksum, so
a sha256 over sizes, names, shapes and values lies beside them and is verified at
loading. (The library writes several entries of metadata in random order; with this one
alone, the same weights give the same file.)
"""

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from flax.traverse_util import flatten_dict, unflatten_dict

from bvsrpp_jax.errors import InputError
from bvsrpp_jax.models.basicvsrpp import BasicVSRPlusPlus
from bvsrpp_jax.weights.architecture import sizes_of, variant_of
from bvsrpp_jax.weights.description import describe, described
from bvsrpp_jax.weights.files import name_of, read_file, write_file
from bvsrpp_jax.weights.layout import Tree, shapes
from bvsrpp_jax.weights.messages import Refused, counted
from bvsrpp_jax.weights.safe_file import SafeFile, opened, packed


def save(
    path: str | os.PathLike[str], model: BasicVSRPlusPlus, params: Mapping[str, Any]
) -> str:
    """Writes a network to a `.safetensors` file, replacing one that is there.

    Args:
      path: where to; at all times nothing, the old file, or the whole new one.
      model: the network.
      params: its parameters, float32; kept to the last bit.

    Returns:
      The digest: hexadecimal sha256 over sizes, names, shapes and values.

    Raises:
      InputError: the path has another suffix or cannot be written.
      ValueError: `params` are not those of `model`.

    Example:
      >>> model, params = bvsrpp.load("lite")
      >>> digest = bvsrpp.save("copy.safetensors", model, params)
      >>> bvsrpp.load("copy.safetensors")[0] == model
      True
    """
    if Path(path).suffix != ".safetensors":
        raise InputError(f"{name_of(path)}: has another suffix than .safetensors.")
    flat = checked(model, params)
    sha256 = digest(model, flat)
    write_file(path, packed(flat, describe(model, sha256)))
    return sha256


def checked(model: BasicVSRPlusPlus, params: Mapping) -> dict[str, np.ndarray]:
    """Path with "/" -> array, of all parameters.

    Raises:
      ValueError: `params` are not those of `model`.
    """
    flat = {
        name: np.asarray(value) for name, value in flatten_dict(params, sep="/").items()
    }
    kinds = {name: (array.shape, array.dtype.name) for name, array in flat.items()}
    if problem := _mismatch(model, kinds):
        raise ValueError(f"params: {problem}")
    return flat


def read_native(path: str | Path) -> tuple[BasicVSRPlusPlus, Tree]:
    """Reads a file of `save`: the network and its parameters as NumPy arrays.

    Raises:
      InputError: it is no such file, or damaged.
    """
    try:
        return parse(opened(read_file(path)))
    except Refused as refusal:
        raise InputError(f"{name_of(path)}: {refusal}") from refusal


def digest(model: BasicVSRPlusPlus, flat: Mapping[str, np.ndarray]) -> str:
    """Hexadecimal sha256 over sizes, names, shapes and values.

    Args:
      model: the network.
      flat: path with "/" -> float32 array.
    """
    sizes = json.dumps(sizes_of(model), sort_keys=True)
    total = hashlib.sha256(sizes.encode())
    for name in sorted(flat):
        array = np.ascontiguousarray(flat[name], "<f4")
        total.update(f"\n{name} {list(array.shape)}\n".encode())
        total.update(array.data)
    return total.hexdigest()


def is_native(file: SafeFile) -> bool:
    """Whether a safetensors file has our names of the parameters, not PyTorch's."""
    return file.description is not None and any("/" in name for name in file.entries)


def parse(file: SafeFile) -> tuple[BasicVSRPlusPlus, Tree]:
    """The network and the parameters in a file of `save`.

    Raises:
      Refused: it is no such file, or damaged.
    """
    model, sha256 = described(file.description)
    kinds = {
        name: (tuple(entry["shape"]), entry["dtype"])
        for name, entry in file.entries.items()
    }
    if problem := _mismatch(model, kinds):
        raise Refused(problem)
    flat = file.arrays()
    verify(model, flat, sha256)
    return model, unflatten_dict(flat, sep="/")


def verify(
    model: BasicVSRPlusPlus, flat: Mapping[str, np.ndarray], sha256: str
) -> None:
    """Compares parameters with the digest that their file has.

    Raises:
      Refused: it is another one.
    """
    if digest(model, flat) != sha256:
        raise Refused("does not match its digest. Convert or copy it again.")


def _mismatch(
    model: BasicVSRPlusPlus, kinds: Mapping[str, tuple[tuple[int, ...], str]]
) -> str:
    """How parameters differ from those of the network; "" if they do not.

    Args:
      kinds: path with "/" -> shape and dtype, "F32" or "float32".
    """
    expected = shapes(model)
    missing = [name for name in expected if name not in kinds]
    unexpected = [name for name in kinds if name not in expected]
    misshapen, mistyped = [], []
    for name, (shape, dtype) in kinds.items():
        if name in expected and shape != expected[name]:
            misshapen.append(f"{name} {list(shape)} not {list(expected[name])}")
        if dtype not in ("F32", "float32"):
            mistyped.append(f"{name} {dtype}")
    found = counted(
        {
            "missing": missing,
            "unexpected": unexpected,
            "misshapen": misshapen,
            "not float32": mistyped,
        }
    )
    return found and f"does not fit {variant_of(model)}: {found}. Use the whole tree."
