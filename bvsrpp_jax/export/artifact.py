"""The file: a zip archive that `zipfile`, NumPy and `jax.export` read.

    description.json    what is in the file, for people and programs
    params.npz          the weights: "feat_extract/conv_in/kernel" -> float32 array
    restore.bin ...     one function each, as `jax.export.Exported.serialize` writes it

The weights are arguments, not constants of the functions: functions are small, share
their weights, and take finer ones of the same network. Nothing is compressed or dated,
so the same export gives the same bytes.
"""

import hashlib
import io
import json
import zipfile
from collections.abc import Mapping
from typing import Any, NamedTuple

import jax
import numpy as np
from jax.export import Exported

from bvsrpp_jax.export.functions import OF_A_BRANCH, RESULTS
from bvsrpp_jax.models.basicvsrpp import BasicVSRPlusPlus
from bvsrpp_jax.models.grid import is_backward
from bvsrpp_jax.weights.architecture import sizes_of, variant_of
from bvsrpp_jax.weights.native import digest

FORMAT = 1
PARAMS = "params.npz"


class Described(NamedTuple):
    """A function, and what its arguments are called."""

    exported: Exported
    arguments: Mapping[str, Any]


def packed(
    model: BasicVSRPlusPlus,
    params: Mapping[str, np.ndarray],
    functions: Mapping[str, Described],
) -> tuple[dict, bytes]:
    """The description, and the whole file."""
    blobs = {name: bytes(f.exported.serialize()) for name, f in functions.items()}
    about = _description(model, params, functions, blobs)
    files = {
        "description.json": json.dumps(about, indent=2).encode(),
        PARAMS: _npz(params),
        **{f"{name}.bin": blob for name, blob in blobs.items()},
    }
    return about, _zip(files)


def _description(model, params, functions, blobs) -> dict:
    exported = next(iter(functions.values())).exported
    return {
        "format": FORMAT,
        "network": variant_of(model),
        "sizes": sizes_of(model),
        "weights_digest": digest(model, params),
        "dtype": np.dtype(model.dtype).name,
        "scale": model.scale,
        "platforms": list(exported.platforms),
        "jax": jax.__version__,
        "calling_convention": exported.calling_convention_version,
        "branches": {
            name: "backward" if is_backward(name) else "forward"
            for name in model.branches
        },
        "functions": {
            name: {
                "arguments": _shapes(function.arguments),
                "results": _shapes(_results(name, function.exported)),
                "sha256": hashlib.sha256(blobs[name]).hexdigest(),
            }
            for name, function in functions.items()
        },
    }


def _results(function, exported) -> dict[str, Any]:
    results = jax.tree.unflatten(exported.out_tree, exported.out_avals)
    names = RESULTS.get(function, OF_A_BRANCH)
    if isinstance(names, str):
        return {names: results}
    return dict(zip(names, results, strict=True))


def _shapes(tree) -> Any:
    """Arrays as text, "float32[n,t,h,w,3]"; the parameters as the file they are in."""
    if isinstance(tree, Mapping):
        return {
            name: PARAMS if name == "params" else _shapes(value)
            for name, value in tree.items()
        }
    if isinstance(tree, tuple | list):
        return [_shapes(value) for value in tree]
    return f"{tree.dtype}[{', '.join(map(str, tree.shape))}]"


def _npz(params) -> bytes:
    return _zip({f"{name}.npy": _npy(value) for name, value in params.items()})


def _npy(array) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, np.ascontiguousarray(array, "<f4"), allow_pickle=False)
    return buffer.getvalue()


def _zip(files: Mapping[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in files.items():
            entry = zipfile.ZipInfo(name)  # of 1980
            entry.create_system, entry.external_attr = 3, 0o644 << 16  # Unix, readable
            archive.writestr(entry, data)
    return buffer.getvalue()
