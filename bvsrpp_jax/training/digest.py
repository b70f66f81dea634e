"""What a checkpoint holds, written down when it is saved and compared when it is read.

Orbax notices that a file is missing, but one flipped bit in an array comes back as
another number. So every checkpoint carries a manifest with the SHA-256 of each file, so
that nothing else is even opened; of each array, from the copy that was to be written;
and of itself.

    {"format": 1, "step": 300, "record": {...}, "metrics": {"psnr": 31.2} or null,
     "arrays": {"params/conv/bias": {"dtype": "float32", "shape": [64],
                                     "sha256": "..."}, ...},
     "files": {"d/6fc54b...": "...", ...},
     "sha256": "..."}
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import jax
import numpy as np

FORMAT = 1  # of the manifest; another number is refused
SHOWN = 3  # names in a message


class Damaged(Exception):
    """A checkpoint is not what was saved; the message says how."""


def by_name(tree: Any) -> dict[str, Any]:
    """Every leaf under its path, `opt_state/0/mu/conv/bias`, in the tree's order."""
    leaves = jax.tree_util.tree_flatten_with_path(tree)[0]
    named = {
        jax.tree_util.keystr(path, simple=True, separator="/"): leaf
        for path, leaf in leaves
    }
    if len(named) < len(leaves):
        raise ValueError("two leaves of the state have the same path")
    return named


def array_entries(arrays: Mapping[str, np.ndarray]) -> dict[str, dict[str, Any]]:
    """The manifest's entries of some arrays."""
    hashes = _in_parallel(_array_sha256, arrays.values())
    return {
        name: {**_form(array), "sha256": sha256}
        for (name, array), sha256 in zip(arrays.items(), hashes, strict=True)
    }


def file_entries(folder: Path) -> dict[str, str]:
    """The manifest's entries of all files in a folder."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    hashes = _in_parallel(_file_sha256, files)
    names = [path.relative_to(folder).as_posix() for path in files]
    return dict(zip(names, hashes, strict=True))


def sealed(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """A manifest with its own digest, in the values that JSON gives back."""
    content = json.loads(json.dumps(manifest))
    content.pop("sha256", None)
    text = json.dumps(content, sort_keys=True)
    return {**content, "sha256": hashlib.sha256(text.encode()).hexdigest()}


def parse_manifest(text: bytes, step: int) -> dict[str, Any]:
    """A stored manifest.

    Args:
      text: the file.
      step: of the checkpoint, from its folder's name.

    Raises:
      Damaged: it is not the manifest that was written, or not of this checkpoint.
    """
    try:
        manifest = json.loads(text)
        whole = sealed(manifest)["sha256"] == manifest.get("sha256")
    except (ValueError, AttributeError, TypeError) as error:
        raise Damaged(f"its manifest is no JSON ({error})") from error
    if not whole:
        raise Damaged("its manifest has changed since it was written")
    if (manifest["format"], manifest["step"]) != (FORMAT, step):
        raise Damaged(
            f"its manifest is of step {manifest['step']}, format {manifest['format']}"
        )
    return manifest


def check(found: Mapping[str, Any], entries: Mapping[str, Any], *, what: str) -> None:
    """Compares entries with those of the manifest.

    Raises:
      Damaged: some are missing or other ones; new ones do no harm.
    """
    wrong = [name for name, entry in entries.items() if found.get(name) != entry]
    if wrong:
        raise Damaged(f"{_list(wrong, what)} changed since it was saved")


def misfit(stored: Mapping[str, Any], wanted: Mapping[str, Any]) -> str:
    """How a checkpoint's arrays differ from a configuration's; empty if they do not.

    Args:
      stored: the manifest's entries.
      wanted: arrays or `jax.ShapeDtypeStruct` by name.
    """
    forms = {name: _form(array) for name, array in wanted.items()}
    both = [name for name in forms if name in stored]
    found = {
        "missing": [name for name in forms if name not in stored],
        "not expected": [name for name in stored if name not in forms],
    }
    for key in ("shape", "dtype"):
        found[f"of another {key}"] = [
            f"{name} is {stored[name][key]}, not {forms[name][key]}"
            for name in both
            if stored[name][key] != forms[name][key]
        ]
    lists = {key: _list(names, "array") for key, names in found.items() if names}
    return "; ".join(f"{key}: {names}" for key, names in lists.items())


def _list(names: list[str], what: str) -> str:
    """`3 arrays (a, b, c)`; only the first few names."""
    more = ", ..." if len(names) > SHOWN else ""
    plural = "" if len(names) == 1 else "s"
    return f"{len(names)} {what}{plural} ({', '.join(names[:SHOWN])}{more})"


def _form(array: Any) -> dict[str, Any]:
    """The dtype and shape of an array or `jax.ShapeDtypeStruct`."""
    return {"dtype": np.dtype(array.dtype).name, "shape": list(array.shape)}


def _in_parallel(function: Callable[[Any], str], items: Iterable[Any]) -> list[str]:
    """Hashes on every core: hashlib lets go of the interpreter."""
    with ThreadPoolExecutor() as pool:
        return list(pool.map(function, items))


def _array_sha256(array: np.ndarray) -> str:
    """Of the values in memory order, which is little-endian wherever JAX runs."""
    flat = np.ascontiguousarray(array).reshape(-1)
    return hashlib.sha256(flat.view(np.uint8)).hexdigest()


def _file_sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
