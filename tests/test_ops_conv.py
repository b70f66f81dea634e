"""The convolution's own derivative rule."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from bvsrpp_jax.ops.conv import conv2d


def plain(x, kernel, stride):
    """The same convolution with JAX's own derivatives."""
    pad = kernel.shape[0] // 2
    return lax.conv_general_dilated(
        x,
        kernel,
        (stride, stride),
        ((pad, pad), (pad, pad)),
        dimension_numbers=("NHWC", "HWIO", "NHWC"),
    )


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("size", [(6, 7), (5, 8)])
@pytest.mark.parametrize(("k", "channels"), [(3, 2), (3, 16), (7, 4), (7, 16)])
def test_gradients_equal_the_derived_ones(k, channels, size, stride):
    keys = jax.random.split(jax.random.key(0), 3)
    x = jax.random.normal(keys[0], (2, *size, 3))
    kernel = jax.random.normal(keys[1], (k, k, 3, channels))
    y, vjp = jax.vjp(lambda *a: conv2d(*a, stride=stride), x, kernel)
    expected, expected_vjp = jax.vjp(lambda *a: plain(*a, stride), x, kernel)
    np.testing.assert_array_equal(y, expected)
    grad = jax.random.normal(keys[2], y.shape)
    for ours, theirs in zip(vjp(grad), expected_vjp(grad), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-4)


def test_the_backward_pass_in_a_scan_is_canonical_on_cpu():
    """Every convolution of the compiled loop has the layout of XLA's fast kernel."""

    def loss(kernel, xs):
        step = lambda total, x: (total + jnp.sum(conv2d(x, kernel) ** 2), None)
        return lax.scan(step, 0.0, xs)[0]

    shapes = (3, 3, 8, 8), (3, 1, 8, 8, 8)
    lowered = jax.jit(jax.grad(loss)).lower(*(jnp.zeros(shape) for shape in shapes))
    layouts = [
        line.split("dim_numbers = ")[1].split(",  window")[0].split(", window")[0]
        for line in lowered.as_text().splitlines()
        if "stablehlo.convolution" in line
    ]
    assert len(layouts) >= 2
    assert set(layouts) == {"[b, 0, 1, f]x[0, 1, i, o]->[b, 0, 1, f]"}


def test_bias_is_added_to_each_channel():
    x = jnp.zeros((1, 2, 2, 3))
    y = conv2d(x, jnp.zeros((3, 3, 3, 2)), jnp.array([1.0, 2.0]))
    np.testing.assert_array_equal(y, jnp.broadcast_to(jnp.array([1.0, 2.0]), y.shape))
