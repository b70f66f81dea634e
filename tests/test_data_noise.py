"""Noise of the denoising recipe: one strength a clip, neither clipped nor rounded."""

import numpy as np
import pytest

from bvsrpp_jax.data.noise import add_noise

GREY = np.full((4, 32, 32, 3), 128, np.uint8)


def whole(*args, **options):
    return np.stack(list(add_noise(*args, **options)))


def noise(frames=GREY, *, seed=0, **options):
    """What is added, in levels."""
    noisy = whole(frames, np.random.default_rng(seed), **options)
    assert noisy.dtype == np.float32
    return 255 * noisy - frames


def test_all_frames_of_a_clip_have_one_strength_and_noise_of_their_own():
    for seed in range(5):
        strengths = noise(seed=seed).std(axis=(1, 2, 3))
        assert strengths == pytest.approx(strengths.mean(), rel=0.05)
    added = noise(sigma=(20, 20))
    assert added.std() == pytest.approx(20, rel=0.02)
    assert abs(added.mean()) < 0.5
    assert len({frame.tobytes() for frame in added}) == len(added)


def test_strengths_are_spread_evenly_over_the_paper_s_range():
    strengths = np.sort([noise(GREY[:1], seed=seed).std() for seed in range(400)])
    expected = 50 * (np.arange(400) + 0.5) / 400
    # Kolmogorov-Smirnov: one in a thousand uniform samples is further off.
    assert np.abs(strengths - expected).max() / 50 < 1.95 / np.sqrt(400)


def test_noise_is_neither_clipped_nor_rounded():
    noisy = whole(np.zeros_like(GREY), np.random.default_rng(0), sigma=(50, 50))
    assert noisy.min() < -0.5
    assert np.abs(255 * noisy - np.round(255 * noisy)).max() > 0.4


def test_channels_differ():
    added = noise(sigma=(20, 20))
    assert np.abs(np.corrcoef(added.reshape(-1, 3).T) - np.eye(3)).max() < 0.05


def test_floats_are_taken_as_they_are():
    floats = GREY / np.float32(255)
    both = [whole(x, np.random.default_rng(0)) for x in (GREY, floats)]
    np.testing.assert_array_equal(*both)


def test_no_noise_leaves_the_frames_alone():
    np.testing.assert_allclose(noise(sigma=(0, 0)), 0, atol=1e-4)


@pytest.mark.parametrize("sigma", [(-1, 5), (9, 5)])
def test_an_impossible_range_is_refused(sigma):
    with pytest.raises(ValueError, match="lowest <= highest"):
        noise(sigma=sigma)
