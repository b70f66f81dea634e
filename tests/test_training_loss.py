"""Charbonnier and the photometric loss on pictures one can draw."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from bvsrpp_jax.training.loss import charbonnier, photometric


def shifted_clip():
    """Two frames of noise; the second shows the first moved right by one pixel."""
    scene = jnp.asarray(np.random.default_rng(0).random((6, 9, 3)), jnp.float32)
    return jnp.stack([scene[:, 1:], scene[:, :-1]])[None]  # [1, 2, 6, 8, 3]


def flow(x):
    return jnp.zeros((1, 1, 6, 8, 2)).at[..., 0].set(x)


def test_charbonnier_of_equal_pictures_is_the_root_of_epsilon():
    x = jnp.ones((2, 3))
    np.testing.assert_allclose(charbonnier(x, x), 1e-6, rtol=1e-6)


def test_charbonnier_is_the_mean_absolute_error_of_large_errors():
    np.testing.assert_allclose(
        charbonnier(jnp.array([0.0, 1.0]), jnp.array([0.5, 0.25])), 0.625, rtol=1e-6
    )


def test_gradient_at_equal_pictures_is_zero_not_nan():
    gradient = jax.grad(charbonnier)(jnp.ones(3), jnp.ones(3))
    np.testing.assert_array_equal(gradient, 0)


def test_bfloat16_pictures_are_compared_in_float32():
    x = jnp.ones((4,), jnp.bfloat16)
    assert charbonnier(x, x).dtype == jnp.float32


def test_photometric_loss_vanishes_inside_for_the_true_flow():
    lq = shifted_clip()
    # Only the column that entered the picture has no partner: one of eight.
    true = photometric(lq, flow(1.0), flow(-1.0))
    assert true < 0.25 * photometric(lq, flow(0.0), flow(0.0))
    assert true < 0.25 * photometric(lq, flow(-1.0), flow(1.0))


def test_photometric_loss_pulls_the_flow_towards_the_truth():
    ramp = jnp.arange(9.0) / 9
    scene = jnp.broadcast_to(ramp[None, :, None], (6, 9, 3))
    lq = jnp.stack([scene[:, 1:], scene[:, :-1]])[None]
    pull = jax.grad(lambda x: photometric(lq, flow(x), flow(-x)))
    assert pull(0.3) < 0 < pull(1.7)


def test_photometric_loss_of_a_single_frame_is_refused():
    no_flow = jnp.zeros((1, 0, 6, 8, 2))
    with pytest.raises(ValueError, match="1 frame"):
        photometric(shifted_clip()[:, :1], no_flow, no_flow)
