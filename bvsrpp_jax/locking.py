"""One process at a time: a lock that goes with the process, however it ends.

Whoever removes the file does so while holding it, and makes it anew to hold it again.
"""

import fcntl
import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

JUST_ENDED = "a process that has just ended"


class Busy(Exception):
    """Another process holds the lock; the message says which."""


@contextmanager
def hold(path: Path) -> Iterator[None]:
    """Holds the lock on a file, which is made when it is missing.

    Raises:
      Busy: another process holds it.
      OSError: the file cannot be written.
    """
    with path.open("a+") as file:
        _lock(file, path)
        file.truncate(0)
        file.write(f"process {os.getpid()} on {platform.node()}")
        file.flush()
        yield


def _lock(file, path: Path) -> None:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        file.seek(0)
        raise Busy(file.read().strip()) from error
    # Whoever held it may have removed the file while this process opened it.
    if not path.exists() or not os.path.samestat(os.fstat(file.fileno()), path.stat()):
        raise Busy(JUST_ENDED)
