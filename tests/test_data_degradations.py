"""Degradations against recorded MATLAB-style results and properties on paper."""

import math
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from bvsrpp_jax.data import degradations
from bvsrpp_jax.data.degradations import (
    bicubic_downsample,
    bicubic_resize,
    bicubic_shrink,
    blur_downsample,
    resize_matrix,
)

GOLDEN = dict(np.load(Path(__file__).parent / "golden/degradations.npz"))
PICTURE = GOLDEN["hr"][0] / 255.0  # [88, 104, 3]


@pytest.mark.parametrize(
    ("name", "picture", "scale"),
    [
        ("bicubic_down4", PICTURE, 1 / 4),
        ("bicubic_down2", PICTURE, 1 / 2),
        ("bicubic_up4", PICTURE[:22, :26], 4),
        ("bicubic_down4_odd_37x41", PICTURE[:37, :41], 1 / 4),
    ],
)
def test_bicubic_equals_the_recorded_one(name, picture, scale):
    resized = bicubic_resize(picture, scale)
    np.testing.assert_allclose(resized, GOLDEN[name], rtol=0, atol=1e-6)


def test_bicubic_in_float32_stays_float32_and_close():
    resized = bicubic_resize(PICTURE.astype(np.float32), 1 / 4)
    assert resized.dtype == np.float32
    np.testing.assert_allclose(resized, GOLDEN["bicubic_down4"], rtol=0, atol=1e-5)


def exact_weights(size, scale):
    """One axis of MATLAB's imresize in rational numbers, a list of rows."""

    def kernel(x):
        near = Fraction(3, 2) * x**3 - Fraction(5, 2) * x**2 + 1
        far = -Fraction(1, 2) * x**3 + Fraction(5, 2) * x**2 - 4 * x + 2
        return near if x <= 1 else far if x < 2 else 0

    matrix = np.full((math.ceil(size / scale), size), Fraction(0))
    for i, row in enumerate(matrix):
        centre = (i + Fraction(1, 2)) * scale - Fraction(1, 2)
        for j in range(
            math.ceil(centre - 2 * scale), math.floor(centre + 2 * scale) + 1
        ):
            inside = min(j % (2 * size), 2 * size - 1 - j % (2 * size))
            row[inside] += kernel(abs(centre - j) / scale)
    return matrix / matrix.sum(axis=1, keepdims=True)


def exactly_shrunk(picture, scale):
    rows, columns = (exact_weights(side, scale) for side in picture.shape[:2])
    exact = rows @ picture[..., 0].astype(object) @ columns.T
    rounded = [[math.floor(x + Fraction(1, 2)) for x in row] for row in exact]
    return np.clip(rounded, 0, 255).astype(np.uint8)[..., None]


@pytest.mark.parametrize(
    "scale", [Fraction(3), Fraction(4), Fraction(5, 2), Fraction(6), Fraction(7, 4)]
)
def test_bicubic_by_any_factor_equals_rational_arithmetic(scale):
    height, width = 2 * scale.numerator, 3 * scale.numerator
    picture = GOLDEN["hr"][0, :height, :width, :1]
    np.testing.assert_array_equal(
        bicubic_shrink(picture, scale), exactly_shrunk(picture, scale)
    )


def test_halves_are_rounded_up_in_whichever_order_numbers_are_added():
    # The result has an exact half, of which floating point makes a little less.
    column = [214, 250, 67, 224, 45, 138, 173, 146, 16, 243, 2, 191]
    picture = np.repeat(np.array(column, np.uint8)[:, None, None], 12, axis=1)
    for turned in (picture, picture.swapaxes(0, 1)):
        np.testing.assert_array_equal(
            bicubic_shrink(turned, Fraction(6)), exactly_shrunk(turned, Fraction(6))
        )


def test_bicubic_by_a_factor_has_the_size_of_exact_division():
    picture = np.full((77, 22, 1), 9, np.uint8)  # 77 times 0.8181... rounds above 63
    assert bicubic_shrink(picture, Fraction(11, 9)).shape == (63, 18, 1)


def test_bicubic_by_four_is_that_of_training():
    np.testing.assert_array_equal(
        bicubic_shrink(GOLDEN["hr"][0], Fraction(4)),
        bicubic_downsample(GOLDEN["hr"])[0],
    )


def test_blur_downsample_equals_the_recorded_one_byte_for_byte():
    np.testing.assert_array_equal(
        blur_downsample(GOLDEN["hr"]), GOLDEN["bd_down4_uint8"]
    )


@pytest.mark.parametrize("scale", [1 / 4, 1 / 3, 0.3, 1, 1.7, 4])
def test_rows_of_a_resize_matrix_sum_to_one(scale):
    np.testing.assert_allclose(resize_matrix(37, scale).sum(axis=1), 1, atol=1e-12)


@pytest.mark.parametrize("size", [1, 2, 3, 5])
def test_a_constant_picture_of_any_size_stays_constant(size):
    # The kernel is wider than the picture: reflections of reflections.
    picture = np.full((size, size, 3), 0.25)
    for scale in (1 / 4, 4):
        np.testing.assert_allclose(bicubic_resize(picture, scale), 0.25, atol=1e-12)


def test_bicubic_commutes_with_mirroring():
    picture = PICTURE[:40, :52]
    np.testing.assert_allclose(
        bicubic_resize(picture[::-1, ::-1], 1 / 4),
        bicubic_resize(picture, 1 / 4)[::-1, ::-1],
        atol=1e-12,
    )


def test_bicubic_of_a_batch_is_that_of_its_pictures():
    batch = np.stack([PICTURE[:32, :32], PICTURE[40:72, 40:72]])
    each = [bicubic_resize(picture, 1 / 4) for picture in batch]
    np.testing.assert_allclose(bicubic_resize(batch, 1 / 4), each, atol=1e-12)


def test_long_sides_equal_the_whole_matrix_product():
    # 300 rows out: several blocks of 64.
    picture = np.random.default_rng(0).random((600, 4, 3))
    rows, columns = resize_matrix(600, 1 / 2), resize_matrix(4, 1 / 2)
    expected = np.einsum("ih,jw,hwc->ijc", rows, columns, picture)
    np.testing.assert_allclose(bicubic_resize(picture, 1 / 2), expected, atol=1e-12)


def test_wrong_pictures_are_refused():
    with pytest.raises(ValueError, match="uint8"):
        bicubic_resize(GOLDEN["hr"], 1 / 4)
    with pytest.raises(ValueError, match=r"need \[..., h, w, c\]"):
        bicubic_resize(np.zeros((8, 8)), 1 / 4)
    with pytest.raises(ValueError, match="positive"):
        bicubic_resize(PICTURE, 0)
    with pytest.raises(ValueError, match="uint8"):
        blur_downsample(PICTURE)
    with pytest.raises(ValueError, match="uint8"):
        bicubic_shrink(PICTURE, Fraction(3))
    with pytest.raises(ValueError, match="3x88"):
        blur_downsample(GOLDEN["hr"][:, :, :3])


@pytest.mark.parametrize("scale", [4, 1 / 4, 1 / 3, 1.7])
def test_pieces_of_a_product_leave_no_trace(monkeypatch, scale):
    picture = np.random.default_rng(0).random((2, 37, 51, 3))
    whole = bicubic_resize(picture, scale)
    monkeypatch.setattr(degradations, "ROWS", 3)
    monkeypatch.setattr(degradations, "PRODUCT", 100)
    np.testing.assert_allclose(bicubic_resize(picture, scale), whole, atol=1e-12)


def test_no_product_is_large_enough_for_a_second_thread(monkeypatch):
    sizes, multiply = [], np.matmul

    def watched(a, b, **options):
        sizes.append(a.size * b.shape[-1])
        return multiply(a, b, **options)

    monkeypatch.setattr(np, "matmul", watched)
    for shape, scale in (((180, 320, 3), 4), ((720, 1280, 3), 1 / 4)):
        bicubic_resize(np.zeros(shape, np.float32), scale)
    assert 2**12 < max(sizes) < 2**18  # from there on OpenBLAS starts its threads
