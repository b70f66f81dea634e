"""The folder of a run: who may write there, and which experiment it holds.

config.json           the experiment, for people
metrics.jsonl         what was logged, one record a line
tensorboard/          the same with pictures
checkpoints/          states (`training.checkpoint`)
best.safetensors      weights of the best validation so far
weights.safetensors   weights at the end: there is none before
lock                  held while a run is at work
"""

import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bvsrpp_jax.errors import InputError
from bvsrpp_jax.partial import write_whole


@contextmanager
def locked(workdir: Path) -> Iterator[None]:
    """Makes the folder if it is missing, and keeps every other run out of it.

    The lock goes with the process, however it ends. Two runs in one folder would
    remove each other's half-written checkpoints.

    Raises:
      InputError: the folder cannot be written, or another run is at work in it.
    """
    try:
        workdir.mkdir(parents=True, exist_ok=True)
        file = open(workdir / "lock", "a+")  # noqa: SIM115
    except OSError as error:
        raise InputError(
            f"{workdir}: cannot be written ({error.strerror}). Choose another"
            " --workdir."
        ) from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            file.seek(0)
            raise InputError(
                f"{workdir}: another run is at work here ({file.read().strip()}). Wait"
                " for it, or choose another --workdir."
            ) from error
        file.truncate(0)
        file.write(f"process {os.getpid()} on {os.uname().nodename}")
        file.flush()
        yield


def write_config(workdir: Path, config: Mapping[str, Any]) -> None:
    """Writes `config.json`."""
    text = json.dumps(config, indent=2, sort_keys=True)
    write_whole(workdir / "config.json", f"{text}\n".encode())


def changed_entries(
    before: Mapping[str, Any], now: Mapping[str, Any], *, free: tuple[str, ...]
) -> list[str]:
    """What differs between two experiments, as "rates.rate was 0.0001, is 0.0002".

    Args:
      before, now: nested dicts of JSON values.
      free: entries, or groups of them, that may differ: they do not change what a step
        computes.
    """
    before, now = flat(before), flat(now)
    changed = [
        name
        for name in sorted(before | now)
        if before.get(name) != now.get(name)
        and not any(name == entry or name.startswith(f"{entry}.") for entry in free)
    ]
    return [f"{x} was {before.get(x)!r}, is {now.get(x)!r}" for x in changed]


def flat(tree: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested dict -> {"a.b": value}."""
    entries = {}
    for name, value in tree.items():
        if isinstance(value, Mapping):
            entries |= flat(value, f"{prefix}{name}.")
        else:
            entries[f"{prefix}{name}"] = value
    return entries
