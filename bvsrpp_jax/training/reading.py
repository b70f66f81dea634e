"""Reading checkpoints: the newest one whose every file and array is what was saved."""

import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import jax
import numpy as np
from flax.traverse_util import flatten_dict, unflatten_dict
from orbax.checkpoint import v1 as ocp

from bvsrpp_jax.errors import InputError
from bvsrpp_jax.training import digest, storage
from bvsrpp_jax.training.agreement import everywhere
from bvsrpp_jax.training.digest import Damaged

Result = TypeVar("Result")


def to_stderr(line: str) -> None:
    """Says a line to people."""
    print(line, file=sys.stderr, flush=True)


def read_state(
    folder: Path, steps: Sequence[int], wanted: Mapping[str, Any]
) -> tuple[int, tuple[dict[str, np.ndarray], dict[str, Any]], dict[Path, Damaged]]:
    """Reads the newest good state; all processes together.

    Args:
      folder: of the checkpoints.
      steps: theirs, in rising order, at least one.
      wanted: arrays or `jax.ShapeDtypeStruct` by name, all that the state has.

    Returns:
      The step; its arrays, in the order of `wanted`, and its record; the newer
      checkpoints, with what is wrong with them.

    Raises:
      InputError: a good checkpoint has other arrays, or none is good.
    """
    return _newest_good(folder, steps, partial(_read_state, wanted=wanted))


def read_params(
    folder: Path, *, say: Callable[[str], None] = to_stderr
) -> tuple[dict[str, Any], dict[str, Any], int]:
    """The network of the newest good checkpoint, read on the host; nothing is moved.

    Args:
      folder: of `Checkpoints`, whose state has `params` and perhaps `ema`.
      say: told in one line of every checkpoint that is damaged.

    Returns:
      The average of the parameters if there is one, else the parameters, a nested dict
      of NumPy arrays; the record; the step.

    Raises:
      InputError: there is no checkpoint or none is good.
    """
    folder = Path(folder).resolve()
    steps = storage.steps_in(folder)
    if not steps:
        raise InputError(f"{folder}: has no checkpoint. Train first, or name another.")
    step, (params, record), refused = _newest_good(folder, steps, _read_network)
    for path, damage in refused.items():
        say(f"{path}: damaged, {damage}. Step {step} is read instead.")
    return params, record, step


def _read_state(path: Path, *, wanted: Mapping[str, Any]):
    """The arrays of `wanted` and the record of a checkpoint; all processes read."""
    manifest = everywhere(storage.read_manifest, path, failure=Damaged)
    if difference := digest.misfit(manifest["arrays"], wanted):
        raise InputError(
            f"{path}: of another network or optimizer; {difference}. Use another"
            " workdir, or the configuration of this one."
        )
    read = partial(_read_arrays, path, manifest, list(wanted))
    return everywhere(read, failure=Damaged), manifest["record"]


def _read_network(path: Path):
    """The averaged parameters or else the parameters of a checkpoint; the record."""
    manifest = storage.read_manifest(path)
    for part in ("ema/", "params/"):
        if names := [name for name in manifest["arrays"] if name.startswith(part)]:
            arrays = _read_arrays(path, manifest, names)
            inside = {k.removeprefix(part): array for k, array in arrays.items()}
            return unflatten_dict(inside, sep="/"), manifest["record"]
    raise InputError(f"{path}: has no parameters. Name the folder of a training run.")


def _newest_good(
    folder: Path, steps: Sequence[int], read: Callable[[Path], Result]
) -> tuple[int, Result, dict[Path, Damaged]]:
    """Reads the newest checkpoint that is not damaged.

    Args:
      folder: of the checkpoints.
      steps: theirs, in rising order.
      read: reads one, given its path.

    Returns:
      Its step, what was read, and the newer ones with what is wrong with them.

    Raises:
      InputError: all are damaged.
    """
    refused = {}
    for step in reversed(steps):
        path = folder / str(step)
        try:
            return step, read(path), refused
        except Damaged as damage:
            refused[path] = damage
    reasons = "; ".join(f"{path.name}: {damage}" for path, damage in refused.items())
    raise InputError(
        f"{folder}: none of its checkpoints is what was saved ({reasons}). Bring back a"
        " copy, or start anew in another workdir."
    )


def _read_arrays(
    path: Path, manifest: Mapping[str, Any], names: Sequence[str]
) -> dict[str, np.ndarray]:
    """Arrays of a checkpoint, verified.

    Args:
      path: a checkpoint.
      manifest: of the checkpoint.
      names: of the arrays to read; the manifest has them.

    Raises:
      Damaged: they cannot be read or are not what was saved.
    """
    try:
        files = digest.file_entries(path / "state")
    except OSError as error:
        raise Damaged(f"it cannot be read ({storage.reason(error)})") from error
    # First, since Orbax answers damaged files with a thousand lines of log.
    digest.check(files, manifest["files"], what="file")
    entries = {name: manifest["arrays"][name] for name in names}
    shapes = {k: np.empty(v["shape"], v["dtype"]) for k, v in entries.items()}
    context = ocp.Context()
    context.pytree.loading.partial_load = True
    # Every process reads for itself: none waits for one that has failed.
    context.multiprocessing.primary_host = jax.process_index()
    context.multiprocessing.active_processes = {jax.process_index()}
    with context:
        state = ocp.load(path / "state", unflatten_dict(shapes, sep="/"))
    arrays = flatten_dict(state, sep="/")
    digest.check(digest.array_entries(arrays), entries, what="array")
    return {name: arrays[name] for name in names}
