"""Window and chunk follow from the memory there is."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from stand_in import QUICKLY, TINY

from bvsrpp_jax.errors import InputError
from bvsrpp_jax.models.basicvsrpp import BasicVSRPlusPlus
from bvsrpp_jax.models.propagation import empty_carry
from bvsrpp_jax.restoration.chunks import make_programs
from bvsrpp_jax.restoration.plan import Memory, available_memory, make_plan, memory_of

MODEL = BasicVSRPlusPlus()
SIZE = (180, 320)
GIB = 2**30
PLENTY = Memory(64 * GIB, 64 * GIB)


def plan(**settings):
    settings = {"dtype": np.uint8, "available": PLENTY, **settings}
    return make_plan(MODEL, SIZE, **settings)


def needed(window, chunk, size=SIZE, dtype=np.uint8):
    return memory_of(MODEL, size, window, chunk, dtype=dtype)


def exactly(window, chunk):
    """A machine, whose device is its processor, with memory for that and no more."""
    total = sum(needed(window, chunk))
    return Memory(total, total)


def test_enough_memory_gives_the_usual_window():
    chosen = plan()
    assert (chosen.window, chosen.overlap, chosen.chunk) == (96, 6, 8)
    assert chosen.available.holds(chosen.needed)


def test_less_memory_gives_smaller_chunks_then_shorter_windows():
    for window, chunk in [(96, 4), (96, 1), (31, 1), (9, 1), (3, 1)]:
        chosen = plan(available=exactly(window, chunk))
        assert (chosen.window, chosen.chunk) == (window, chunk)
        assert chosen.available.holds(chosen.needed)
        assert 1 <= chosen.overlap <= 6
        assert chosen.window > 2 * chosen.overlap


def test_a_device_with_a_memory_of_its_own_shortens_no_window(monkeypatch):
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    small = Memory(needed(96, 1).device, needed(96, 1).host)
    assert (plan(available=small).window, plan(available=small).chunk) == (96, 1)


def test_frames_too_large_for_any_window_are_told():
    available = Memory(*[sum(needed(3, 1)) - 1] * 2)
    message = (
        r"memory: 3 frames of 320x180 need about [\d.]+ GiB on the device and [\d.]+"
        r" GiB on the host, [\d.]+ and [\d.]+ GiB can be used"
    )
    with pytest.raises(InputError, match=message):
        plan(available=available)


def test_one_frame_needs_no_window_of_three():
    chosen = plan(available=exactly(1, 1), num_frames=1)
    assert (chosen.window, chosen.overlap, chosen.chunk) == (1, 0, 1)


@pytest.mark.parametrize("count", [1, 2, 13, 96])
def test_short_clips_are_one_window(count):
    assert plan(num_frames=count).window == count


@pytest.mark.parametrize("count", [97, 100, 180, 181, 500, 1001])
def test_windows_are_no_longer_than_their_number_needs(count):
    chosen = plan(num_frames=count)
    new, most = chosen.window - 12, 96 - 12

    def number(kept):
        return -(-(count - 12) // kept)

    assert number(new) == number(most)
    assert new == 1 or number(new - 1) > number(most)


@pytest.mark.parametrize(("window", "chunk"), [(8, 8), (9, 5), (50, 8), (2, 2)])
def test_chunks_are_no_longer_than_their_number_needs(window, chunk):
    assert plan(window=window).chunk == chunk


def test_wishes_are_followed():
    chosen = plan(window=20, overlap=3, chunk=7, num_frames=100)
    assert (chosen.window, chosen.overlap, chosen.chunk) == (20, 3, 7)
    assert plan(window=9).overlap == 2
    assert plan(overlap=10).window == 96
    assert plan(overlap=60).window == 121
    with pytest.raises(InputError, match="memory: 20 frames"):
        plan(window=20, available=Memory(GIB, GIB))


@pytest.mark.parametrize("wish", [(12, 6), (0, 0), (1, 1), (5, -1), (-4, None)])
def test_wishes_that_keep_no_frame_are_refused(wish):
    window, overlap = wish
    with pytest.raises(InputError, match="window: .* keep none"):
        plan(window=window, overlap=overlap)


def test_a_chunk_without_frames_is_refused():
    with pytest.raises(InputError, match="chunk: 0 frames"):
        plan(chunk=0)


def test_sixteen_bits_and_padding_count():
    assert needed(8, 8, dtype=np.uint16) > needed(8, 8)
    assert needed(8, 8, (1, 1)) == needed(8, 8, (64, 64))


def test_the_estimate_is_above_what_the_programs_ask_for():
    model, length = BasicVSRPlusPlus(**TINY), 4
    programs = make_programs(model)
    frames = jax.ShapeDtypeStruct((length + 1, 64, 64, 3), jnp.uint8)
    lq = jax.ShapeDtypeStruct((1, 2, 64, 64, 3), jnp.float32)
    params = jax.eval_shape(model.init, jax.random.key(0), lq)["params"]
    feat, flow, _ = jax.eval_shape(programs.encode, params, frames)
    carry = jax.eval_shape(empty_carry, feat)
    calls = [
        programs.encode.lower(params, frames),
        programs.propagate.lower("forward_2", params, (feat,) * 4, flow, carry),
        programs.reconstruct.lower(
            params, jax.ShapeDtypeStruct((length, 64, 64, 3), jnp.uint8), (feat,) * 5
        ),
    ]
    asked = []
    for call in calls:
        memory = call.compile(compiler_options=QUICKLY).memory_analysis()
        results = memory.output_size_in_bytes
        asked.append(memory.temp_size_in_bytes + 2 * results)
        asked[-1] += memory.argument_size_in_bytes
    estimate = memory_of(model, (64, 64), length, length, dtype=np.uint8).device
    assert 0.3 * estimate < max(asked) < estimate


def test_this_machine_has_memory():
    for size in available_memory():
        assert 2**20 < size < 2**50
