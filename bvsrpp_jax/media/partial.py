"""Outputs appear under their name complete or not at all.

Everything is written under a hidden name beside the output, on the same file system,
and renamed at the end. Whatever ends the run before that, apart from the power switch
and SIGKILL, removes the hidden name again.
"""

import os
import re
import shutil
from pathlib import Path

from bvsrpp_jax.errors import InputError
from bvsrpp_jax.media.failures import told_as

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


def hidden_name(target: Path) -> Path:
    """A name beside the target of this process alone."""
    return target.parent / f".{target.name}.{os.getpid()}.partial"


class PartialFile:
    """A binary file that gets its name when it is published.

    Attributes:
      handle: the open file, readable and writable. A Python file, because FFmpeg's own
        ignores a full disk when it closes.
    """

    def __init__(self, target: Path):
        self._target = target
        self._path = hidden_name(target)
        with told_as(target, "cannot be written here", "Choose another folder."):
            self.handle = self._path.open("w+b")

    def publish(self) -> None:
        """Makes the file durable, then visible."""
        self.handle.flush()
        os.fsync(self.handle.fileno())
        self.handle.close()
        os.replace(self._path, self._target)
        _sync_folder(self._target.parent)

    def discard(self) -> None:
        """Removes the file unless it is published."""
        self._path.unlink(missing_ok=True)  # gone already once it is published
        if not self.handle.closed:
            self.handle.raw.close()  # without a last flush: the disk may be full


class PartialFolder:
    """A folder that gets its name when it is published.

    Attributes:
      path: where to put the files meanwhile.
    """

    def __init__(self, target: Path):
        self._target = target
        self.path = hidden_name(target)
        self._earlier = self.path.with_suffix(".old")
        with told_as(target, "cannot be written here", "Choose another folder."):
            self.path.mkdir()

    def publish(self) -> None:
        """Takes the target's name; an earlier result there goes away."""
        if self._target.exists():
            self._target.rename(self._earlier)
        self.path.rename(self._target)
        if self._earlier.exists():
            shutil.rmtree(self._earlier)
        _sync_folder(self._target.parent)

    def discard(self) -> None:
        """Removes the folder unless it is published; an earlier result stays."""
        if self._earlier.exists() and not self._target.exists():
            self._earlier.rename(self._target)
        if self.path.exists():
            shutil.rmtree(self.path)


def _sync_folder(folder: Path) -> None:
    """Makes a rename durable, where folders can be opened (not on Windows)."""
    if os.name == "posix":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
