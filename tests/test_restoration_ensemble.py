"""The mean over the symmetries of a clip."""

import numpy as np
import pytest

from bvsrpp_jax.restoration.ensemble import restore_ensemble, symmetries

FRAMES = list(np.random.default_rng(0).integers(0, 256, (3, 4, 6, 3), np.uint8))


def run(restore, count, frames=FRAMES):
    ((output, finite),) = restore_ensemble(restore, frames, count=count)
    return output, finite


def unchanged(frames):
    """A network that does nothing, a frame in a chunk."""
    for frame in frames:
        yield frame[None], np.array([True])


@pytest.mark.parametrize("count", [1, 2, 8, 16])
def test_every_symmetry_is_shown_once_and_undone(count):
    seen = set()

    def look(frames):
        seen.add(np.stack(frames).tobytes() + bytes(frames[0].shape))
        yield from unchanged(frames)

    output, finite = run(look, count)
    assert len(seen) == count
    np.testing.assert_array_equal(output, FRAMES)
    assert output.dtype == np.uint8
    assert finite.tolist() == [True] * 3


def test_the_result_is_the_mean_of_floats():
    """A network that brightens the top row by itself: rows and columns share it."""

    def brighten(frames):
        output = np.stack(frames)
        output[:, 0] += 0.5
        yield output, np.ones(len(output), bool)

    black = [np.zeros((2, 2, 3), np.float32)] * 2
    output, _ = run(brighten, 8, black)
    np.testing.assert_allclose(output, 0.25)  # each pixel in half of the cases


def test_time_runs_both_ways():
    def number(frames):
        steps = np.arange(len(frames), dtype=np.float32)
        yield np.stack(frames) + steps[:, None, None, None], np.ones(3, bool)

    black = [np.zeros((2, 2, 3), np.float32)] * 3
    np.testing.assert_allclose(run(number, 2, black)[0], 1)
    output, _ = run(number, 1, black)
    assert output[:, 0, 0, 0].tolist() == [0, 1, 2]


def test_a_frame_that_is_not_finite_in_one_result_is_not_finite():
    def spoil_first(frames):
        yield np.stack(frames), np.array([False, True, True])

    assert run(spoil_first, 1)[1].tolist() == [False, True, True]
    assert run(spoil_first, 2)[1].tolist() == [False, True, False]


def test_other_numbers_are_refused():
    with pytest.raises(ValueError, match="ensemble: 4"):
        symmetries(4)
