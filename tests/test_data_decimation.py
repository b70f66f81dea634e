"""A window of degraded frames equals that window of all of them, to the last bit."""

import numpy as np
import pytest

from bvsrpp_jax.data.degradations import (
    bicubic_downsample,
    bicubic_resize,
    blur_downsample,
)


def pictures(height, width, frames=2):
    """Noise, and hard black and white, where values half-way between levels abound."""
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 256, (frames, height, width, 3), np.uint8)
    hard = np.where(rng.random((frames, height, width, 3)) < 0.5, 0, 255)
    steps = 255 * (np.arange(width) % 24 < 12)
    return [noise, hard.astype(np.uint8), np.uint8(noise * 0 + steps[:, None])]


@pytest.mark.parametrize("degrade", [bicubic_downsample, blur_downsample])
@pytest.mark.parametrize(("height", "width"), [(72, 88), (41, 50), (47, 63), (8, 9)])
def test_every_window_equals_that_of_the_whole(degrade, height, width):
    for picture in pictures(height, width):
        whole = degrade(picture)
        rows, columns = whole.shape[1:3]
        for y in {0, 1, rows // 2, rows - 2, rows - 1}:
            for x in {0, 1, columns // 2, columns - 1}:
                for size in (1, 5):
                    window = (
                        slice(y, min(y + size, rows)),
                        slice(x, min(x + size, columns)),
                    )
                    part = degrade(picture, window=window)
                    np.testing.assert_array_equal(part, whole[:, *window])


@pytest.mark.parametrize("scale", [2, 3, 4, 8])
def test_bicubic_in_eight_bits_is_matlab_s_rounded_half_up(scale):
    for picture in pictures(45, 58):
        exact = bicubic_resize(picture.astype(np.float64), 1 / scale)
        halves = np.abs(exact - np.floor(exact) - 0.5) < 1e-9
        rounded = np.where(halves, np.ceil(exact), np.round(exact)).clip(0, 255)
        np.testing.assert_array_equal(bicubic_downsample(picture, scale), rounded)


def test_half_way_values_are_rounded_up_everywhere():
    # Columns of 0 and 255 by turns: every bicubic pixel is 127.5.
    picture = np.uint8(255 * (np.arange(64) % 2)) * np.ones((32, 1), np.uint8)
    small = bicubic_downsample(picture[..., None].repeat(3, -1))
    assert (small[:, 2:-2] == 128).all()


def test_a_window_outside_is_refused():
    picture = np.zeros((16, 16, 3), np.uint8)
    for window in [slice(0, 5), slice(4, 5), slice(2, 2), slice(0, 4, 2)]:
        with pytest.raises(ValueError, match="the result has 4 pixels"):
            blur_downsample(picture, window=(window, slice(None)))


def test_bicubic_in_eight_bits_refuses_floats():
    with pytest.raises(ValueError, match="uint8"):
        bicubic_downsample(np.zeros((16, 16, 3)))
