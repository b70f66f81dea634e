"""Checkpoints: one safetensors file of named arrays, written in one move.

A file appears under its name only when it is complete and on the disk, so that a run
killed at any moment resumes from the newest file it finds.
"""

from pathlib import Path
from typing import Any

import jax
import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file
from safetensors.numpy import save as serialized

from bvsrpp_jax.errors import InputError
from bvsrpp_jax.partial import write_whole

PATTERN = "step_*.safetensors"


def save(directory: Path, state: Any, step: int, *, keep: int = 3) -> Path:
    """Writes a state and removes all but the newest files.

    Args:
      directory: created if missing.
      state: a tree of arrays.
      step: number in the file's name.
      keep: how many files remain.

    Returns:
      The file written.

    Raises:
      InputError: it cannot be written; the older files stay.
    """
    target = directory / f"step_{step:08d}.safetensors"
    arrays = {name: np.asarray(array) for name, array in _named(state).items()}
    try:
        directory.mkdir(parents=True, exist_ok=True)
        write_whole(target, serialized(arrays))
    except OSError as error:
        raise InputError(
            f"{target}: cannot be written ({error.strerror}). Make room; the same"
            " command resumes from the checkpoint before."
        ) from error
    for old in sorted(directory.glob(PATTERN))[:-keep]:
        old.unlink()
    return target


def latest(directory: Path) -> Path | None:
    """The newest checkpoint of a directory, None if there is none."""
    return max(directory.glob(PATTERN), default=None)


def restore(path: Path, like: Any) -> Any:
    """Reads a state back.

    Args:
      path: a file that `save` wrote.
      like: a state of the same structure; of its arrays only shapes and dtypes
        count, so that `jax.eval_shape` will do.

    Returns:
      The state, on the host.

    Raises:
      InputError: the file is damaged or belongs to another network or optimizer.
    """
    try:
        stored = load_file(path)
    except (SafetensorError, OSError) as error:
        raise InputError(
            f"{path}: damaged ({error}). Remove it to resume from the one before."
        ) from error
    expected = {name: (x.shape, x.dtype) for name, x in _named(like).items()}
    found = {name: (x.shape, x.dtype) for name, x in stored.items()}
    wrong = sorted(k for k in expected | found if expected.get(k) != found.get(k))
    if wrong:
        raise InputError(
            f"{path}: {len(wrong)} arrays do not fit this configuration, the first is "
            f"{wrong[0]}. Use another workdir, or the configuration of this one."
        )
    return jax.tree.unflatten(
        jax.tree.structure(like), [stored[name] for name in expected]
    )


def _named(tree: Any) -> dict[str, Any]:
    """Every leaf under its path in the tree, in the tree's order."""
    leaves = jax.tree_util.tree_flatten_with_path(tree)[0]
    return {jax.tree_util.keystr(path): leaf for path, leaf in leaves}
