"""Short of memory, chunks are halved, and no frame is lost or restored twice."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from media_files import pictures
from stand_in import StandIn

from bvsrpp_jax.errors import InputError
from bvsrpp_jax.restoration import Restorer, engine

COMPILE = engine.compile_programs


def larger(frames):
    return frames.repeat(4, 1).repeat(4, 2)


@pytest.fixture
def short_of_memory(monkeypatch):
    """Makes every call but the first of a large chunk fail, as a full device does."""

    def shorten(largest, message="RESOURCE_EXHAUSTED: Out of memory"):
        lengths = []

        def compile_programs(*arguments, chunk, **options):
            lengths.append(chunk)
            programs, needed = COMPILE(*arguments, chunk=chunk, **options)
            calls = []

            def reconstruct(*inputs):
                calls.append(inputs)
                if chunk > largest and len(calls) > 1:
                    raise jax.errors.JaxRuntimeError(message)
                return programs.reconstruct(*inputs)

            return programs._replace(reconstruct=reconstruct), needed

        monkeypatch.setattr(engine, "compile_programs", compile_programs)
        return lengths

    return shorten


def test_chunks_are_halved_until_they_fit(short_of_memory):
    lengths = short_of_memory(2)
    frames = pictures(11)
    restorer = Restorer(StandIn(), jnp.float32(1), window=11, chunk=8)
    with pytest.warns(UserWarning, match="short of memory: chunks of [24] frames"):
        output = list(restorer.stream(frames))
    np.testing.assert_array_equal(output, larger(frames))
    assert lengths == [8, 4, 2]


def test_what_did_not_fit_once_is_not_tried_again(short_of_memory):
    lengths = short_of_memory(2)
    restorer = Restorer(
        StandIn(), jnp.float32(1), window=8, overlap=1, chunk=8, shots=False
    )
    frames = pictures(20)
    with pytest.warns(UserWarning, match="short of memory") as notes:
        output = list(restorer.stream(frames))
    np.testing.assert_array_equal(output, larger(frames))
    assert lengths == [8, 4, 2]
    assert len(notes) == 2  # 8 to 4 and 4 to 2, whatever the number of windows


def test_not_even_one_frame_is_told(short_of_memory):
    short_of_memory(0)
    restorer = Restorer(StandIn(), jnp.float32(1), chunk=2)
    with (
        pytest.warns(UserWarning, match="chunks of 1 frames instead of 2"),
        pytest.raises(InputError, match="memory: one frame of 64x48 does not fit"),
    ):
        list(restorer.stream(pictures(5)))


def test_other_failures_are_not_hidden(short_of_memory):
    short_of_memory(0, "INTERNAL: a cable is loose")
    restorer = Restorer(StandIn(), jnp.float32(1), chunk=2)
    with pytest.raises(jax.errors.JaxRuntimeError, match="a cable is loose"):
        list(restorer.stream(pictures(5)))


def test_what_compiled_programs_ask_for_counts(monkeypatch):
    """The estimate was too low: the compiled programs say so before they run."""
    lengths = []

    def compile_programs(*arguments, chunk, **options):
        lengths.append(chunk)
        return COMPILE(*arguments, chunk=chunk, **options)[0], chunk << 30

    monkeypatch.setattr(engine, "compile_programs", compile_programs)
    restorer = Restorer(StandIn(), jnp.float32(1), chunk=8, memory=3 << 30)
    frames = pictures(9)
    with pytest.warns(UserWarning, match="short of memory"):
        output = list(restorer.stream(frames))
    np.testing.assert_array_equal(output, larger(frames))
    assert lengths == [8, 4, 2]


@pytest.fixture
def live(monkeypatch):
    """A restorer of lookahead 1 whose programs ask for 2 MiB, and may fail later."""
    compile_live = engine.compile_live_programs

    def prepare(*, memory, message=None):
        def compile_live_programs(*arguments, **options):
            programs, _ = compile_live(*arguments, **options)

            def reconstruct(*inputs):
                if message is not None:
                    raise jax.errors.JaxRuntimeError(message)
                return programs.reconstruct(*inputs)

            return programs._replace(reconstruct=reconstruct), 2 << 20

        monkeypatch.setattr(engine, "compile_live_programs", compile_live_programs)
        return Restorer(StandIn(), jnp.float32(1), lookahead=1, memory=memory)

    return prepare


def test_live_programs_say_what_they_ask_for(live):
    restorer = live(memory=64 << 20)
    frames = pictures(3)
    np.testing.assert_array_equal(list(restorer.stream(frames)), larger(frames))
    assert restorer.bytes_asked() == 2 << 20


FAR = (
    "memory: a lookahead of 1 frames of 64x48 does not fit on .*; the programs ask for"
)


def test_live_programs_that_ask_for_more_than_there_is_are_refused(live):
    """No smaller ones would see as far ahead."""
    restorer = live(memory=64 << 20)
    plan = restorer.plan((48, 64))
    plan = replace(plan, available=plan.available._replace(device=(2 << 20) - 1))
    with pytest.raises(InputError, match=FAR):
        list(restorer.stream(pictures(3), plan=plan))


def test_a_device_that_is_full_in_live_use_is_told(live):
    restorer = live(memory=64 << 20, message="RESOURCE_EXHAUSTED: Out of memory")
    with pytest.raises(InputError, match=f"{FAR} 2 MiB"):
        list(restorer.stream(pictures(3)))
    restorer = live(memory=64 << 20, message="INTERNAL: a cable is loose")
    with pytest.raises(jax.errors.JaxRuntimeError, match="a cable is loose"):
        list(restorer.stream(pictures(3)))


def test_a_lookahead_that_cannot_be_compiled_is_told(live, monkeypatch):
    def fail(*_, **__):
        raise jax.errors.JaxRuntimeError("RESOURCE_EXHAUSTED: while compiling")

    restorer = live(memory=64 << 20)
    monkeypatch.setattr(engine, "compile_live_programs", fail)
    with pytest.raises(InputError, match=r"does not fit on .* .64 MiB can be used"):
        list(restorer.stream(pictures(3)))
