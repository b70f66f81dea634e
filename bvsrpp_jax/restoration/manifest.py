"""What a restoration is: everything that its output depends on, in one record.

    {"format": 1,
     "tool": {"bvsrpp": ..., "jax": ..., "backend": "cpu", "av": ...},
     "input": {"bytes": 1234, "blake2b": ...},
     "weights": {"blake2b": ..., "architecture": {"scale": 4, ...}},
     "settings": {"crf": None, "window": None, ...},    # as they were asked for
     "plan": {"window": 96, ...}, "threads": 8,         # as they were chosen
     "digest": ...}                                     # of all of it

What was chosen depends on the machine's free memory and processors at that time, so a
resumed restoration takes it from here instead of choosing anew. Another device of the
same backend may round differently, which is not looked at.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, fields, is_dataclass
from importlib import metadata
from pathlib import Path
from types import UnionType
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

import av
import jax
import numpy as np

from bvsrpp_jax.differences import changed_entries
from bvsrpp_jax.media.pictures import list_pictures

FORMAT = 1  # another number is refused
Record = TypeVar("Record")
_PIECE = 1 << 20


class Unusable(Exception):
    """A record cannot be trusted; the message says why."""


def sealed(content: Mapping[str, Any]) -> dict[str, Any]:
    """A record in the values that JSON gives back, with its own digest."""
    content = json.loads(json.dumps(content, default=str))
    content.pop("digest", None)
    text = json.dumps(content, sort_keys=True).encode()
    return {**content, "digest": hashlib.blake2b(text, digest_size=32).hexdigest()}


def unsealed(data: bytes) -> dict[str, Any]:
    """A record as it was sealed.

    Raises:
      Unusable: it is not what was written.
    """
    try:
        content = json.loads(data)
        whole = sealed(content)["digest"] == content["digest"]
    except (ValueError, TypeError, AttributeError, KeyError) as error:
        raise Unusable("it is damaged") from error
    if not whole:
        raise Unusable("it has changed since it was written")
    return content


def differences(manifest: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """What of a manifest is not as in `now`: "input.bytes was 3, is 4"."""
    before = {name: manifest.get(name) for name in now}
    return changed_entries(_short(before), _short(now), free=())


def describe(restorer, path: Path, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Everything that is given before anything is chosen.

    Args:
      restorer: the network and how it is to be run.
      path: the input, which is read once for its digest: about a second a gigabyte, or
        as long as the disk takes.
      settings: of input and output.
    """
    asked = asdict(restorer.wishes)
    del asked["disk"]  # where things wait changes nothing
    description = {
        "format": FORMAT,
        "tool": _tool(),
        "input": _input(path),
        "weights": _weights(restorer.model, restorer.params),
        "settings": {**settings, **asked},
    }
    return json.loads(json.dumps(description, default=str))


def from_json(kind: type[Record], values: Mapping[str, Any]) -> Record:
    """A dataclass from what `asdict` and JSON made of it."""
    hints = get_type_hints(kind)
    known = {field.name for field in fields(kind)}
    return kind(**{n: _typed(hints[n], v) for n, v in values.items() if n in known})


def to_json(record: Any) -> dict[str, Any]:
    """A dataclass as values for JSON."""
    return json.loads(json.dumps(asdict(record), default=str))


def _typed(hint: Any, value: Any) -> Any:
    """A value of JSON as a type says: tuples and records come as lists and dicts."""
    if value is None:
        return None
    if get_origin(hint) in (Union, UnionType):
        kinds = [kind for kind in get_args(hint) if kind is not type(None)]
        return _typed(kinds[0], value) if len(kinds) == 1 else value
    if get_origin(hint) is tuple:
        return tuple(value)
    if isinstance(hint, type) and is_dataclass(hint):
        return from_json(hint, value)
    if isinstance(hint, type) and issubclass(hint, tuple) and isinstance(value, list):
        return hint(*value)
    return np.dtype(value) if hint is np.dtype else value


def _tool() -> dict[str, str]:
    try:
        version = metadata.version("bvsrpp-jax")
    except metadata.PackageNotFoundError:
        version = "not installed"
    return {
        "bvsrpp": version,
        "jax": jax.__version__,
        "backend": jax.default_backend(),
        "av": av.__version__,
    }


def _input(path: Path) -> dict[str, Any]:
    """Size and digest of a file, or of all pictures of a folder and their names."""
    digest, size = hashlib.blake2b(digest_size=32), 0
    for file in list_pictures(path) if path.is_dir() else [path]:
        if path.is_dir():
            digest.update(f"{file.name}\0{file.stat().st_size}\0".encode())
        with file.open("rb") as opened:
            while piece := opened.read(_PIECE):
                digest.update(piece)
                size += len(piece)
    return {"bytes": size, "blake2b": digest.hexdigest()}


def _weights(model: Any, params: Any) -> dict[str, Any]:
    """Digest of all arrays with their names, types and shapes; sizes of the network."""
    digest = hashlib.blake2b(digest_size=32)
    for path, leaf in jax.tree_util.tree_flatten_with_path(params)[0]:
        array = np.ascontiguousarray(leaf)
        name = jax.tree_util.keystr(path)
        digest.update(f"{name}\0{array.dtype}\0{array.shape}\0".encode())
        digest.update(array.reshape(-1).view(np.uint8))
    sizes = {
        field.name: getattr(model, field.name)
        for field in fields(model)
        if field.name not in ("parent", "name")  # Flax' own
    }
    return {"blake2b": digest.hexdigest(), "architecture": sizes}


def _short(value: Any) -> Any:
    """Digests as far as people compare them."""
    if isinstance(value, Mapping):
        return {
            name: entry[:12] if name == "blake2b" and entry else _short(entry)
            for name, entry in value.items()
        }
    return value
