"""The processes of a run, one a host: how they find and wait for one another.

All processes run the same program; between them stands JAX's coordination service, at
process 0. It is neither encrypted nor authenticated, so its
port belongs into a private network (docs/tpu-pods.md).
"""

from collections.abc import Iterator
from contextlib import contextmanager

import jax
import numpy as np
from jax.experimental import multihost_utils

from bvsrpp_jax.errors import InputError

HEARTBEAT_SECONDS = 60  # a process that is silent for longer is taken for dead


def connect(
    *,
    coordinator: str | None = None,
    num_processes: int | None = None,
    process_id: int | None = None,
) -> None:
    """Joins this process to the run; before JAX touches a device.

    Where the others do not come within five minutes, JAX aborts the process itself.

    Args:
      coordinator: host:port of process 0.
      num_processes: how many there are.
      process_id: which one this is. All three are None where JAX finds out by itself:
        on TPU pods, under Slurm, Open MPI and Kubernetes.

    Raises:
      InputError: nothing tells where the others are, or only a part of it.
    """
    given = (coordinator, num_processes, process_id)
    if any(x is None for x in given) and any(x is not None for x in given):
        raise InputError(
            "--multihost: needs --coordinator, --num_processes and --process_id"
            " together, or none of them where the cluster tells. Give all three."
        )
    try:
        jax.distributed.initialize(*given, heartbeat_timeout_seconds=HEARTBEAT_SECONDS)
    except (RuntimeError, ValueError, OSError) as error:
        reason = str(error).partition("\n")[0]
        raise InputError(
            f"--multihost: the processes did not find one another ({reason})."
            " Start the same command on every host, or give --coordinator,"
            " --num_processes and --process_id."
        ) from error


def is_main() -> bool:
    """Whether this is process 0, which alone logs and writes what is not a state."""
    return jax.process_index() == 0


@contextmanager
def together() -> Iterator[None]:
    """Bad input on one process ends all of them, instead of leaving them waiting.

    Wraps what processes do on their own before they meet: opening data and the workdir.

    Raises:
      InputError: it was raised inside, by this process or by another one.
    """
    failure = None
    try:
        yield
    except InputError as error:
        failure = error
    if jax.process_count() > 1:
        failed = multihost_utils.process_allgather(np.array(failure is not None))
        if failure is None and failed.any():
            numbers = ", ".join(map(str, np.flatnonzero(failed)))
            raise InputError(f"process {numbers}: cannot go on. Read its message.")
    if failure is not None:
        raise failure


def leave_word(key: str, text: str) -> None:
    """Tells all processes something, once; no device takes part."""
    _service().key_value_set(key, text)


def words(folder: str) -> dict[str, str]:
    """What has been told so far under keys that begin with `folder/`."""
    return dict(_service().key_value_dir_get(f"{folder}/"))


def _service():
    """JAX has no public name for it; Orbax uses this one as well."""
    from jax._src import distributed

    return distributed.global_state.client
