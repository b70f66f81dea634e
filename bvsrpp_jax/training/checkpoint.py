"""Checkpoints of a run: written by Orbax, sealed with digests, verified when read.

What holds, each shown by a test: killed at any moment of a save, a run resumes from a
complete checkpoint, because a folder gets its name when it is complete and loses it
before it is removed. A file that was changed, cut or lost never gives other values: the
checkpoint is refused and the one before it is read. A full disk costs the save that met
it and no other. A state goes onto any number of devices, bit for bit. Nothing is
remembered about the folder between two calls, so nothing about it can be out of date.

Not tested: power loss. The folder must be on a file system that renames in one step, as
local disks and NFS do and object stores do not; several processes need to share it.
"""

import json
import logging
import shutil
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Self

import jax
import numpy as np

from bvsrpp_jax.errors import InputError
from bvsrpp_jax.processes import is_main, together
from bvsrpp_jax.training import storage
from bvsrpp_jax.training.agreement import everywhere, from_main, list_from_main
from bvsrpp_jax.training.digest import (
    FORMAT,
    Damaged,
    array_entries,
    by_name,
    sealed,
)
from bvsrpp_jax.training.reading import read_params, read_state, to_stderr

__all__ = ["Checkpoints", "read_params"]


class Checkpoints:
    """The checkpoints of one run, in one folder.

    A context manager: leaving it waits for the save in progress. With several
    processes, all of them call every method, at the same point of the program.

    Args:
      folder: made if it is missing. What a killed process left there is removed.
      keep: how many of the newest checkpoints stay.
      keep_best: the metric whose highest value keeps one more; None keeps none.
      say: told in one line of every checkpoint that is refused.

    Raises:
      InputError: the folder cannot be used, or nothing would be kept.
    """

    def __init__(
        self,
        folder: Path,
        *,
        keep: int = 3,
        keep_best: str | None = "psnr",
        say: Callable[[str], None] = to_stderr,
    ):
        if keep < 1:
            raise InputError(f"keep: is {keep}. Keep at least one checkpoint.")
        self._folder = Path(folder).resolve()  # Orbax takes absolute paths only
        self._keep, self._keep_best, self._say = keep, keep_best, say
        self._pending = None  # path and future of the save in progress
        self._background = ThreadPoolExecutor(1)
        logging.getLogger("absl").addFilter(storage.worth_reading)
        with together(), _told(self._folder):
            self._folder.mkdir(parents=True, exist_ok=True)
            if is_main():
                storage.remove_leftovers(self._folder)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind, error, trace) -> None:
        with self._background:
            if error is None:
                self.wait()
            elif self._pending and (failure := self._failure(*self._pending)):
                self._say(str(failure))  # the error on its way out matters more

    def save(
        self,
        state: Any,
        *,
        step: int,
        record: Mapping[str, Any],
        metrics: Mapping[str, float] | None = None,
    ) -> None:
        """Saves a state, in the background.

        Returns as soon as the arrays are copied: the next step may have their memory.
        A step that is there already, with the same arrays, only gets the new record,
        and the new metrics if there are any.

        Args:
          state: a tree of arrays; with several processes, each has all of them.
          step: number of the checkpoint.
          record: JSON values that `restore` returns.
          metrics: what `keep_best` looks at.

        Raises:
          InputError: the disk has no room; or the save before this one failed, while
            this one is on its way all the same; or the step is there with other arrays.
        """
        earlier = self._collect()
        arrays = _on_host(state)
        path = self._folder / str(step)
        manifest = {
            "format": FORMAT,
            "step": step,
            "record": json.loads(json.dumps(record)),  # a copy, and surely JSON
            "metrics": metrics and {k: float(value) for k, value in metrics.items()},
        }
        if from_main(path.exists()):
            self._renew(path, {**manifest, "arrays": array_entries(arrays)})
        else:
            with together():
                if is_main():
                    self._make_room(path, sum(x.nbytes for x in arrays.values()))
            with together(), _told(path):
                writing = storage.start_writing(path, arrays)
            if is_main():
                finish = partial(self._finish, path, writing, manifest, arrays)
                writing = self._background.submit(finish)
            self._pending = path, writing
        if earlier:
            raise earlier

    def wait(self) -> None:
        """Waits for the save in progress.

        Raises:
          InputError: it failed; the checkpoints before it are intact.
        """
        if failure := self._collect():
            raise failure

    def restore(
        self, like: Any, *, sharding: jax.sharding.Sharding | None = None
    ) -> tuple[Any, dict[str, Any], int] | None:
        """The newest state that is what was saved.

        Newer ones that are not are told of and moved to the folder `refused`.

        Args:
          like: a state of the same structure; of its arrays only shapes and dtypes
            count, so that `jax.eval_shape` will do.
          sharding: where the arrays go; None leaves them on the host, in NumPy.

        Returns:
          The state, the record and the step; None if there is no checkpoint at all.

        Raises:
          InputError: the arrays are not those of `like`, or no checkpoint is good.
            Nothing was moved.
        """
        self.wait()
        steps = list_from_main(storage.steps_in(self._folder))
        if not steps:
            return None
        step, (arrays, record), refused = read_state(self._folder, steps, by_name(like))
        with together():  # nobody saves before the damaged ones are out of the way
            if is_main():
                self._move_aside(refused, step)
        leaves = [_placed(array, sharding) for array in arrays.values()]
        return jax.tree.unflatten(jax.tree.structure(like), leaves), record, step

    def _make_room(self, path: Path, num_bytes: int) -> None:
        """Refuses a full disk before TensorStore does, once for every array."""
        try:
            storage.remove_leftovers(self._folder)  # of a save that failed
            storage.make_room(path, num_bytes)
        except OSError as error:
            raise _save_failed(path, error) from error

    def _finish(self, path, writing, manifest, arrays) -> None:
        """Completes a save in the background, then removes what need not stay."""
        entries = array_entries(arrays)
        writing.result()
        storage.publish(path, {**manifest, "arrays": entries})
        self._remove_old()

    def _collect(self) -> InputError | None:
        """Waits for the save in progress; its failure, which all processes share."""
        pending, self._pending = self._pending, None
        if pending is None:
            return None
        failure = self._failure(*pending) if is_main() else None
        if from_main(failure is not None):
            return failure or InputError(f"{pending[0]}: not saved, see process 0.")
        pending[1].result()  # process 0 has passed, so the others do
        return None

    def _failure(self, path: Path, writing: Any) -> InputError | None:
        """Waits for a save; tells what the system refused."""
        try:
            writing.result()
        except (OSError, ValueError) as error:  # TensorStore raises ValueError
            storage.remove_leftovers(self._folder)  # they may be what fills the disk
            failure = _save_failed(path, error)
            failure.__cause__ = error
            return failure
        return None

    def _remove_old(self) -> None:
        """Removes all but the newest and the best."""
        steps = storage.steps_in(self._folder)
        scores = {}
        for step in steps if self._keep_best else ():
            score = storage.metric(self._folder / str(step), self._keep_best)
            if score is not None:
                scores[step] = score
        best = max(scores, key=lambda step: (scores[step], step), default=None)
        for step in steps[: -self._keep]:
            if step != best:
                storage.remove(self._folder / str(step))

    def _renew(self, path: Path, manifest: Mapping[str, Any]) -> None:
        """Gives a checkpoint that is there a new record, and metrics if it has any."""
        try:
            old = everywhere(storage.read_manifest, path, failure=Damaged)
        except Damaged as damage:
            raise InputError(f"{path}: is there, {damage}. Move it away.") from damage
        if old["arrays"] != manifest["arrays"]:
            raise InputError(
                f"{path}: is there, with other arrays. Use one workdir for one run."
            )
        new = {**old, **{k: v for k, v in manifest.items() if v is not None}}
        with together(), _told(path):
            if is_main():
                storage.write_manifest(path, sealed(new))

    def _move_aside(self, refused: Mapping[Path, Damaged], step: int) -> None:
        """Moves damaged checkpoints and tells which step takes their place."""
        for path, damage in refused.items():
            with _told(path):
                target = storage.move_aside(path)
            self._say(
                f"{path}: damaged, {damage}. It is now {target};"
                f" step {step} is restored instead."
            )


def _on_host(state: Any) -> dict[str, np.ndarray]:
    """Copies of a state's arrays, by name.

    Always copies: on the CPU backend a NumPy view shares the memory of the array, which
    the next step may be given.
    """
    local = {}
    for name, array in by_name(state).items():
        if isinstance(array, jax.Array):
            if not array.is_fully_replicated:
                raise ValueError(f"{name} is split over devices; replicate the state")
            array = array.addressable_data(0)
        local[name] = array
    return {name: np.array(array) for name, array in jax.device_get(local).items()}


def _placed(array: np.ndarray, sharding: jax.sharding.Sharding | None):
    """An array on its devices, of which this process fills its own."""
    if sharding is None:
        return array
    return jax.make_array_from_callback(array.shape, sharding, lambda i: array[i])


def _save_failed(path: Path, error: Exception) -> InputError:
    """What the system refused, with the room that there is."""
    free = shutil.disk_usage(path.parent).free
    return InputError(
        f"{path}: the save failed ({storage.reason(error)}; {free:,} bytes are free)."
        " Make room; the checkpoints before it are intact."
    )


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """What the system refuses is told as bad input."""
    try:
        yield
    except OSError as error:
        raise InputError(
            f"{error.filename or path}: {storage.reason(error)}. Use a folder that can"
            " be written."
        ) from error
