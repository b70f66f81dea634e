"""Frames of three kinds go in and come out as they are."""

import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image

from bvsrpp_jax.restoration.codes import (
    check_frame,
    check_frames,
    from_float,
    to_float,
)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_every_code_survives_the_way_there_and_back(dtype):
    codes = np.arange(np.iinfo(dtype).max + 1).astype(dtype)
    values = to_float(jnp.asarray(codes))
    assert (values[0], values[-1], values.dtype) == (0, 1, jnp.float32)
    np.testing.assert_array_equal(from_float(values, dtype), codes)


def test_codes_are_rounded_and_clipped():
    values = jnp.array([-1.0, 0.499 / 255, 0.501 / 255, 1.5])
    assert from_float(values, np.uint8).tolist() == [0, 0, 1, 255]


def test_floats_are_left_alone():
    values = jnp.array([-1.0, 0.3, 1.5])
    np.testing.assert_array_equal(to_float(values), values)
    np.testing.assert_array_equal(from_float(values, np.float32), values)


@pytest.mark.parametrize(
    "odd", [np.zeros((4, 5, 3), np.uint8), np.zeros((4, 4, 3), np.float32)]
)
def test_frames_that_differ_are_named(odd):
    first = np.zeros((4, 4, 3), np.uint8)
    with pytest.raises(ValueError, match="frame 2: .* the first is"):
        list(check_frames(first, [first, odd]))


@pytest.mark.parametrize(
    ("frame", "advice"),
    [
        (np.zeros((3, 8, 9), np.uint8), "transpose"),
        (np.zeros((8, 9, 4), np.uint8), "alpha"),
        (np.zeros((8, 9, 1), np.uint8), "grey"),
        (np.zeros((8, 9), np.uint8), "grey"),
        (np.zeros((2, 8, 9, 3), np.uint8), "one clip at a time"),
        (np.zeros((8, 9, 3), np.int32), "Convert"),
        (np.zeros((0, 9, 3), np.uint8), "no pixels"),
        (None, "iterable of such arrays"),
    ],
)
def test_what_is_no_rgb_frame_is_refused_with_what_to_do(frame, advice):
    with pytest.raises(ValueError, match=f"^frame: .*{advice}"):
        check_frame(frame)


def test_what_holds_pixels_is_taken():
    for frame in (Image.new("RGB", (9, 8)), [[[0.5] * 3] * 9] * 8):
        assert check_frame(frame).shape == (8, 9, 3)


@pytest.mark.parametrize("peak", [255, -20, np.inf])
def test_floats_of_another_range_are_refused(peak):
    frames = np.full((2, 4, 4, 3), 0.5, np.float32)
    frames[1, 2, 2, 1] = peak
    with pytest.raises(ValueError, match=r"^frame 1: floats .* expected \[0, 1\]"):
        list(check_frames(frames[0], frames[1:]))


def test_float64_becomes_float32():
    frames = np.full((2, 4, 4, 3), 0.1)
    for frame in check_frames(frames[0], frames[1:]):
        assert frame.dtype == np.float32


def test_overshoot_is_taken():
    frames = np.linspace(-0.3, 1.3, 48, dtype=np.float32).reshape(1, 4, 4, 3)
    np.testing.assert_array_equal(list(check_frames(frames[0], [])), frames)
