"""Several processes at one restoration: each makes a share of the segments.

They meet at JAX's coordination service alone; no device of one process needs to reach
those of another. The segments lie in the job's folder, on a file system that all of
them share. Where a process dies without a word, JAX ends the others when it has been
silent for a minute.
"""

import itertools
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn, Self

import jax

from bvsrpp_jax.errors import InputError, Stopped
from bvsrpp_jax.processes import leave_word, words

_POLL = 0.2  # seconds between looks at what the others say
_DELAY = 90.0  # seconds after which network file systems show a new file at the latest
_GRACE = 20.0  # seconds that the service stays for the others to hear of a failure


class Crew:
    """The processes of a restoration, as one of them sees them; or this one alone.

    A context manager: whatever ends one of them ends the others.

    Args:
      multihost: whether all processes of the program take part.

    Attributes:
      index: number of this process.
      count: how many there are.
    """

    _numbers = itertools.count()  # a program may restore one video after the other

    def __init__(self, *, multihost: bool):
        self.index = jax.process_index() if multihost else 0
        self.count = jax.process_count() if multihost else 1
        self._name = f"crew-{next(self._numbers)}"

    @property
    def is_main(self) -> bool:
        """Whether this process owns the job's folder, and joins the segments."""
        return self.index == 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _, error: BaseException | None, __) -> None:
        if error is None or self.count == 1:
            return
        kind = "failed" if isinstance(error, Exception) else "stopped"
        self._say("left", kind)
        deadline = time.monotonic() + _GRACE
        while self.is_main and len(self._heard("left")) < self.count:
            if time.monotonic() > deadline:
                return
            time.sleep(_POLL)

    def say(self, what: str, text: str = "") -> None:
        """Tells the others, once."""
        if self.count > 1:
            self._say(what, text)

    def hear(self, what: str, index: int) -> str:
        """What a process says, however long that takes.

        Raises:
          InputError, Stopped: a process ended instead.
        """
        if self.count == 1:
            return ""
        while index not in (heard := self._heard(what)):
            self.check()
            time.sleep(_POLL)
        return heard[index]

    def wait(self, what: str) -> None:
        """Waits until all have come here.

        Raises:
          InputError, Stopped: a process ended instead.
        """
        if self.count > 1:
            self._say(what, "")
            for index in range(self.count):
                self.hear(what, index)

    def check(self) -> None:
        """Looks whether all are still there.

        Raises:
          InputError: another process failed.
          Stopped: another process was told to stop.
        """
        left = self._heard("left")
        if left:
            _raise(*min(left.items()))

    def share_token(self, folder: Path) -> str:
        """A name that only this run can know, of a new file in the folder."""
        token = f".{secrets.token_hex(8)}.shared"
        (folder / token).touch()
        return token

    def check_shared(self, folder: Path, token: str) -> None:
        """Makes sure that a folder is the one that process 0 sees.

        Raises:
          InputError: it is another.
        """
        deadline = time.monotonic() + _DELAY
        while not (folder / token).exists():
            if time.monotonic() > deadline:
                raise InputError(
                    f"{folder}: process {self.index} does not see what process 0 wrote"
                    " here. Put the output on a file system that all hosts share."
                )
            self.check()
            time.sleep(_POLL)

    def await_files(self, are_there: Callable[[], bool]) -> None:
        """Gives a network file system time to show what another process wrote."""
        deadline = time.monotonic() + _DELAY
        while self.count > 1 and not are_there() and time.monotonic() < deadline:
            time.sleep(_POLL)

    @contextmanager
    def watching(self, on_loss: Callable[[], None]) -> Iterator[None]:
        """Calls a function, from another thread, as soon as a process has ended.

        Raises:
          InputError, Stopped: that is why there was a RuntimeError inside.
        """
        if self.count == 1:
            yield
            return
        left = threading.Event()

        def watch() -> None:
            while not left.wait(1.0):
                if self._heard("left"):
                    on_loss()
                    return

        thread = threading.Thread(target=watch, daemon=True)
        thread.start()
        try:
            yield
        except RuntimeError:  # perhaps because of `on_loss`
            self.check()
            raise
        finally:
            left.set()
            thread.join()

    def of_all(
        self, on_work: Callable[[float], None] | None
    ) -> Callable[[float], None] | None:
        """Takes the work of this process, tells that of all: they have equal shares."""
        if on_work is None or self.count == 1:
            return on_work
        return lambda frames: on_work(self.count * frames)

    def _say(self, what: str, text: str) -> None:
        leave_word(f"{self._name}/{what}/{self.index}", text)

    def _heard(self, what: str) -> dict[int, str]:
        if self.count == 1:
            return {}
        found = words(f"{self._name}/{what}")
        return {int(key.rpartition("/")[2]): text for key, text in found.items()}


def _raise(index: int, kind: str) -> NoReturn:
    if kind == "stopped":
        raise Stopped(f"process {index} was told to stop")
    raise InputError(f"process {index}: cannot go on. Read its message.")
