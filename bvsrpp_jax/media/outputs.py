"""What may be written where, told before any work is done."""

import os
import re
from pathlib import Path

from bvsrpp_jax.errors import InputError

_FRAME_NAME = re.compile(r"\d{8}\.png")


def check_output(path: Path, *, source: Path, overwrite: bool) -> None:
    """Says what is wrong with an output before any work is done.

    Raises:
      InputError: the output exists and `overwrite` is not set, it is the source or its
        folder does not exist.
    """
    if path.exists() and source.exists() and path.samefile(source):
        raise InputError(f"{path}: is the input. Give the output another name.")
    if not path.parent.is_dir():
        raise InputError(
            f"{path}: there is no folder {path.parent}. Create it or name another."
        )
    if path.is_dir():
        _check_folder(path, overwrite=overwrite)
    elif path.exists() and not path.is_file():
        raise InputError(f"{path}: is not an ordinary file. Give another name.")
    elif os.path.lexists(path) and not overwrite:
        raise InputError(f"{path}: exists. Remove it or pass --overwrite.")


def _check_folder(path: Path, *, overwrite: bool) -> None:
    """A folder is replaced whole, so it may hold nothing but an earlier result."""
    entries = sorted(os.listdir(path))
    foreign = [name for name in entries if not _FRAME_NAME.fullmatch(name)]
    if foreign:
        raise InputError(
            f"{path}: holds {foreign[0]!r}, which is not a frame of an earlier run."
            " Name an empty or a new folder."
        )
    if entries and not overwrite:
        raise InputError(
            f"{path}: exists and is not empty. Remove it or pass --overwrite."
        )
