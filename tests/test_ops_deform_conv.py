"""The deformable convolution against recorded values and against plain convolutions."""

from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from bvsrpp_jax.ops.conv import conv2d
from bvsrpp_jax.ops.deform_conv import modulated_deform_conv

GOLDEN = np.load(Path(__file__).parent / "golden" / "deform_conv.npz")
INPUTS = ("x", "offset_yx", "mask", "kernel_hwio", "bias")


@pytest.mark.parametrize("case", ["small", "alignment", "far"])
def test_equals_the_official_operator(case):
    """Values to 1e-4, gradients to 1e-4 of their largest entry."""
    inputs = [GOLDEN[f"{case}__{name}"] for name in INPUTS]
    y, vjp = jax.vjp(modulated_deform_conv, *inputs)
    np.testing.assert_allclose(y, GOLDEN[f"{case}__y"], atol=1e-4, rtol=0)
    gradients = vjp(jnp.asarray(GOLDEN[f"{case}__grad_y"]))
    for name, gradient in zip(INPUTS, gradients, strict=True):
        expected = GOLDEN[f"{case}__d{name}"]
        bound = 1e-4 * np.abs(expected).max()
        np.testing.assert_allclose(gradient, expected, atol=bound, rtol=0)


def taps():
    """The regular places (y, x) of the nine taps, [9, 2]."""
    return np.stack(np.mgrid[-1:2, -1:2], -1).reshape(9, 2)


def example(groups, key=0, dtype=jnp.float32):
    """x [1, 5, 6, 8], zero offsets, masks of one, kernel [3, 3, 8, 4]."""
    x_key, kernel_key = jax.random.split(jax.random.key(key))
    x = jax.random.normal(x_key, (1, 5, 6, 8), dtype)
    kernel = jax.random.normal(kernel_key, (3, 3, 8, 4), dtype)
    return x, jnp.zeros((1, 5, 6, groups, 9, 2)), jnp.ones((1, 5, 6, groups, 9)), kernel


@pytest.mark.parametrize("groups", [1, 2, 8])
def test_without_offsets_it_is_an_ordinary_convolution(groups):
    x, offset, mask, kernel = example(groups)
    y = modulated_deform_conv(x, offset, mask, kernel)
    np.testing.assert_allclose(y, conv2d(x, kernel), atol=1e-5)


def test_integer_offset_reads_a_shifted_picture():
    x, offset, mask, kernel = example(2)
    y = modulated_deform_conv(x, offset + jnp.array([1.0, -2.0]), mask, kernel)
    # Zero beyond the picture: padded before it is shifted one down and two left.
    padded = jnp.pad(x, ((0, 0), (3, 3), (3, 3), (0, 0)))
    shifted = conv2d(jnp.roll(padded, (-1, 2), (1, 2)), kernel)[:, 3:-3, 3:-3]
    np.testing.assert_allclose(y, shifted, atol=1e-5)


def test_half_a_pixel_outside_keeps_half_of_the_border():
    x = jnp.ones((1, 1, 1, 1))
    centre = jnp.zeros((3, 3, 1, 1)).at[1, 1].set(1.0)
    offset = jnp.zeros((1, 1, 1, 1, 9, 2)).at[..., 0].set(-0.5)
    y = modulated_deform_conv(x, offset, jnp.ones((1, 1, 1, 1, 9)), centre)
    assert y.item() == 0.5


def test_mask_scales_each_tap():
    x, offset, mask, kernel = example(2)
    only_centre = mask.at[..., jnp.arange(9) != 4].set(0.0)
    y = modulated_deform_conv(x, offset, only_centre, kernel)
    np.testing.assert_allclose(y, x @ kernel[1, 1], atol=1e-5)


def test_each_group_moves_its_own_channels():
    x, offset, mask, kernel = example(2)
    far = offset.at[:, :, :, 1].set(100.0)  # the second half of the channels: outside
    y = modulated_deform_conv(x, far, mask, kernel)
    first_half = jnp.where(jnp.arange(8) < 4, x, 0)
    np.testing.assert_allclose(y, conv2d(first_half, kernel), atol=1e-5)


@pytest.mark.parametrize("value", [1e30, -1e30, np.inf])
def test_offsets_far_outside_read_zero(value):
    x, offset, mask, kernel = example(1)
    y, vjp = jax.vjp(modulated_deform_conv, x, offset + value, mask, kernel)
    assert not y.any()
    assert all(np.isfinite(g).all() for g in vjp(jnp.ones_like(y)))


def test_a_nan_offset_is_seen_in_the_output():
    x, offset, mask, kernel = example(1)
    y = modulated_deform_conv(x, offset.at[0, 2, 3, 0, 4, 0].set(jnp.nan), mask, kernel)
    assert np.isnan(y[0, 2, 3]).all()
    assert np.isnan(y).sum() == 4


def test_coordinates_stay_float32_in_bfloat16():
    """At column 200, bfloat16 coordinates would be whole pixels."""
    x = jnp.arange(256, dtype=jnp.float32).reshape(1, 1, 256, 1) / 256
    kernel = jnp.zeros((3, 3, 1, 1), jnp.bfloat16).at[1, 1].set(1.0)
    offset = jnp.zeros((1, 1, 256, 1, 9, 2)).at[..., 1].set(0.25)
    mask = jnp.ones((1, 1, 256, 1, 9))
    sharp = modulated_deform_conv(x, offset, mask, kernel.astype(jnp.float32))
    coarse = modulated_deform_conv(x.astype(jnp.bfloat16), offset, mask, kernel)
    assert coarse.dtype == jnp.bfloat16
    # Two roundings to eight bits of mantissa, never a quarter of a pixel's step.
    np.testing.assert_allclose(coarse[0, 0, :255], sharp[0, 0, :255], rtol=2**-7)


def test_nine_taps_add_up_in_float32_in_bfloat16():
    """Each tap adds 1/256: in bfloat16 the sum would stand still at 1."""
    x = jnp.zeros((1, 3, 3, 1), jnp.bfloat16)
    offset = jnp.zeros((1, 3, 3, 1, 9, 2)) - taps()  # every tap reads the pixel itself
    kernel = jnp.full((3, 3, 1, 1), 1 / 256, jnp.bfloat16).at[0, 0].set(1.0)
    mask = jnp.ones((1, 3, 3, 1, 9))
    total = lambda x: modulated_deform_conv(x, offset, mask, kernel).sum()
    assert (jax.grad(total)(x) == jnp.bfloat16(1 + 8 / 256)).all()


def test_backward_pass_never_holds_all_samples():
    """Nine taps of four corners are 75 MB here; one tap's samples are 2 MB."""
    shapes = (
        (1, 64, 64, 128),
        (1, 64, 64, 16, 9, 2),
        (1, 64, 64, 16, 9),
        (3, 3, 128, 64),
    )
    inputs = [jax.ShapeDtypeStruct(shape, jnp.float32) for shape in shapes]
    loss = lambda *inputs: modulated_deform_conv(*inputs).sum()
    compiled = jax.jit(jax.grad(loss, (0, 1, 2, 3))).lower(*inputs).compile()
    one_tap = 64 * 64 * 128 * 4
    assert compiled.memory_analysis().temp_size_in_bytes < 16 * one_tap


def test_offsets_with_the_axes_of_pytorch_are_refused():
    x, offset = np.zeros((1, 8, 8, 4)), np.zeros((1, 36, 8, 8))
    with pytest.raises(ValueError, match=r"expected \[n, h, w, g, 9, 2\], got \[1, 36"):
        modulated_deform_conv(
            x, offset, np.zeros((1, 18, 8, 8)), np.zeros((3, 3, 4, 4))
        )


def test_channels_that_do_not_divide_into_groups_are_refused():
    x, offset, mask, kernel = example(3)
    with pytest.raises(ValueError, match="8 channels .* 3 deformable groups"):
        modulated_deform_conv(x, offset, mask, kernel)
