"""Files and folders appear under their name complete or not at all.

Everything is written under a hidden name beside the target, on the same file system,
and renamed at the end. Whatever ends the run before that, apart from the power switch
and SIGKILL, removes the hidden name again. Failures are the system's own `OSError`s:
whoever writes tells them in its own words.
"""

import os
import platform
import shutil
from pathlib import Path
from typing import Self


def hidden_name(target: Path, folder: Path | None = None) -> Path:
    """A name of this process alone, beside the target or in another folder.

    Process numbers are those of a host: several may share the file system.
    """
    parent = target.parent if folder is None else folder
    return parent / f".{target.name}.{platform.node()}.{os.getpid()}.partial"


class PartialFile:
    """A binary file that gets its name when it is published.

    A context manager: leaving it unpublished removes what was written.

    Args:
      target: the name.
      folder: where it lies until then, on the same file system; None is beside the
        target.

    Attributes:
      handle: the open file, readable and writable. A Python file, because FFmpeg's own
        ignores a full disk when it closes.
    """

    def __init__(self, target: Path, folder: Path | None = None):
        self._target = target
        self._path = hidden_name(target, folder)
        self.handle = self._path.open("w+b")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_) -> None:
        self.discard()

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


def write_whole(path: Path, data: bytes) -> None:
    """Writes a file that is at all times absent, the old one, or complete."""
    with PartialFile(path) as partial:
        partial.handle.write(data)
        partial.publish()


class PartialFolder:
    """A folder that gets its name when it is published.

    Args:
      target, folder: as for `PartialFile`.

    Attributes:
      path: where to put the files meanwhile.
    """

    def __init__(self, target: Path, folder: Path | None = None):
        self._target = target
        self.path = hidden_name(target, folder)
        self._earlier = self.path.with_suffix(".old")
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
    """Makes a rename durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
