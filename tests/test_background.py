"""Items made in another thread: in order, bounded, with their exceptions."""

import threading
import time
from contextlib import closing

import pytest

from bvsrpp_jax.background import Background


def test_items_come_in_order_from_another_thread():
    def items():
        for index in range(50):
            yield index, threading.get_ident()

    with Background(items(), ahead=3) as background:
        made = list(background)
    assert [index for index, _ in made] == list(range(50))
    assert {thread for _, thread in made} != {threading.get_ident()}


def test_exceptions_come_along_after_the_items_before_them():
    def items():
        yield 1
        raise KeyError("frame 2")

    with Background(items(), ahead=3) as background:
        assert next(background) == 1
        for _ in range(2):  # and stay
            with pytest.raises(KeyError, match="frame 2"):
                next(background)


def test_no_more_items_than_asked_for_are_made_ahead():
    made = []

    def items():
        for index in range(100):
            made.append(index)
            yield index

    with Background(items(), ahead=4) as background:
        for index in background:
            time.sleep(0.001)
            assert len(made) <= index + 1 + 4 + 1  # and one in the maker's hand


def test_leaving_early_ends_the_thread():
    def items():
        while True:
            yield 0

    before = threading.active_count()
    with Background(items(), ahead=2) as background:
        next(background)
    assert threading.active_count() == before


def test_closing_does_not_wait_for_a_busy_thread():
    release = threading.Event()

    def items():
        yield 0
        release.wait(60)

    began = time.monotonic()
    with closing(Background(items(), ahead=2)) as background:
        next(background)
    assert time.monotonic() - began < 5
    release.set()


def test_closing_releases_whoever_waits():
    """A chain of two threads: closing the first ends the second."""
    release = threading.Event()

    def slow():
        yield 0
        release.wait(60)

    first = Background(slow(), ahead=1)
    ended = threading.Event()

    def consume():
        try:
            yield from first
        finally:
            ended.set()

    second = Background(consume(), ahead=1)
    assert next(second) == 0
    first.close()
    assert ended.wait(5)
    with pytest.raises(RuntimeError, match="no longer wanted"):
        next(second)
    release.set()
