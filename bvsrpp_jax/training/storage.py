"""The folders of checkpoints: Orbax writes and reads them, this names and removes them.

A checkpoint `300` has two parts: `state`, the arrays as a nested dict in Orbax' own
format, and `manifest.json`, what they must be and the run's record (digest.py).
"""

import json
import logging
import os
import re
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import jax
import numpy as np
from flax.traverse_util import flatten_dict, unflatten_dict
from orbax.checkpoint import v1 as ocp

from bvsrpp_jax.errors import InputError
from bvsrpp_jax.partial import write_whole
from bvsrpp_jax.training import digest
from bvsrpp_jax.training.digest import Damaged

UNFINISHED = ".unfinished"  # suffix of a folder that is being written
REMOVED = ".removed"  # suffix of a folder that is being removed
REFUSED = "refused"  # the folder for checkpoints that are damaged

Result = TypeVar("Result")


def steps_in(folder: Path) -> list[int]:
    """The steps that have a checkpoint, in rising order."""
    paths = [*folder.iterdir()] if folder.is_dir() else []
    named = [path for path in paths if re.fullmatch("[0-9]+", path.name)]
    return sorted(int(path.name) for path in named if path.is_dir())


def start_writing(path: Path, arrays: Mapping[str, np.ndarray]) -> ocp.AsyncResponse:
    """Begins to write the arrays of a checkpoint, which has no name until `publish`.

    Args:
      path: must not exist.
      arrays: by name; they must not change until it is written. Process 0 writes them.

    Returns:
      The save in progress; its `result()` raises `OSError` or TensorStore's
      `ValueError` if the system refuses something.
    """
    context = ocp.Context()
    context.memory.deepcopy_host_arrays = False  # `arrays` are copies already
    with context:
        state = unflatten_dict(dict(arrays), sep="/")
        return ocp.save_async(_unfinished(path) / "state", state)


def publish(path: Path, manifest: Mapping[str, Any]) -> None:
    """Completes a checkpoint and gives it its name.

    Args:
      path: as given to `start_writing`, whose save has ended.
      manifest: without the digests of the files.
    """
    files = digest.file_entries(_unfinished(path) / "state")
    write_manifest(_unfinished(path), digest.sealed({**manifest, "files": files}))
    _unfinished(path).rename(path)


def write_manifest(path: Path, manifest: Mapping[str, Any]) -> None:
    """Gives a checkpoint a manifest, or another one."""
    write_whole(path / "manifest.json", json.dumps(manifest).encode())


def read_manifest(path: Path) -> dict[str, Any]:
    """The manifest of a checkpoint.

    Raises:
      Damaged: it is missing or not what was written.
    """
    try:
        text = (path / "manifest.json").read_bytes()
    except OSError as error:
        raise Damaged(f"its manifest cannot be read ({error.strerror})") from error
    return digest.parse_manifest(text, int(path.name))


def read_arrays(
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
        raise Damaged(f"it cannot be read ({reason(error)})") from error
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


def newest_good(
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


def metric(path: Path, name: str) -> float | None:
    """A metric of a checkpoint; None if it has none, or is damaged, or it is NaN."""
    try:
        value = (read_manifest(path)["metrics"] or {}).get(name)
    except Damaged:
        return None  # reading it tells, should it ever be needed
    return None if value is None or np.isnan(value) else value


def remove(path: Path) -> None:
    """Removes a checkpoint; it loses its name first, so that no half of it is found."""
    nameless = path.with_name(path.name + REMOVED)
    path.rename(nameless)
    shutil.rmtree(nameless)


def remove_leftovers(folder: Path) -> None:
    """Removes what a process left that was killed while it wrote or removed."""
    for path in list(folder.iterdir()):
        if path.name.endswith((UNFINISHED, REMOVED)):
            shutil.rmtree(path)


def move_aside(path: Path) -> Path:
    """Moves a checkpoint out of the way, beside earlier ones of that step."""
    folder = path.parent / REFUSED
    folder.mkdir(exist_ok=True)
    earlier = sum(name.partition("-")[0] == path.name for name in os.listdir(folder))
    return path.rename(folder / (f"{path.name}-{earlier}" if earlier else path.name))


def reason(error: BaseException) -> str:
    """What went wrong, in a line: the system's words if it was the system."""
    if code := re.search(r"os_error_code='(\d+)'", str(error)):  # TensorStore's form
        return os.strerror(int(code[1]))
    line = getattr(error, "strerror", None) or str(error).strip().partition("\n")[0]
    return line[:200] or type(error).__name__


def worth_reading(entry: logging.LogRecord) -> bool:
    """False for Orbax' log of what it does, and of errors that it raises as well."""
    foreign = f"{os.sep}orbax{os.sep}checkpoint{os.sep}" not in entry.pathname
    return foreign or (entry.levelno >= logging.WARNING and not entry.exc_info)


def _unfinished(path: Path) -> Path:
    """Where a checkpoint is written."""
    return path.with_name(path.name + UNFINISHED)
