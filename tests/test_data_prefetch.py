"""Items arrive in order; errors and endings reach the consumer."""

import itertools

import pytest

from bvsrpp_jax.data.prefetch import Prefetch


def test_items_arrive_in_order_and_end():
    assert list(Prefetch(iter(range(20)), depth=3)) == list(range(20))


def test_an_exception_of_the_source_reaches_the_consumer():
    def source():
        yield 1
        raise KeyError("broken")

    prefetch = Prefetch(source())
    assert next(prefetch) == 1
    with pytest.raises(KeyError, match="broken"):
        next(prefetch)


def test_close_ends_the_thread_of_an_endless_source():
    prefetch = Prefetch(itertools.count(), depth=2)
    next(prefetch)
    prefetch.close()
    assert not prefetch._thread.is_alive()
