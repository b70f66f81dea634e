"""The output has the size that was asked for, and the picture its shape."""

import warnings
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from test_media_writer import INFO

from bvsrpp_jax.errors import InputError
from bvsrpp_jax.media.clip import Frame
from bvsrpp_jax.media.resizing import resize, sized

FULL_HD = replace(INFO, width=1920, height=1080)


def lanczos(x: np.ndarray, length: int, axis: int) -> np.ndarray:
    """By its definition, in float64: sinc(k) sinc(k / 3), stretched when it shrinks."""
    stretch = max(1, x.shape[axis] / length)
    middles = (np.arange(length) + 0.5) * x.shape[axis] / length - 0.5
    k = (np.arange(x.shape[axis]) - middles[:, None]) / stretch
    taps = np.where(np.abs(k) < 3, np.sinc(k) * np.sinc(k / 3), 0)
    taps /= taps.sum(1, keepdims=True)
    return np.moveaxis(np.tensordot(taps, np.moveaxis(x, axis, 0), 1), 0, axis)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("size", [(30, 20), (64, 96), (101, 31)])
def test_frames_are_resampled_to_within_half_a_code(dtype, size):
    peak = np.iinfo(dtype).max
    pixels = np.random.default_rng(0).integers(0, peak, (48, 64, 3), dtype, True)
    width, height = size
    exact = lanczos(lanczos(pixels.astype(float), height, 0), width, 1).clip(0, peak)
    done = resize(Frame(pixels, 7, 2), replace(INFO, width=width, height=height))
    assert done.pixels.dtype == dtype
    assert (done.pts, done.duration) == (7, 2)
    # float32 adds a hundredth of a code to 16 bits
    assert np.abs(done.pixels - exact).max() < 0.52


def test_flat_frames_stay_flat():
    pixels = np.full((48, 64, 3), (0, 128, 255), np.uint8)
    done = resize(Frame(pixels, 0), replace(INFO, width=50, height=20)).pixels
    assert (done == (0, 128, 255)).all()


def test_a_frame_of_that_size_is_left_alone():
    frame = Frame(np.zeros((48, 64, 3), np.uint8), 0)
    assert resize(frame, INFO) is frame


@pytest.mark.parametrize(
    ("before", "pixel", "size", "after", "aspect"),
    [
        ((2560, 1440), 1, (1920, 1080), (1920, 1080), 1),
        ((3416, 1920), 1, (1920, 1080), (1920, 1080), 1),  # 854x480 is meant as 16:9
        ((2880, 1920), Fraction(8, 9), (1440, 1080), (1440, 1080), 1),
        ((2880, 1920), Fraction(8, 9), (None, 1080), (1440, 1080), 1),
        ((2560, 1440), 1, (1001, None), (1001, 564), 1),
        ((10, 4000), 1, (None, 16), (2, 16), 1),
    ],
)
def test_the_picture_keeps_its_shape(before, pixel, size, after, aspect):
    width, height = before
    info = replace(INFO, width=width, height=height, sample_aspect_ratio=pixel)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        done = sized(info, size)
    assert (done.width, done.height) == after
    assert done.sample_aspect_ratio == aspect


@pytest.mark.parametrize("size", [(0, 10), (10, -1), (16385, 10), (None, 16000)])
def test_sizes_out_of_range(size):
    with pytest.raises(InputError, match="size: .* is out of range. Give sides from 1"):
        sized(FULL_HD, size)


def test_pixels_that_are_not_square_are_told():
    with pytest.warns(UserWarning, match="1440x1080 is not its shape. .* 4:3, show it"):
        done = sized(FULL_HD, (1440, 1080))
    assert done.sample_aspect_ratio == Fraction(4, 3)
    assert Fraction(1440, 1080) * done.sample_aspect_ratio == Fraction(16, 9)


def test_aspects_stay_within_what_streams_can_say():
    with pytest.warns(UserWarning, match="is not its shape"):
        aspect = sized(FULL_HD, (9973, 9967)).sample_aspect_ratio
    assert aspect.denominator <= 4096
    assert abs(aspect / (Fraction(16, 9) * 9967 / 9973) - 1) < 1e-6
