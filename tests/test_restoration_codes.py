"""Frames of three kinds go in and come out as they are."""

import jax.numpy as jnp
import numpy as np
import pytest

from bvsrpp_jax.restoration.codes import check_frames, from_float, to_float


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
    "first",
    [np.zeros((4, 4), np.uint8), np.zeros((4, 4, 4), np.uint8)]
    + [np.zeros((4, 4, 3), np.int32)],
)
def test_what_is_no_rgb_frame_is_refused(first):
    with pytest.raises(ValueError, match="frame 0"):
        list(check_frames(first, []))
