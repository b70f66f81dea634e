"""Makes batches in a background thread while the device computes."""

import queue
import threading
from collections.abc import Iterator
from typing import TypeVar

Item = TypeVar("Item")


class Prefetch(Iterator[Item]):
    """Iterates ahead of its consumer, by up to `depth` items.

    An exception of the source is raised in the consumer. The thread is a daemon and
    ends with `close`.
    """

    def __init__(self, source: Iterator[Item], *, depth: int = 4):
        self._queue: queue.Queue = queue.Queue(depth)
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._fill, args=(source,), daemon=True)
        self._thread.start()

    def __next__(self) -> Item:
        item, error = self._queue.get()
        if error is not None:
            raise error
        return item

    def close(self) -> None:
        """Ends the thread."""
        self._closed.set()
        while self._thread.is_alive():
            try:
                self._queue.get(timeout=0.05)
            except queue.Empty:
                continue

    def _fill(self, source: Iterator[Item]) -> None:
        error: BaseException = StopIteration()
        try:
            for item in source:
                self._queue.put((item, None))
                if self._closed.is_set():
                    return
        except Exception as failure:  # told to the consumer, not swallowed
            error = failure
        self._queue.put((None, error))
