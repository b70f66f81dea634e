"""All checks, in the order in which their facts are of use."""

from collections.abc import Iterator

from bvsrpp_jax.doctor.cache import cache
from bvsrpp_jax.doctor.codecs import codecs
from bvsrpp_jax.doctor.devices import devices
from bvsrpp_jax.doctor.facts import Fact, attempt
from bvsrpp_jax.doctor.machine import machine
from bvsrpp_jax.doctor.self_test import self_test
from bvsrpp_jax.doctor.versions import versions


def examine() -> Iterator[Fact]:
    """Runs every check; the last ones restore and encode a few small frames."""
    yield from versions()
    yield from machine()
    found = list(devices())
    yield from found
    yield from codecs()
    yield attempt("cache", cache)  # before anything is compiled
    yield from self_test(network=not any(fact.broken for fact in found))
