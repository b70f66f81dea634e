"""The folder of a run: who may write there, and which experiment it holds.

config.json           the experiment, for people
metrics.jsonl         what was logged, one record a line
tensorboard/          the same with pictures
checkpoints/          states (`training.checkpoint`)
best.safetensors      weights of the best validation so far
weights.safetensors   weights at the end: there is none before
lock                  held while a run is at work
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from bvsrpp_jax.errors import InputError
from bvsrpp_jax.locking import Busy, hold
from bvsrpp_jax.partial import write_whole


@contextmanager
def locked(workdir: Path) -> Iterator[None]:
    """Makes the folder if it is missing, and keeps every other run out of it.

    The lock goes with the process, however it ends. Two runs in one folder would
    remove each other's half-written checkpoints.

    Raises:
      InputError: the folder cannot be written, or another run is at work in it.
    """
    with ExitStack() as stack:
        try:
            workdir.mkdir(parents=True, exist_ok=True)
            stack.enter_context(hold(workdir / "lock"))
        except Busy as error:
            raise InputError(
                f"{workdir}: another run is at work here ({error}). Wait for it, or"
                " choose another --workdir."
            ) from error
        except OSError as error:
            raise InputError(
                f"{workdir}: cannot be written ({error.strerror}). Choose another"
                " --workdir."
            ) from error
        yield


def write_config(workdir: Path, config: Mapping[str, Any]) -> None:
    """Writes `config.json`."""
    text = json.dumps(config, indent=2, sort_keys=True)
    write_whole(workdir / "config.json", f"{text}\n".encode())
