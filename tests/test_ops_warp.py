"""Warping by optical flow."""

from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from bvsrpp_jax.ops.warp import flow_warp

GOLDEN = np.load(Path(__file__).parent / "golden" / "warp_resize.npz")


@pytest.mark.parametrize("padding", ["zeros", "border"])
def test_equals_the_official_warp(padding):
    """Values to 1e-5, gradients to 1e-4 of their largest entry."""
    warp = lambda x, flow: flow_warp(x, flow, padding=padding)
    y, vjp = jax.vjp(warp, GOLDEN["warp__x"], GOLDEN["warp__flow_xy"])
    np.testing.assert_allclose(y, GOLDEN[f"warp_{padding}__y"], atol=1e-5, rtol=0)
    gradients = vjp(jnp.asarray(GOLDEN[f"warp_{padding}__grad_y"]))
    for name, gradient in zip(("dx", "dflow"), gradients, strict=True):
        expected = GOLDEN[f"warp_{padding}__{name}"]
        bound = 1e-4 * np.abs(expected).max()
        np.testing.assert_allclose(gradient, expected, atol=bound, rtol=0)


@pytest.mark.parametrize("padding", ["zeros", "border"])
def test_zero_flow_is_identity(padding):
    x = jax.random.normal(jax.random.key(0), (2, 4, 5, 3))
    y = flow_warp(x, jnp.zeros((2, 4, 5, 2)), padding=padding)
    np.testing.assert_array_equal(y, x)


def test_flow_is_x_then_y_and_points_to_what_is_read():
    x = jnp.arange(12.0).reshape(1, 3, 4, 1)
    y = flow_warp(x, jnp.broadcast_to(jnp.array([2.0, 1.0]), (1, 3, 4, 2)))
    np.testing.assert_array_equal(
        y[0, :, :, 0], [[6, 7, 0, 0], [10, 11, 0, 0], [0] * 4]
    )


def test_border_padding_repeats_the_nearest_pixel():
    x = jnp.arange(12.0).reshape(1, 3, 4, 1)
    flow = jnp.broadcast_to(jnp.array([2.0, 1.0]), (1, 3, 4, 2))
    y = flow_warp(x, flow, padding="border")
    expected = [[6, 7, 7, 7], [10, 11, 11, 11], [10, 11, 11, 11]]
    np.testing.assert_array_equal(y[0, :, :, 0], expected)


def test_border_has_no_gradient_where_a_coordinate_is_clamped():
    """PyTorch's rule, also exactly on the border, where `jnp.clip` would give half."""
    x = jnp.arange(12.0).reshape(1, 3, 4, 1)
    total = lambda flow: flow_warp(x, flow, padding="border").sum()
    gradient = jax.grad(total)(jnp.zeros((1, 3, 4, 2)))[0]
    np.testing.assert_array_equal(gradient[..., 0], [[0, 1, 1, 0]] * 3)
    np.testing.assert_array_equal(gradient[..., 1], [[0] * 4, [4] * 4, [0] * 4])


@pytest.mark.parametrize("padding", ["zeros", "border"])
def test_a_nan_flow_is_seen_in_the_output(padding):
    x = jnp.ones((1, 4, 5, 1))
    flow = jnp.zeros((1, 4, 5, 2)).at[0, 2, 2, 0].set(jnp.nan)
    assert np.isnan(flow_warp(x, flow, padding=padding)).sum() == 1


def test_bfloat16_features_keep_their_dtype_and_float32_coordinates():
    x = (jnp.arange(256) % 2).astype(jnp.bfloat16).reshape(1, 1, 256, 1)
    flow = jnp.zeros((1, 1, 256, 2)).at[..., 0].set(0.25)
    y = flow_warp(x, flow)
    assert y.dtype == jnp.bfloat16
    expected = np.where(np.arange(255) % 2, 0.75, 0.25)
    np.testing.assert_array_equal(y[0, 0, :255, 0].astype(np.float32), expected)


def test_numpy_arrays_are_taken():
    x = np.ones((1, 4, 4, 1), np.float32)
    np.testing.assert_array_equal(flow_warp(x, np.zeros((1, 4, 4, 2))), x)


def test_unknown_padding_is_refused():
    with pytest.raises(ValueError, match="reflection"):
        flow_warp(jnp.ones((1, 2, 2, 1)), jnp.zeros((1, 2, 2, 2)), padding="reflection")
