"""H.264 on the fly: a real one, repeatable, of the quality and colour asked for."""

import numpy as np
import pytest

from bvsrpp_jax.data.compression import compress_h264


def clip(frames=6, size=48):
    """A pattern that moves by one pixel a frame."""
    y, x = np.mgrid[: size + frames, :size]
    wide = 128 + 60 * np.sin(x / 5) + 50 * np.cos(y / 3)
    picture = np.stack([wide, wide[::-1], 255 - wide], -1).clip(0, 255).astype(np.uint8)
    return np.stack([picture[t : t + size] for t in range(frames)])


def compress(frames, crf, seed=0):
    return compress_h264(frames, np.random.default_rng(seed), crf=(crf, crf))


def error(frames, crf):
    return np.abs(compress(frames, crf).astype(int) - frames).mean()


def test_the_same_clip_and_quality_give_the_same_pixels():
    np.testing.assert_array_equal(compress(clip(), 28), compress(clip(), 28))


def test_frames_keep_their_number_order_and_type():
    # With 12 frames the encoder sends some before those that they are shown after.
    frames = clip(frames=12)
    decoded = compress(frames, 10)
    assert decoded.dtype == np.uint8
    distance = np.abs(decoded[:, None].astype(int) - frames[None]).mean(axis=(2, 3, 4))
    assert distance.argmin(axis=1).tolist() == list(range(12))


def test_a_single_frame_works():
    assert compress(clip(frames=1), 20).shape == (1, 48, 48, 3)


def test_quality_falls_with_the_rate_factor():
    errors = [error(clip(), crf) for crf in (10, 25, 40)]
    assert errors[0] < 3
    assert errors[0] < errors[1] < errors[2]
    assert errors[2] > 6


@pytest.mark.parametrize(
    "color", [(200, 30, 60), (20, 180, 90), (0, 0, 255), (255,) * 3]
)
def test_colours_come_back(color):
    frames = np.full((2, 32, 32, 3), color, np.uint8)
    assert np.abs(compress(frames, 10).astype(int) - frames).max() <= 2


def test_the_quality_is_drawn_from_the_whole_range():
    frames = clip(frames=2, size=32)
    fixed = {compress(frames, crf).tobytes() for crf in (24, 25, 26)}
    assert len(fixed) == 3
    drawn = {
        compress_h264(frames, np.random.default_rng(seed), crf=(24, 26)).tobytes()
        for seed in range(20)
    }
    assert drawn == fixed


def test_floats_are_clipped_and_rounded_first():
    frames = clip()
    frames[0, :8, :8] = 255
    floats = frames / np.float32(255) - np.float32(0.001)
    floats[0, :8, :8] = 1.2
    np.testing.assert_array_equal(compress(floats, 20), compress(frames, 20))


@pytest.mark.parametrize("crf", [(-1, 20), (30, 20), (20, 52)])
def test_an_impossible_quality_is_refused(crf):
    with pytest.raises(ValueError, match="best <= worst <= 51"):
        compress_h264(clip(), np.random.default_rng(0), crf=crf)


def test_odd_sides_are_refused():
    with pytest.raises(ValueError, match="47x48; yuv420p needs even sides"):
        compress(clip()[:, :, 1:], 20)
