"""Frame by frame: as late as promised, and the whole clip's result when it is seen."""

import jax
import numpy as np
import pytest
from stand_in import QUICKLY, tiny_network

from bvsrpp_jax.restoration import Restorer

COUNT = 5


@pytest.fixture(scope="module")
def network():
    return tiny_network()


@pytest.fixture(scope="module")
def clip():
    texture = np.random.default_rng(0).random((64 + COUNT, 64 + COUNT, 3), np.float32)
    return [texture[i : i + 64, i : i + 64] for i in range(COUNT)]


@pytest.fixture(scope="module")
def live(network):
    return Restorer(*network, lookahead=2, shots=False)


def whole(network, frames):
    model, params = network
    apply = jax.jit(model.apply, compiler_options=QUICKLY)
    return apply({"params": params}, np.stack(frames)[None])[0]


def test_the_last_frames_before_the_end_are_as_in_a_clip_so_short(network, live, clip):
    """Nothing comes after what they wait for: the whole network's result."""
    output = list(live.stream(clip[:3]))
    np.testing.assert_allclose(output, whole(network, clip[:3]), atol=1e-5)


def test_a_frame_depends_on_so_many_after_it_and_no_more(live, clip):
    output = list(live.stream(clip))
    changed = [*clip[:3], 1 - clip[3], *clip[4:]]
    for i, (ours, theirs) in enumerate(zip(output, live.stream(changed), strict=True)):
        assert np.array_equal(ours, theirs) == (i < 1)


def test_a_frame_comes_when_so_many_after_it_have(live, clip):
    taken = []

    def frames():
        for index, frame in enumerate(clip):
            taken.append(index)
            yield frame

    due = [(len(taken), i) for i, _ in enumerate(live.stream(frames()))]
    assert due == [(3, 0), (4, 1), (5, 2), (5, 3), (5, 4)]
