"""Our own files: safetensors with a description and a digest.

A file holds the parameter tree ("/" between the names of a path, float32) and says, in
its header, which network it belongs to. Safetensors has no checksum, so a sha256 over
sizes, names, shapes and values lies beside them and is verified at loading.

The description is one metadata entry, `bvsrpp`: {"format": 1, "sizes": {...},
"digest": "..."} as JSON. (The library writes several entries in random order; with one,
the same weights give the same file.)
"""

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import safetensors
import safetensors.numpy
from flax.traverse_util import flatten_dict, unflatten_dict

from bvsrpp_jax.errors import InputError
from bvsrpp_jax.models.basicvsrpp import BasicVSRPlusPlus
from bvsrpp_jax.weights.architecture import model_of, sizes_of, variant_of
from bvsrpp_jax.weights.files import name_of, read_file, write_file
from bvsrpp_jax.weights.layout import Tree, shapes
from bvsrpp_jax.weights.messages import Refused, counted, printable

KEY = "bvsrpp"  # of the metadata
FORMAT = 1
MAX_HEADER = 4 << 20  # bytes; c128n25 has 0.1 MB


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
    flat = {
        name: np.asarray(value) for name, value in flatten_dict(params, sep="/").items()
    }
    kinds = {name: (array.shape, array.dtype.name) for name, array in flat.items()}
    if problem := _mismatch(model, kinds):
        raise ValueError(f"params: {problem}")
    sha256 = digest(model, flat)
    about = {"format": FORMAT, "sizes": sizes_of(model), "digest": sha256}
    flat = {name: np.ascontiguousarray(array) for name, array in flat.items()}
    write_file(path, safetensors.numpy.save(flat, {KEY: json.dumps(about)}))
    return sha256


def read_native(path: str | Path) -> tuple[BasicVSRPlusPlus, Tree]:
    """Reads a file of `save`: the network and its parameters as NumPy arrays.

    Raises:
      InputError: it is no such file, or damaged.
    """
    try:
        model, flat = _parse(read_file(path))
    except Refused as refusal:
        raise InputError(f"{name_of(path)}: {refusal}") from refusal
    return model, unflatten_dict(flat, sep="/")


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


def _parse(data: bytes) -> tuple[BasicVSRPlusPlus, dict[str, np.ndarray]]:
    metadata, entries = _opened(data)
    if KEY not in metadata:
        raise Refused(
            "was not written by bvsrpp.save or bvsrpp convert."
            " Convert the .pth file that it comes from."
        )
    try:
        about = json.loads(metadata[KEY])
        model = model_of(about["sizes"])
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise Refused(
            f"has a damaged description ({printable(error)}). Convert or copy it again."
        ) from error
    if about.get("format") != FORMAT:
        raise Refused("has an unknown format. Use a newer version of bvsrpp.")
    kinds = {name: (tuple(e["shape"]), e["dtype"]) for name, e in entries.items()}
    if problem := _mismatch(model, kinds):
        raise Refused(problem)
    flat = {
        name: np.frombuffer(entry["data"], "<f4").reshape(entry["shape"])
        for name, entry in entries.items()
    }
    if digest(model, flat) != about.get("digest"):
        raise Refused("does not match its digest. Convert or copy it again.")
    return model, flat


def _opened(data: bytes) -> tuple[dict[str, str], dict[str, dict]]:
    """Metadata, and name -> {"dtype", "shape", "data"}, as the library checked them."""
    length = int.from_bytes(data[:8], "little")
    if len(data) < 8 or not 2 <= length <= min(len(data) - 8, MAX_HEADER):
        raise Refused("is no safetensors file, or cut short. Copy it again.")
    try:
        entries = dict(safetensors.deserialize(data))
    except safetensors.SafetensorError as error:
        raise Refused(f"is damaged ({printable(error)}). Copy it again.") from error
    return json.loads(data[8 : 8 + length]).get("__metadata__", {}), entries


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
