"""Chunk by chunk is the whole clip's result, from memory that does not grow with it."""

import jax
import numpy as np
import pytest
from golden_weights import golden_params
from stand_in import QUICKLY, tiny_network

from bvsrpp_jax.models.basicvsrpp import BasicVSRPlusPlus
from bvsrpp_jax.restoration import Restorer
from bvsrpp_jax.restoration.chunks import num_passes, restore_in_chunks
from bvsrpp_jax.restoration.programs import make_programs

X4 = BasicVSRPlusPlus(mid_channels=16, num_blocks=1)


@pytest.fixture(scope="module")
def network():
    """The recorded network, and its pieces, which all cases share."""
    return golden_params(X4, 11), make_programs(X4)


def clip(count, h=64, w=64):
    """A textured clip in [0, 1] that moves by one pixel a frame."""
    texture = np.random.default_rng(0).random((h + count, w + count, 3), np.float32)
    return [texture[i : i + h, i : i + w] for i in range(count)]


def in_chunks(network, frames, length):
    params, programs = network
    chunks = restore_in_chunks(programs, params, frames, length=length)
    outputs, finite = zip(*chunks, strict=True)
    assert np.concatenate(finite).tolist() == [True] * len(frames)
    return np.concatenate(outputs)


def at_once(network, frames):
    params, _ = network
    return jax.jit(X4.apply)({"params": params}, np.stack(frames)[None])[0]


SLOW = {"marks": pytest.mark.slow}
SIZES = [(65, 70), pytest.param((64, 64), **SLOW), pytest.param((64, 96), **SLOW)]


@pytest.fixture(scope="module", params=SIZES)
def whole(request, network):
    frames = clip(8, *request.param)
    return frames, at_once(network, frames)


@pytest.mark.parametrize(
    "length", [pytest.param(1, **SLOW), 3, pytest.param(7, **SLOW)]
)
def test_any_chunk_length_gives_the_whole_clips_result(network, whole, length):
    frames, output = whole
    ours = in_chunks(network, frames, length)
    np.testing.assert_allclose(ours, output, atol=1e-5, rtol=0)


@pytest.mark.parametrize("count", [pytest.param(1, **SLOW), 2])
def test_a_clip_shorter_than_a_chunk_is_as_if_alone(network, count):
    frames = clip(count, 65, 70)
    ours = in_chunks(network, frames, 3)
    np.testing.assert_allclose(ours, at_once(network, frames), atol=1e-5, rtol=0)


@pytest.mark.slow
def test_the_device_needs_as_much_for_200_frames_as_for_20(network):
    """No program sees the clip's length: the longer clip compiles nothing new."""
    params, programs = network
    in_chunks(network, clip(20), 5)
    compiled = [program._cache_size() for program in programs[1:]]
    restored = restore_in_chunks(programs, params, clip(200), length=5)
    assert sum(len(output) for output, _ in restored) == 200
    assert [program._cache_size() for program in programs[1:]] == compiled


GRIDS = {
    "one branch": {"branches": ("forward_1",), "scale": 2},
    "backward last": {"branches": ("forward_1", "backward_1"), "alignment": "flow"},
}


@pytest.mark.parametrize("options", GRIDS.values(), ids=GRIDS)
def test_any_grid_of_branches_goes_in_chunks_and_frame_by_frame(options):
    """A lookahead over the whole clip sees what the whole clip's result sees."""
    model, params = tiny_network(**options)
    frames = clip(4)
    apply = jax.jit(model.apply, compiler_options=QUICKLY)
    expected = apply({"params": params}, np.stack(frames)[None])[0]
    passes = []
    chunks = restore_in_chunks(
        make_programs(model), params, frames, length=3, on_pass=passes.append
    )
    ours = np.concatenate([output for output, _ in chunks])
    np.testing.assert_allclose(ours, expected, atol=1e-5, rtol=0)
    assert sum(passes) == num_passes(model.branches) * len(frames)
    live = Restorer(model, params, lookahead=3, shots=False).stream(frames)
    np.testing.assert_allclose(list(live)[:1], expected[:1], atol=1e-5, rtol=0)
