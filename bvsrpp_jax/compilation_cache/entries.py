"""Entries of the cache that are what was written, and not too many of them.

JAX writes an entry in place and reads it without a digest of its own, and never writes
a second time what is there already. So each entry gets a digest beside it as soon as it
is complete, and before JAX reads any, those whose bytes are not those of the digest are
removed: cut by a kill, damaged on the disk, or still being written by another process,
which then compiles once more.
"""

import hashlib
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

_DIGEST = ".sha256"


def seal(folder: Path) -> None:
    """Writes the digest of each entry that has none."""
    with suppress(OSError):  # removed by another process, or the disk is full
        paths = set(folder.iterdir())
        for path in paths:
            if not _is_digest(path) and _digest_of(path) not in paths:
                _digest_of(path).write_text(hashlib.sha256(_read(path)).hexdigest())


def remove_damaged(folder: Path) -> None:
    """Removes what is not an entry with its digest."""
    paths = _files(folder)
    whole = {path for path in paths if not _is_digest(path) and _is_whole(path)}
    for path in set(paths) - whole - {_digest_of(path) for path in whole}:
        with suppress(OSError):
            path.unlink()


def evict(root: Path, *, limit: int) -> None:
    """Removes what was not used for longest, until all folders in `root` fit `limit`.

    Reading counts as use as the file system tells it, which is once a day for most.
    """
    used = []
    for path, status in entries(root):
        used.append((max(status.st_atime, status.st_mtime), status.st_size, path))
    total = sum(size for _, size, _ in used)
    for _, size, path in sorted(used):
        if total <= limit:
            return
        with suppress(OSError):
            path.unlink()
            total -= size
            _digest_of(path).unlink()


def entries(root: Path) -> Iterator[tuple[Path, os.stat_result]]:
    """The entries in all folders of `root`, for every machine and JAX."""
    for folder in root.iterdir():
        for path in _files(folder):
            if not _is_digest(path):
                with suppress(OSError):  # just removed
                    yield path, path.stat()


def _files(folder: Path) -> list[Path]:
    try:
        return [path for path in folder.iterdir() if path.is_file()]
    except OSError:  # just removed, or no folder
        return []


def _is_whole(path: Path) -> bool:
    try:
        return hashlib.sha256(_read(path)).hexdigest() == _digest_of(path).read_text()
    except (OSError, UnicodeDecodeError):
        return False


def _is_digest(path: Path) -> bool:
    return path.name.endswith(_DIGEST)


def _digest_of(path: Path) -> Path:
    return path.with_name(path.name + _DIGEST)


def _read(path: Path) -> bytes:
    """The bytes; to verify an entry is not to use it, where the system can tell."""
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NOATIME", 0))
    with open(descriptor, "rb") as file:
        return file.read()
