"""Runs an iterator in a thread of its own, a few items ahead of whoever uses them."""

import queue
import threading
from collections.abc import Iterable, Iterator
from typing import Generic, Self, TypeVar

Item = TypeVar("Item")
_POLL = 0.1  # seconds between looks at whether anyone still wants items


class Background(Iterator[Item], Generic[Item]):
    """The items of an iterable, made in a daemon thread; its exceptions come along.

    Used as a context manager it waits for the thread when it is left; with
    `contextlib.closing` it does not, for threads that may be busy for minutes.

    Args:
      items: iterated over in the thread.
      ahead: how many items may wait to be used.
    """

    def __init__(self, items: Iterable[Item], *, ahead: int):
        self._queue = queue.Queue(maxsize=ahead)
        self._closed = threading.Event()
        self._end: BaseException | None = None
        self._thread = threading.Thread(target=self._run, args=(items,), daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_) -> None:
        self.close()
        self._thread.join()

    def close(self) -> None:
        """Stops the thread at its next item, and whoever waits for one."""
        self._closed.set()

    def __next__(self) -> Item:
        if self._end is not None:
            raise self._end
        while not self._closed.is_set():
            try:
                item, self._end = self._queue.get(timeout=_POLL)
            except queue.Empty:
                continue
            if self._end is not None:
                raise self._end
            return item
        raise RuntimeError("the items are no longer wanted")

    def _run(self, items: Iterable[Item]) -> None:
        try:
            for item in items:
                if not self._put(item, None):
                    return
            self._put(None, StopIteration())
        except BaseException as error:
            self._put(None, error)  # raised again by whoever uses the items

    def _put(self, item: Item | None, end: BaseException | None) -> bool:
        """Hands an entry over; False when nobody wants it any more."""
        while not self._closed.is_set():
            try:
                self._queue.put((item, end), timeout=_POLL)
            except queue.Full:
                continue
            return True
        return False
