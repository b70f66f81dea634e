"""Colour tags, and the arithmetic against an independent float64 reference."""

import numpy as np
import pytest

from bvsrpp_jax.media.color import (
    BT601,
    BT601_625,
    BT709,
    BT2020,
    RGB,
    Color,
    assumed,
    rgb_to_yuv,
    yuv_to_rgb,
)

MATRICES = {BT709: (0.2126, 0.0722), BT601: (0.299, 0.114), BT2020: (0.2627, 0.0593)}


def encode(rgb, matrix, *, full, bits):
    """RGB in [0, 1] -> codes, unrounded: the definition, a channel at a time."""
    kr, kb = MATRICES[matrix]
    red, green, blue = np.moveaxis(np.float64(rgb), -1, 0)
    luma = kr * red + (1 - kr - kb) * green + kb * blue
    cb, cr = (blue - luma) / (2 - 2 * kb), (red - luma) / (2 - 2 * kr)
    unit, top = 2 ** (bits - 8), 2**bits - 1
    if full:
        codes = top * luma, top * cb + 128 * unit, top * cr + 128 * unit
    else:
        codes = (
            (219 * luma + 16) * unit,
            (224 * cb + 128) * unit,
            (224 * cr + 128) * unit,
        )
    return np.stack(codes, -1).clip(0, top)


def decode(codes, matrix, *, full, bits):
    """Codes -> RGB in [0, 1]."""
    kr, kb = MATRICES[matrix]
    luma, cb, cr = np.moveaxis(np.float64(codes), -1, 0)
    unit, top = 2 ** (bits - 8), 2**bits - 1
    if full:
        luma, cb, cr = luma / top, (cb - 128 * unit) / top, (cr - 128 * unit) / top
    else:
        luma = (luma / unit - 16) / 219
        cb, cr = (cb / unit - 128) / 224, (cr / unit - 128) / 224
    red, blue = luma + (2 - 2 * kr) * cr, luma + (2 - 2 * kb) * cb
    green = (luma - kr * red - kb * blue) / (1 - kr - kb)
    return np.stack([red, green, blue], -1).clip(0, 1)


def colours(steps=9):
    """[steps^2, steps, 3] in [0, 1]: the corners, edges and inside of the cube."""
    axis = np.linspace(0, 1, steps)
    grid = np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), -1)
    return grid.reshape(steps**2, steps, 3)


@pytest.mark.parametrize("bits", [8, 10, 12])
@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("matrix", MATRICES)
def test_matrices_are_exact_to_rounding(matrix, full, bits):
    color = Color(matrix, full)
    rgb = np.round(65535 * colours()).astype(np.uint16)
    codes = rgb_to_yuv(rgb, color, bits=bits)
    wanted = encode(rgb / 65535, matrix, full=full, bits=bits)
    np.testing.assert_allclose(codes, wanted, atol=0.51)
    back = yuv_to_rgb(codes, color, bits=bits)
    wanted = 65535 * decode(codes, matrix, full=full, bits=bits)
    np.testing.assert_allclose(back, wanted, atol=0.6)


def test_eight_bit_rgb_is_taken_over_its_own_range():
    rgb = np.full((1, 1, 3), 255, np.uint8)
    assert rgb_to_yuv(rgb, Color(BT709), bits=10).tolist() == [[[940, 512, 512]]]


@pytest.mark.parametrize(
    ("lines", "matrix"),
    [(180, BT601), (480, BT601), (576, BT601_625), (719, BT601), (720, BT709)],
)
def test_untagged_video_is_bt709_from_720_lines_up_else_bt601(lines, matrix):
    assert assumed(lines).matrix == assumed(lines).primaries == matrix


def test_assumed_tags_are_all_filled_in():
    assert assumed(1080, full_range=True) == Color(BT709, True, BT709, BT709)
    assert assumed(240) == Color(BT601, False, BT601, BT601)


def test_pictures_are_coded_as_suits_their_size():
    assert Color(RGB, True).for_video(720) == assumed(720)
    assert Color(RGB, True).for_video(360) == assumed(360)
    hdr = Color(RGB, True, BT2020, 16).for_video(360)
    assert hdr == Color(BT2020, False, BT2020, 16)
    coded = Color(BT601, True, 1, 1)
    assert coded.for_video(1080) == coded
