"""The window follows from the memory there is."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from stand_in import QUICKLY, TINY

from bvsrpp_jax.errors import InputError
from bvsrpp_jax.models.basicvsrpp import BasicVSRPlusPlus
from bvsrpp_jax.restoration.plan import available_memory, make_plan, memory_of

MODEL = BasicVSRPlusPlus()
SIZE = (180, 320)
GIB = 2**30


def plan(**settings):
    settings = {"dtype": np.uint8, "available": 64 * GIB, **settings}
    return make_plan(MODEL, SIZE, **settings)


def test_enough_memory_gives_the_usual_window():
    chosen = plan()
    assert (chosen.window, chosen.overlap) == (32, 6)
    assert chosen.needed < chosen.available == 64 * GIB


def test_less_memory_gives_shorter_windows_that_fit():
    once, each = memory_of(MODEL, SIZE, dtype=np.uint8)
    for frames in (3, 4, 5, 9, 20, 31):
        chosen = plan(available=once + frames * each)
        assert chosen.window == frames
        assert chosen.needed <= chosen.available
        assert 1 <= chosen.overlap <= 6
        assert chosen.window > 2 * chosen.overlap


def test_frames_too_large_for_any_window_are_told():
    once, each = memory_of(MODEL, SIZE, dtype=np.uint8)
    message = r"memory: 3 frames of 320x180 need about [\d.]+ GiB, [\d.]+ GiB can be"
    with pytest.raises(InputError, match=message):
        plan(available=once + 3 * each - 1)


def test_one_frame_needs_no_window_of_three():
    once, each = memory_of(MODEL, SIZE, dtype=np.uint8)
    chosen = plan(available=once + each, num_frames=1)
    assert (chosen.window, chosen.overlap) == (1, 0)


@pytest.mark.parametrize("count", [1, 2, 13, 32])
def test_short_clips_are_one_window(count):
    assert plan(num_frames=count).window == count


@pytest.mark.parametrize("count", [33, 40, 52, 53, 100, 1001])
def test_windows_are_no_longer_than_their_number_needs(count):
    chosen = plan(num_frames=count)
    new, most = chosen.window - 12, 32 - 12

    def number(kept):
        return -(-(count - 12) // kept)

    assert number(new) == number(most)
    assert new == 1 or number(new - 1) > number(most)


def test_wishes_are_followed():
    chosen = plan(window=20, overlap=3, num_frames=100)
    assert (chosen.window, chosen.overlap) == (20, 3)
    assert plan(window=9).overlap == 2
    assert plan(overlap=10).window == 32
    with pytest.raises(InputError, match="memory: 20 frames"):
        plan(window=20, available=GIB)


@pytest.mark.parametrize("wish", [(12, 6), (0, 0), (1, 1), (5, -1), (-4, None)])
def test_wishes_that_keep_no_frame_are_refused(wish):
    window, overlap = wish
    with pytest.raises(InputError, match="window: .* keep none"):
        plan(window=window, overlap=overlap)


def test_sixteen_bits_and_padding_count():
    _, eight = memory_of(MODEL, SIZE, dtype=np.uint8)
    _, sixteen = memory_of(MODEL, SIZE, dtype=np.uint16)
    assert sixteen > eight
    assert memory_of(MODEL, (1, 1), dtype=np.uint8) == memory_of(
        MODEL, (64, 64), dtype=np.uint8
    )


def test_the_estimate_is_above_what_the_program_asks_for():
    model = BasicVSRPlusPlus(**TINY)
    frames = 4
    lq = jax.ShapeDtypeStruct((1, frames, 64, 64, 3), jnp.float32)
    params = jax.eval_shape(model.init, jax.random.key(0), lq)
    lowered = jax.jit(model.apply).lower(params, lq)
    compiled = lowered.compile(compiler_options=QUICKLY)  # of the same memory
    asked = compiled.memory_analysis().temp_size_in_bytes
    once, each = memory_of(model, (64, 64), dtype=np.uint8)
    assert 0.3 * (once + frames * each) < asked < once + frames * each


def test_this_machine_has_memory():
    assert 2**20 < available_memory() < 2**50
