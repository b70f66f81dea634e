"""The folder of degraded clips: whose it is, how it was made, and what is done.

A small file beside the clips, `degradation.json`, says how they were made, so that an
interrupted run goes on with the same settings and with no others.
"""

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from bvsrpp_jax.data.degraded_clip import Recipe, StoredClip, frame_names
from bvsrpp_jax.data.frame_files import VideoFiles
from bvsrpp_jax.errors import InputError
from bvsrpp_jax.locking import Busy, hold
from bvsrpp_jax.media.failures import told_as
from bvsrpp_jax.partial import write_whole

RECORD = "degradation.json"
_LOCK = ".degrade.lock"
_VERSION = 1  # of the arithmetic: another one makes other pixels


@contextmanager
def claimed(output: Path, source: Path, recipe: Recipe) -> Iterator[None]:
    """Makes the folder, or goes on in it; one process at a time.

    What killed runs have left is removed first, and what this one leaves at the end.

    Args:
      output: the folder.
      source: the clips that are degraded.
      recipe: how.

    Raises:
      InputError: the folder lies within the source or the other way round, cannot be
        written, holds something else or clips of other settings, or is at work.
    """
    _check_apart(output, source)
    made = json.dumps(_settings(source, recipe), indent=2) + "\n"
    with told_as(output, "cannot be written", "Choose another folder."):
        output.mkdir(parents=True, exist_ok=True)
        _check_ours(output, made)
    with ExitStack() as stack:
        with told_as(output, "cannot be written", "Choose another folder."):
            stack.enter_context(_alone(output))
            if not (output / RECORD).exists():
                write_whole(output / RECORD, made.encode())
        yield


@contextmanager
def _alone(output: Path) -> Iterator[None]:
    lock = output / _LOCK
    try:
        with ExitStack() as stack:
            stack.enter_context(hold(lock))
            stack.callback(lock.unlink)
            stack.callback(_remove_leftovers, output)
            _remove_leftovers(output)
            yield
    except Busy as error:
        raise InputError(f"{output}: {error} is at work there. Wait for it.") from error


def is_done(clip: StoredClip, target: Path) -> bool:
    """Whether an earlier run has made a clip.

    Raises:
      InputError: what lies there is not made of these frames.
    """
    if not os.path.lexists(target):
        return False
    if not target.is_dir() or not _has_frames(clip, target):
        raise InputError(
            f"{target}: has other frames than the input. Remove it to make it again."
        )
    return True


def _has_frames(clip: StoredClip, target: Path) -> bool:
    found = sorted(os.listdir(target))
    names = frame_names(clip)
    if isinstance(clip, VideoFiles):
        names = [name for name, _ in zip(names, found, strict=False)]
    return bool(found) and found == sorted(names)


def _settings(source: Path, recipe: Recipe) -> dict:
    return {
        "made by": "bvsrpp_jax.data.degrade",
        "version": _VERSION,
        "input": str(source.resolve()),
        "degradation": [_plain(entry) for entry in recipe.degradations],
        "scale": str(recipe.scale),
        "seed": recipe.seed,
    }


def _plain(entry) -> str | list:
    """As JSON gives it back."""
    if isinstance(entry, str):
        return entry
    name, parameters = entry
    return [name, {key: list(value) for key, value in parameters.items()}]


def _check_apart(output: Path, source: Path) -> None:
    inner, outer = output.resolve(), source.resolve()
    if inner.is_relative_to(outer):
        raise InputError(f"{output}: lies in the input. Choose a folder outside of it.")
    if outer.is_relative_to(inner):
        raise InputError(f"{output}: the input lies in it. Choose a folder of its own.")


def _check_ours(output: Path, made: str) -> None:
    """An empty folder, or one of an earlier run with the same settings."""
    entries = sorted(set(os.listdir(output)) - {_LOCK})
    record = output / RECORD
    if RECORD not in entries:
        foreign = [name for name in entries if not _is_leftover(name)]
        if foreign:
            raise InputError(
                f"{output}: holds {foreign[0]!r}, and no {RECORD} of an earlier run."
                " Choose an empty or a new folder."
            )
        return
    try:
        earlier = json.loads(record.read_text(encoding="utf-8"))
    except ValueError:  # no JSON, or no text
        earlier = None
    if not isinstance(earlier, dict):
        raise InputError(f"{record}: is damaged. Remove the folder to begin again.")
    for key, value in json.loads(made).items():
        if earlier.get(key) != value:
            raise InputError(
                f"{record}: the clips there were made with {key} {earlier.get(key)},"
                f" not {value}. Choose another folder, or remove this one."
            )


def _is_leftover(name: str) -> bool:
    return name.startswith(".") and name.endswith(".partial")


def _remove_leftovers(output: Path) -> None:
    """The hidden folders of clips, which may be in groups, and the hidden record."""
    for pattern in (".*.partial", "*/.*.partial"):
        for leftover in output.glob(pattern):
            if leftover.is_dir():
                shutil.rmtree(leftover)
            else:
                leftover.unlink()
