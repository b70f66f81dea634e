"""What `bvsrpp export` does: any weights in, one file that JAX alone runs out."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import jax
import jax.numpy as jnp
from flax.traverse_util import flatten_dict
from jax import export as jax_export

from bvsrpp_jax.errors import InputError
from bvsrpp_jax.export.artifact import Described, packed
from bvsrpp_jax.export.functions import functions_of
from bvsrpp_jax.export.sizes import Sizes, arguments_of
from bvsrpp_jax.ops.precision import in_full_precision
from bvsrpp_jax.weights.files import check_replaceable, name_of, write_file
from bvsrpp_jax.weights.messages import printable
from bvsrpp_jax.weights.store import read_weights

SUFFIX = ".jaxexport"
ANY = Sizes()
PLATFORMS = ("cpu", "cuda", "tpu")
KNOWN_PLATFORMS = (*PLATFORMS, "rocm")
DTYPES = {"float32": jnp.float32, "bfloat16": jnp.bfloat16}


@dataclass(frozen=True)
class Export:
    """What was written.

    Attributes:
      source, target: the files.
      about: the description in the file (`artifact.packed`).
      size: bytes of the file.
      digest: hexadecimal sha256 of the file.
    """

    source: str
    target: str
    about: dict
    size: int
    digest: str


def export(
    source: str | Path,
    target: str | Path,
    *,
    sizes: Sizes = ANY,
    platforms: Sequence[str] = PLATFORMS,
    dtype: str = "float32",
    stablehlo: str | Path | None = None,
    overwrite: bool = False,
    on_function: Callable[[str], None] = lambda name: None,
) -> Export:
    """Writes a network as functions that need no code of ours, with their weights.

    Args:
      source: a weights file or preset, as of `bvsrpp_jax.load`.
      target: a path with suffix `.jaxexport`.
      sizes: what is fixed; whatever is not may be any size when the functions are
        called.
      platforms: where they may run, of "cpu", "cuda", "tpu", "rocm". None of them need
        be here.
      dtype: "float32" or "bfloat16", of features; frames are float32 either way.
      stablehlo: also write `restore` as text to this file.
      overwrite: replace files that are there.
      on_function: called with the name of each function before it is traced.

    Raises:
      InputError: `source` is no weights file; a file is there already or cannot be
        written; an option has a value that there is not; flatbuffers is not installed.
        A file is there whole or not at all.

    Example:
      >>> from bvsrpp_jax.export import export
      >>> written = export("lite", "lite.jaxexport", platforms=["cpu", "tpu"])
      >>> written.about["functions"]["restore"]["results"]
      {'output': 'float32[n, t, 4*h, 4*w, 3]'}
    """
    _check_files(source, target, stablehlo, overwrite)
    platforms = tuple(dict.fromkeys(platforms))  # each once
    _check_options(sizes, platforms, dtype)
    weights = read_weights(source)
    model = weights.model.clone(dtype=DTYPES[dtype])
    params = dict(sorted(flatten_dict(weights.params, sep="/").items()))
    arguments = arguments_of(model, params, sizes)
    functions = {}
    for name, function in functions_of(model).items():
        on_function(name)
        exported = _exported(function, arguments[name].values(), platforms)
        functions[name] = Described(exported, arguments[name])
    about, data = packed(model, params, functions)
    if stablehlo is not None:
        text = functions["restore"].exported.mlir_module()
        write_file(stablehlo, text.encode())
    write_file(target, data)
    digest = hashlib.sha256(data).hexdigest()
    return Export(str(source), str(target), about, len(data), digest)


def _exported(function, arguments, platforms):
    function = jax.jit(in_full_precision(function))
    with _without_paths():
        return jax_export.export(function, platforms=platforms)(*arguments)


@contextmanager
def _without_paths() -> Iterator[None]:
    """Leaves out where in our source, on whose disk, each operation comes from."""
    before = jax.config.jax_traceback_in_locations_limit
    jax.config.update("jax_traceback_in_locations_limit", 0)
    try:
        yield
    finally:
        jax.config.update("jax_traceback_in_locations_limit", before)


def _check_files(source, target, stablehlo, overwrite) -> None:
    if Path(target).suffix != SUFFIX:
        raise InputError(
            f"{name_of(target)}: has another suffix than {SUFFIX}. Change it."
        )
    check_replaceable(target, source, overwrite=overwrite)
    if stablehlo is not None:
        check_replaceable(stablehlo, source, overwrite=overwrite)
        if Path(stablehlo).absolute() == Path(target).absolute():
            raise InputError(
                f"{name_of(stablehlo)}: is the output itself. Name another file for"
                " the text."
            )
    if find_spec("flatbuffers") is None:
        raise InputError(
            "flatbuffers: is not installed, and jax.export writes with it."
            " Install it: pip install 'bvsrpp-jax[export]'."
        )


def _check_options(sizes, platforms, dtype) -> None:
    for name, size in zip(("batch", "frames", "size", "size"), sizes, strict=True):
        if size is not None and size < 1:
            raise InputError(f"{name}: {size} is less than one. Leave it out for any.")
    unknown = [name for name in platforms if name not in KNOWN_PLATFORMS]
    if unknown or not platforms:
        raise InputError(
            f"platforms: {printable(', '.join(unknown))!r} is no platform of JAX."
            f" Choose among {', '.join(KNOWN_PLATFORMS)}."
        )
    if dtype not in DTYPES:
        raise InputError(
            f"dtype: {printable(dtype)!r} is neither of {' and '.join(DTYPES)}."
            " Choose one."
        )
