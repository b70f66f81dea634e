"""Leaving early without losing a step: SIGTERM, Ctrl-C, and runs that hang.

A run that is asked to stop finishes its step, saves and leaves. In a run of several
processes the request may reach one of them only; JAX's preemption service then names a
step that none of them has passed, and all stop there.
"""

import faulthandler
import os
import signal
import sys
import threading
from types import FrameType
from typing import Self

import jax
from jax.experimental import multihost_utils

STOPPED = 75  # exit code: stopped early, saved and resumable (EX_TEMPFAIL)
INTERRUPTED = 130  # exit code: the same, by Ctrl-C


class StopRequest:
    """Takes note of SIGTERM and Ctrl-C; a second one leaves at once.

    A context manager, for the main thread. With `multihost` SIGTERM belongs to JAX's
    preemption service, and Ctrl-C is passed on to it.
    """

    def __init__(self):
        self.exit_code = STOPPED
        self._wanted = False
        self._earlier = {}

    def __enter__(self) -> Self:
        signals = [signal.SIGINT]
        if jax.process_count() == 1:
            signals.append(signal.SIGTERM)
        self._earlier = {s: signal.signal(s, self._note) for s in signals}
        return self

    def __exit__(self, *_) -> None:
        for number, handler in self._earlier.items():
            signal.signal(number, handler)

    def reached(self, step: int) -> bool:
        """Whether to save and leave after `step`; to be asked after every step."""
        if jax.process_count() > 1:
            return multihost_utils.reached_preemption_sync_point(step)
        return self._wanted

    def _note(self, number: int, _: FrameType | None) -> None:
        if self._wanted:
            os._exit(128 + number)  # what is half written has no name yet
        self._wanted = True
        if number == signal.SIGINT:
            self.exit_code = INTERRUPTED
            if jax.process_count() > 1:
                os.kill(os.getpid(), signal.SIGTERM)
        os.write(2, b"stopping after this step; once more leaves at once\n")


class Watchdog:
    """Ends the process when no step finishes for too long.

    A peer that is alive but stuck keeps everybody waiting in a collective for ever, and
    so does a reader on a file system that hangs: nothing raises an exception there. The
    stacks of all threads go to stderr; the exit code says that the last checkpoint is
    good.

    A context manager. Args:
      seconds: longest time between two calls of `beat`, compilation included.
    """

    def __init__(self, seconds: float):
        self._seconds = seconds
        self._beat, self._left = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_) -> None:
        self._left.set()
        self.beat()
        self._thread.join()

    def beat(self) -> None:
        """Something has finished: the time starts anew."""
        self._beat.set()

    def _watch(self) -> None:
        while self._beat.wait(self._seconds):
            self._beat.clear()
            if self._left.is_set():
                return
        faulthandler.dump_traceback(all_threads=True)
        print(
            f"train.py: error: no step finished in {self._seconds:g} s"
            " (config.watchdog_seconds); the stacks are above. The same command resumes"
            " from the last checkpoint.",
            file=sys.stderr,
            flush=True,
        )
        os._exit(STOPPED)
