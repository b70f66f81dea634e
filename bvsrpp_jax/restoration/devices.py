"""Work for every device: one piece at a time on each, results in order."""

import queue
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Self, TypeVar

import jax

Result = TypeVar("Result")


class Devices:
    """A thread for each device, which takes the next piece of work when it is free.

    A context manager: leaving it drops what has not begun and waits for what has.

    Args:
      devices: at least one.
    """

    def __init__(self, devices: Sequence[jax.Device]):
        self._free = queue.SimpleQueue()
        for device in devices:
            self._free.put(device)
        self._pool = ThreadPoolExecutor(len(devices), thread_name_prefix="restore")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)

    def submit(self, work: Callable[..., Result], *arguments: Any) -> "Future[Result]":
        """Calls `work(device, *arguments)` on the next device that is free."""
        return self._pool.submit(self._run, work, arguments)

    def _run(self, work: Callable[..., Result], arguments: tuple) -> Result:
        device = self._free.get()  # as many threads as devices: one is free
        try:
            return work(device, *arguments)
        finally:
            self._free.put(device)
