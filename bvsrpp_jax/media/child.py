"""A child process for work on an untrusted file: it may crash, hang or be taken over.

Whatever becomes of it, whoever listens to it gets checked messages or an `InputError`.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NoReturn

from bvsrpp_jax.errors import InputError
from bvsrpp_jax.media.messages import Ended, receive, receive_bytes, send, unpack

_ADVICE = "The file may be damaged or hostile; get another copy."
_GRACE = 5.0  # seconds between the last message and the end of the process


class Child:
    """A process that works on a file and talks about it.

    Args:
      module: what it runs, with the request as its only argument.
      request: plain values; the number of its socket is added as "connection".
      path: the file, for messages.
      patience: seconds it may spend without a message while somebody waits for one, or
        without taking one.
      name: what it is, for messages.
      files: numbers of open files that it is given, which keep their numbers.

    Attributes:
      pid: its number.
      progress: how far it has come, for messages.
    """

    def __init__(
        self,
        module: str,
        request: dict,
        *,
        path: Path,
        patience: float,
        name: str,
        files: Sequence[int] = (),
    ):
        self._path, self._patience, self._name = path, patience, name
        self.progress = "at its beginning"
        ours, theirs = socket.socketpair()
        with theirs:
            request = {**request, "connection": theirs.fileno()}
            self._process = subprocess.Popen(
                # -P: nothing is imported from the current folder.
                [sys.executable, "-P", "-m", module, json.dumps(request)],
                stdin=subprocess.PIPE,  # which it ends with
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                pass_fds=[theirs.fileno(), *files],
                process_group=0,  # Ctrl-C is for the parent
                env={**os.environ, "PYTHONPATH": _import_path()},
            )
        self.pid = self._process.pid
        self._connection = ours
        ours.settimeout(patience)

    def close(self) -> None:
        """Ends the process, whatever it does."""
        self._process.kill()
        self._process.wait()
        self._process.stdin.close()
        self._process.stderr.close()
        self._connection.close()

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Inside, whatever is wrong with the child is an `InputError` and its end."""
        try:
            yield
        except InputError:
            self.close()
            raise
        except Ended:
            self._tell_end()
        except TimeoutError as error:
            self.close()
            raise InputError(
                f"{self._path}: the {self._name} did nothing for {self._patience:g} s,"
                f" {self.progress}. {_ADVICE}"
            ) from error
        except ValueError as error:
            self.close()
            raise InputError(
                f"{self._path}: the {self._name} sent what it never sends ({error}),"
                f" {self.progress}. {_ADVICE}"
            ) from error

    def receive(self) -> tuple[str, Any]:
        """The next message that is not about the child itself. See `messages`.

        Raises:
          InputError: the child refuses the file.
          RuntimeError: a bug of ours, with the child's traceback.
        """
        while True:
            kind, value = receive(self._connection)
            if kind == "refusal":
                raise InputError(unpack(value, str))
            if kind == "bug":
                raise RuntimeError(f"in the {self._name}:\n{unpack(value, str)}")
            if kind == "note":
                warnings.warn(unpack(value, str), stacklevel=2)
            elif kind != "busy":
                return kind, value

    def expect(self, wanted: str) -> Any:
        """The value of the next message, which is of that kind. Raises as `receive`."""
        kind, value = self.receive()
        if kind != wanted:
            raise ValueError(f"{kind!r:.20} in place of {wanted!r}")
        return value

    def send(self, kind: str, value: Any = None, data=b"") -> None:
        """Says something to the child, which listens. See `messages`.

        Whether it still does is told by what it said last, which is received next.
        """
        with suppress(ConnectionError):
            send(self._connection, kind, value, data)

    def receive_into(self, buffer) -> None:
        """Fills a buffer with what follows a message."""
        receive_bytes(self._connection, buffer)

    def _tell_end(self) -> NoReturn:
        try:
            code = self._process.wait(_GRACE)
        except subprocess.TimeoutExpired:
            code = -signal.SIGKILL
        errors = self._process.stderr.read() if code >= 0 else b""
        self.close()
        if code >= 0:
            raise RuntimeError(
                f"the {self._name} ended with code {code}:\n"
                + errors.decode(errors="replace")
            )
        raise InputError(
            f"{self._path}: the {self._name} crashed ({signal.Signals(-code).name}),"
            f" {self.progress}. {_ADVICE}"
        )


def _import_path() -> str:
    """Where this process imports from, so that the child runs the same code."""
    package = Path(__file__).parents[2]
    return os.pathsep.join([str(package), *filter(None, sys.path)])
