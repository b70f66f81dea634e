"""The folders of checkpoints: Orbax writes and reads them, this names and removes them.

A checkpoint `300` has two parts: `state`, the arrays as a nested dict in Orbax' own
format, and `manifest.json`, what they must be and the run's record (digest.py).
"""

import errno
import json
import logging
import os
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import jax
import numpy as np
from flax.traverse_util import unflatten_dict
from orbax.checkpoint import v1 as ocp

from bvsrpp_jax.partial import write_whole
from bvsrpp_jax.training import digest
from bvsrpp_jax.training.digest import Damaged

UNFINISHED = ".unfinished"  # suffix of a folder that is being written
REMOVED = ".removed"  # suffix of a folder that is being removed
BESIDE = 4 << 20  # bytes of a checkpoint beside its arrays: 1 MB for 1600 of them
REFUSED = "refused"  # the folder for checkpoints that are damaged

Result = TypeVar("Result")


def steps_in(folder: Path) -> list[int]:
    """The steps that have a checkpoint, in rising order."""
    paths = [*folder.iterdir()] if folder.is_dir() else []
    named = [path for path in paths if re.fullmatch("[0-9]+", path.name)]
    return sorted(int(path.name) for path in named if path.is_dir())


def make_room(path: Path, num_bytes: int) -> None:
    """Makes the folder in which a checkpoint is written, nameless until `publish`.

    Raises:
      OSError: it cannot be made, or the disk has no room for `num_bytes` more.
    """
    if shutil.disk_usage(path.parent).free < num_bytes + BESIDE:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    _unfinished(path).mkdir()


def start_writing(path: Path, arrays: Mapping[str, np.ndarray]) -> ocp.AsyncResponse:
    """Begins to write the arrays of a checkpoint; all processes call it.

    Args:
      path: as given to `make_room`.
      arrays: by name; they must not change until it is written. Process 0 writes them.

    Returns:
      The save in progress; its `result()` raises `OSError` or TensorStore's
      `ValueError` if the system refuses something.
    """
    context = ocp.Context()
    context.memory.deepcopy_host_arrays = False  # `arrays` are copies already
    # No process waits for another one, or a failure of process 0 would hold up all; nor
    # for signals that folders are there, which the first to be done takes away.
    context.multiprocessing.active_processes = {jax.process_index()}
    context.asynchronous.create_directories_asynchronously = False
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
    """Removes what killed and failed saves left, and interrupted removals.

    As far as it goes: a save that has just failed may still have writers at work, whose
    last files go the next time.
    """
    for path in list(folder.iterdir()):
        if path.name.endswith((UNFINISHED, REMOVED)):
            shutil.rmtree(path, ignore_errors=True)


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
