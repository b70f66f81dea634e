"""Sizes, options and initialisation of the network."""

from math import prod, sqrt

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax.traverse_util import flatten_dict

from bvsrpp_jax.models import alignment
from bvsrpp_jax.models.basicvsrpp import BasicVSRPlusPlus

TINY = {
    "mid_channels": 4,
    "num_blocks": 1,
    "deform_groups": 2,
    "num_extract_blocks": 1,
    "num_reconstruction_blocks": 1,
    "hr_channels": 4,
    "spynet_channels": (4, 4, 4, 4),
}


def clip(t):
    return np.random.default_rng(0).random((1, t, 64, 64, 3), np.float32)


def shapes(model):
    lq = jax.ShapeDtypeStruct((1, 2, model.min_side, model.min_side, 3), jnp.float32)
    return jax.eval_shape(model.init, jax.random.key(0), lq)["params"]


@pytest.mark.parametrize(
    ("options", "count"),
    [
        ({}, 7_322_927),
        ({"num_blocks": 15, "scale": 1}, 9_760_175),
        ({"mid_channels": 128, "num_blocks": 25}, 43_780_463),
        ({"mid_channels": 128, "num_blocks": 25, "scale": 1}, 44_075_631),
    ],
)
def test_parameter_counts_of_the_official_sizes(options, count):
    leaves = jax.tree.leaves(shapes(BasicVSRPlusPlus(**options)))
    assert sum(prod(leaf.shape) for leaf in leaves) == count


@pytest.mark.parametrize("t", [1, 2, 5])
@pytest.mark.parametrize(("scale", "size"), [(4, (64, 67)), (1, (256, 260))])
def test_output_is_scale_times_the_input(scale, size, t):
    model = BasicVSRPlusPlus(**TINY, scale=scale)
    lq = jax.ShapeDtypeStruct((2, t, *size, 3), jnp.float32)
    output = jax.eval_shape(
        lambda lq: model.init_with_output(jax.random.key(0), lq), lq
    )
    assert output[0].shape == (2, t, scale * size[0], scale * size[1], 3)


@pytest.mark.parametrize(
    ("options", "shape", "message"),
    [
        ({}, (1, 2, 63, 80, 3), "height 63 and width 80; both must be at least 64"),
        ({"scale": 1}, (1, 2, 240, 416, 3), "height 240 .* at least 256"),
        ({"scale": 1}, (1, 2, 256, 258, 3), "width 258; .* multiples of 4"),
        ({}, (2, 64, 64, 3), r"expected \[n, t, h, w, 3\], got \[2, 64, 64, 3\]"),
        ({}, (1, 0, 64, 64, 3), "0 frames"),
        ({"scale": 3}, (1, 2, 64, 64, 3), "scale: 3"),
        ({"deform_groups": 3}, (1, 2, 64, 64, 3), "deform_groups: 3"),
    ],
)
def test_what_the_network_does_not_take_is_named(options, shape, message):
    model = BasicVSRPlusPlus(**{**TINY, **options})
    with pytest.raises(ValueError, match=message):
        jax.eval_shape(model.init, jax.random.key(0), jnp.zeros(shape))


def test_initialising_makes_parameters_and_nothing_else():
    lq = jax.ShapeDtypeStruct((1, 2, 64, 64, 3), jnp.float32)
    variables = jax.eval_shape(BasicVSRPlusPlus(**TINY).init, jax.random.key(0), lq)
    assert set(variables) == {"params"}


def test_integers_are_not_taken_for_floats():
    with pytest.raises(ValueError, match="uint8"):
        BasicVSRPlusPlus(**TINY).init(
            jax.random.key(0), jnp.zeros((1, 2, 64, 64, 3), jnp.uint8)
        )


def spread(params, seed=1):
    """Random values in every parameter, so that no branch is zero by initialisation."""
    rng = np.random.default_rng(seed)

    def draw(leaf):
        fan_in = prod(leaf.shape[:-1]) or 1
        return (rng.standard_normal(leaf.shape) / sqrt(fan_in)).astype(np.float32)

    return jax.tree.map(draw, params)


@pytest.mark.long
def test_rematerialisation_saves_memory_and_changes_no_gradient():
    lq = clip(t=6)
    params = spread(shapes(BasicVSRPlusPlus(**TINY)))
    gradients, temporaries = [], []
    for remat in (False, True):
        model = BasicVSRPlusPlus(**TINY, remat=remat)
        loss = lambda params, model=model: jnp.mean(
            model.apply({"params": params}, lq) ** 2
        )
        compiled = jax.jit(jax.grad(loss)).lower(params).compile()
        gradients.append(jax.tree.leaves(compiled(params)))
        temporaries.append(compiled.memory_analysis().temp_size_in_bytes)
    for plain, remat in zip(*gradients, strict=True):
        bound = 1e-5 * np.abs(plain).max()
        np.testing.assert_allclose(remat, plain, atol=bound, rtol=0)
    assert temporaries[1] < 0.6 * temporaries[0]


@pytest.mark.long
def test_bfloat16_stays_close_and_gives_float32_pictures():
    lq = clip(t=3)
    model = BasicVSRPlusPlus(**TINY)
    params = spread(shapes(model))
    apply = lambda dtype: jax.jit(model.clone(dtype=dtype).apply)(
        {"params": params}, lq
    )
    exact, coarse = apply(jnp.float32), apply(jnp.bfloat16)
    assert coarse.dtype == jnp.float32
    # bfloat16 has 8 bits of mantissa; a coordinate in bfloat16 would show as tenths.
    assert np.abs(coarse - exact).mean() < 0.02 * np.abs(exact).mean()
    assert not np.array_equal(coarse, exact)


def test_flows_are_float32_in_bfloat16():
    model = BasicVSRPlusPlus(**TINY, dtype=jnp.bfloat16)
    lq = jax.ShapeDtypeStruct((1, 3, 64, 64, 3), jnp.float32)
    call = lambda params, lq: model.apply({"params": params}, lq, method="flows")
    flows = jax.eval_shape(call, shapes(model), lq)
    assert [flow.dtype for flow in flows] == [jnp.float32] * 2


def test_offsets_and_masks_are_float32_in_bfloat16(monkeypatch):
    seen = []

    def remember(x, offset, mask, kernel, bias):
        seen.append((x.dtype.name, offset.dtype.name, mask.dtype.name))
        return x[..., : kernel.shape[-1]]

    monkeypatch.setattr(alignment, "modulated_deform_conv", remember)
    shapes(BasicVSRPlusPlus(**TINY, dtype=jnp.bfloat16))
    assert set(seen) == {("bfloat16", "float32", "float32")}


def test_initialisation_is_the_official_one():
    model = BasicVSRPlusPlus(num_blocks=1, spynet_channels=(32, 64, 32, 16))
    lq = jnp.zeros((1, 2, 64, 64, 3))
    key = jax.random.key(0, impl="rbg")  # compiles in seconds, not minutes
    params = flatten_dict(jax.jit(model.init)(key, lq)["params"], sep="/")

    def std(path):
        return float(params[f"{path}/kernel"].std())

    fan_in = 9 * 64
    block, conv = "backward_1/backbone/block_0/conv1", "conv_hr"
    assert std(block) == pytest.approx(0.1 * sqrt(2 / fan_in), rel=0.03)
    assert std("upsample1") == pytest.approx(sqrt(2 / fan_in), rel=0.03)
    assert std(conv) == pytest.approx(1 / sqrt(3 * fan_in), rel=0.03)
    assert std("backward_1/deform_align") == pytest.approx(
        1 / sqrt(3 * 2 * fan_in), rel=0.03
    )
    assert std("spynet/basic_module_0/conv_1") == pytest.approx(
        sqrt(2 / (49 * 64)), rel=0.03
    )
    assert not params["backward_1/deform_align/conv_offset_3/kernel"].any()
    assert not params[f"{block}/bias"].any()
    assert params[f"{conv}/bias"].any()
    assert np.abs(params[f"{conv}/bias"]).max() <= 1 / sqrt(fan_in)
