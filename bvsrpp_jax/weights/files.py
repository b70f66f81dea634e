"""Whole files, read with care and written all or nothing."""

import os
from pathlib import Path

from bvsrpp_jax.errors import InputError
from bvsrpp_jax.partial import write_whole
from bvsrpp_jax.weights.messages import printable

# The largest checkpoint of this network, c128n25 with Adam's moments and an average of
# the weights, has 0.7 GB.
LARGEST = 2 << 30


def name_of(path: str | Path) -> str:
    """A path as error messages show it."""
    return printable(path, 400)


def exists(path: str | Path) -> bool:
    """Whether something has this name; a name that no file can have is none."""
    return os.path.exists(path)


def check_replaceable(
    target: str | Path, source: str | Path, *, overwrite: bool
) -> None:
    """Refuses a name that something has already, unless that may be replaced.

    Raises:
      InputError: it is there and not to be replaced, a directory, or `source` itself;
        or its folder is not there.
    """
    name, folder = name_of(target), Path(target).parent
    if not exists(folder):
        raise InputError(
            f"{name}: there is no folder {name_of(folder)}. Create it or name another."
        )
    if not exists(target):
        return
    if exists(source) and os.path.samefile(source, target):
        raise InputError(f"{name}: is the input itself. Name another output.")
    if os.path.isdir(target):
        raise InputError(f"{name}: is a directory. Name a file in it.")
    if not overwrite:
        raise InputError(f"{name}: exists already. Add --overwrite to replace it.")


def read_file(path: str | Path) -> bytes:
    """The bytes of a regular file; never more than its size is allocated.

    Raises:
      InputError: it is missing, unreadable, no regular file, or larger than `LARGEST`.
    """
    path, name = Path(path), name_of(path)
    try:
        if path.is_dir():
            raise InputError(f"{name}: is a directory. Name a weights file in it.")
        size = path.stat().st_size
        # Opening a named pipe would wait for a writer, so only regular files.
        if not path.is_file():
            raise InputError(f"{name}: is not a regular file. Name a weights file.")
        if size > LARGEST:
            raise InputError(
                f"{name}: has {size / 1e9:.1f} GB; weights of this network have less"
                f" than {LARGEST / 1e9:.1f}. Check the path."
            )
        with path.open("rb") as file:
            return file.read(size)
    except FileNotFoundError:
        raise InputError(f"{name}: no such file. Check the path.") from None
    except (OSError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(
            f"{name}: cannot be read ({reason(error)}). Check the path."
        ) from error


def write_file(path: str | Path, data: bytes) -> None:
    """Writes `data` so that `path` is at all times absent, the old file, or complete.

    Raises:
      InputError: the file cannot be written; nothing is left behind.
    """
    try:
        write_whole(Path(path), data)
    except (OSError, ValueError) as error:  # ValueError: a name that no file can have
        raise InputError(
            f"{name_of(path)}: cannot be written ({reason(error)})."
            " Check the folder, its permissions and the space left."
        ) from error


def reason(error: Exception) -> str:
    """What the operating system said, in its own words."""
    return printable(getattr(error, "strerror", None) or error)
