"""Crops and flips keep a clip consistent over its frames."""

import numpy as np
import pytest

from bvsrpp_jax.data.transforms import (
    Flips,
    draw_flips,
    draw_window,
    flip,
    mirror,
    scale_window,
)

FRAMES = np.arange(2 * 3 * 3).reshape(2, 3, 3, 1)


def draws(draw, count=200):
    return [draw(np.random.default_rng(seed)) for seed in range(count)]


def test_windows_reach_every_place_of_their_size():
    windows = draws(lambda rng: draw_window(3, 4, 2, rng))
    assert {(rows.start, columns.start) for rows, columns in windows} == {
        (y, x) for y in range(2) for x in range(3)
    }
    assert {s.stop - s.start for window in windows for s in window} == {2}


def test_a_window_of_larger_frames_covers_the_same_place():
    window = (slice(1, 3), slice(0, 2))
    assert scale_window(window, 4) == (slice(4, 12), slice(0, 8))


def test_a_window_larger_than_the_frames_is_refused():
    with pytest.raises(ValueError, match="3x2; need 3x3"):
        draw_window(2, 3, 3, np.random.default_rng(0))


def test_flips_are_the_eight_symmetries_of_the_square():
    flipped = draws(lambda rng: flip(FRAMES, draw_flips(rng)))
    assert len({f[0].tobytes() for f in flipped}) == 8
    assert all((f[1] - f[0] == 9).all() for f in flipped)  # the same for all frames


def test_each_flip_is_drawn_half_of_the_time():
    drawn = np.array(draws(lambda rng: draw_flips(rng, time_reversal=True), 400))
    assert np.abs(drawn.mean(axis=0) - 0.5).max() < 0.1  # four deviations


def test_flips_do_what_they_are_called():
    first = FRAMES[0, ..., 0]
    for flips, expected in [
        (Flips(True, False, False), first[:, ::-1]),
        (Flips(False, True, False), first[::-1]),
        (Flips(False, False, True), first.T),
        (Flips(True, False, True), first[:, ::-1].T),
    ]:
        np.testing.assert_array_equal(flip(FRAMES, flips)[0, ..., 0], expected)


@pytest.mark.parametrize("time_reversal", [False, True])
def test_time_runs_backward_only_when_asked(time_reversal):
    flipped = draws(
        lambda rng: flip(FRAMES, draw_flips(rng, time_reversal=time_reversal))
    )
    steps = {int((f[1] - f[0])[0, 0, 0]) for f in flipped}
    assert steps == ({9, -9} if time_reversal else {9})


def test_a_mirrored_clip_runs_forth_and_back():
    assert mirror(np.arange(3)).tolist() == [0, 1, 2, 2, 1, 0]
