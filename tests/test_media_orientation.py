"""Stored pixels are turned as the display matrix says, in all eight ways."""

import numpy as np
import pytest

from bvsrpp_jax.media.orientation import UPRIGHT, Orientation, from_display_matrix

ONE = 65536


def matrix(a, b, c, d):
    return np.array([a, b, 0, c, d, 0, 0, 0, 1 << 30], np.int32).tobytes()


@pytest.mark.parametrize(
    ("entries", "turned"),
    [
        ((1, 0, 0, 1), lambda x: x),
        ((-1, 0, 0, 1), lambda x: x[:, ::-1]),
        ((1, 0, 0, -1), lambda x: x[::-1]),
        ((-1, 0, 0, -1), lambda x: x[::-1, ::-1]),
        ((0, 1, 1, 0), lambda x: x.swapaxes(0, 1)),
        ((0, 1, -1, 0), lambda x: np.rot90(x, -1)),
        ((0, -1, 1, 0), lambda x: np.rot90(x, 1)),
        ((0, -1, -1, 0), lambda x: np.rot90(x, 2).swapaxes(0, 1)),
    ],
)
def test_every_right_angled_turn_and_mirror(entries, turned):
    stored = np.arange(2 * 3 * 3, dtype=np.uint8).reshape(2, 3, 3)
    orientation = from_display_matrix(matrix(*(ONE * e for e in entries)))
    shown = orientation.apply(stored)
    np.testing.assert_array_equal(shown, turned(stored))
    assert shown.flags.c_contiguous


@pytest.mark.parametrize(
    "entries", [(1, 0, 0, 1), (0, 1, -1, 0), (0, -1, -1, 0), (-1, 0, 0, 1)]
)
def test_turns_follow_the_matrix_pixel_by_pixel(entries):
    """(x, y) of the stored picture lands on (x, y) [[a, b], [c, d]], shifted to 0."""
    a, b, c, d = entries
    stored = np.arange(12).reshape(3, 4, 1)
    y, x = np.mgrid[:3, :4]
    to_x, to_y = a * x + c * y, b * x + d * y
    to_x, to_y = to_x - to_x.min(), to_y - to_y.min()
    wanted = np.empty((to_y.max() + 1, to_x.max() + 1, 1), int)
    wanted[to_y, to_x] = stored
    shown = from_display_matrix(matrix(*(ONE * e for e in entries))).apply(stored)
    np.testing.assert_array_equal(shown, wanted)


def test_no_matrix_is_upright():
    assert from_display_matrix(b"") == UPRIGHT == Orientation()


def test_a_skewed_turn_is_refused():
    with pytest.raises(ValueError, match="right"):
        from_display_matrix(matrix(60000, 26000, -26000, 60000))
