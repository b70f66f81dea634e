"""Crops and flips keep a clip consistent over its frames."""

import numpy as np
import pytest

from bvsrpp_jax.data.transforms import random_crop, random_flips

FRAMES = np.arange(2 * 3 * 3).reshape(2, 3, 3, 1)


def draws(transform, count=200):
    return [transform(np.random.default_rng(seed)) for seed in range(count)]


def test_crop_is_the_same_place_in_all_frames():
    for crop in draws(lambda rng: random_crop(FRAMES, 2, rng)):
        assert crop.shape == (2, 2, 2, 1)
        assert (crop[1] - crop[0] == 9).all()


def test_crops_reach_every_corner():
    corners = {
        int(crop[0, 0, 0, 0]) for crop in draws(lambda rng: random_crop(FRAMES, 2, rng))
    }
    assert corners == {0, 1, 3, 4}


def test_crop_of_a_smaller_clip_is_refused():
    with pytest.raises(ValueError, match="3x3; need 4x4"):
        random_crop(FRAMES, 4, np.random.default_rng(0))


def test_flips_are_the_eight_symmetries_of_the_square():
    flipped = draws(lambda rng: random_flips(FRAMES, rng))
    assert len({f[0].tobytes() for f in flipped}) == 8
    assert all((f[1] - f[0] == 9).all() for f in flipped)  # the same for all frames


def test_time_runs_backward_only_when_asked():
    steps = {
        int((f[1] - f[0])[0, 0, 0])
        for f in draws(lambda rng: random_flips(FRAMES, rng, time_reversal=True))
    }
    assert steps == {9, -9}
