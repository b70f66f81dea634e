"""The resizes against PyTorch's values."""

from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from bvsrpp_jax.ops import resize

GOLDEN = np.load(Path(__file__).parent / "golden" / "warp_resize.npz")


@pytest.mark.parametrize(
    ("name", "call"),
    [
        ("bilinear_x4", lambda x: resize.resize_bilinear(x, (96, 80))),
        ("bilinear_to_32x32", lambda x: resize.resize_bilinear(x, (32, 32))),
        (
            "bilinear_corners_x2",
            lambda x: resize.resize_bilinear(x, (48, 40), align_corners=True),
        ),
        ("bicubic_quarter", lambda x: resize.resize_bicubic(x, (6, 5))),
        ("avgpool2", resize.avg_pool2),
    ],
)
def test_equals_pytorch(name, call):
    y = call(GOLDEN["resize__x"])
    np.testing.assert_allclose(y, GOLDEN[f"resize__{name}"], atol=1e-5, rtol=0)


def test_pixel_shuffle_equals_pytorch():
    y = resize.pixel_shuffle(GOLDEN["pixel_shuffle__x"], 2)
    np.testing.assert_array_equal(y, GOLDEN["pixel_shuffle__y2"])


def test_same_size_is_identity():
    x = jax.random.normal(jax.random.key(0), (2, 3, 5, 1))
    np.testing.assert_array_equal(resize.resize_bilinear(x, (3, 5)), x)
    np.testing.assert_array_equal(resize.resize_bicubic(x, (3, 5)), x)


def test_one_pixel_becomes_a_constant_picture():
    x = jnp.full((1, 1, 1, 1), 7.0)
    for align_corners in (True, False):
        y = resize.resize_bilinear(x, (2, 2), align_corners=align_corners)
        np.testing.assert_array_equal(y, jnp.full((1, 2, 2, 1), 7.0))


def test_leading_axes_are_free():
    x = jax.random.normal(jax.random.key(0), (2, 3, 4, 6, 2))
    y = resize.resize_bilinear(x, (8, 12))
    assert y.shape == (2, 3, 8, 12, 2)
    np.testing.assert_array_equal(y[1, 2], resize.resize_bilinear(x[1, 2], (8, 12)))
