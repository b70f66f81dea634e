"""Sizes, options and initialisation of the network."""

from math import prod, sqrt

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax.traverse_util import flatten_dict
from stand_in import QUICKLY

from bvsrpp_jax.models import alignment
from bvsrpp_jax.models.basicvsrpp import BasicVSRPlusPlus
from bvsrpp_jax.models.grid import BRANCHES

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
@pytest.mark.parametrize(
    ("scale", "stride", "size"),
    [
        (4, 1, (64, 67)),
        (1, 4, (256, 260)),
        (1, 2, (128, 130)),
        (1, 1, (64, 67)),
        (2, 1, (64, 67)),
        (3, 1, (64, 67)),
        (3, 2, (128, 130)),
        (8, 1, (64, 67)),
    ],
)
def test_output_is_scale_times_the_input(scale, stride, size, t):
    model = BasicVSRPlusPlus(**TINY, scale=scale, feature_stride=stride)
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
        ({"scale": 5}, (1, 2, 64, 64, 3), "scale: 5 is none of 1, 2, 3, 4, 8"),
        ({"feature_stride": 3}, (1, 2, 192, 192, 3), "feature_stride: 3"),
        ({"alignment": "none"}, (1, 2, 64, 64, 3), "alignment: none"),
        ({"branches": ()}, (1, 2, 64, 64, 3), r"branches: \(\) must be"),
        ({"branches": ("sideways_1",)}, (1, 2, 64, 64, 3), "branches: .*sideways_1"),
        ({"branches": ("forward_1",) * 2}, (1, 2, 64, 64, 3), "branches: .*different"),
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


# Each option at least once.
OPTIONS = {
    "finer features, one branch, first order": {
        "scale": 1,
        "feature_stride": 2,
        "branches": ("forward_1",),
        "second_order": False,
    },
    "x3, flow alignment, backward last": {
        "scale": 3,
        "alignment": "flow",
        "branches": ("forward_1", "backward_1"),
    },
    "x8, flow alignment, first order": {
        "scale": 8,
        "alignment": "flow",
        "second_order": False,
    },
}


def test_another_scale_has_its_usual_stride():
    restorer = BasicVSRPlusPlus(**TINY, scale=1)
    assert restorer.feature_stride == 4
    assert restorer.clone(scale=4).feature_stride == 1
    assert restorer.clone(num_blocks=2).feature_stride == 4
    finer = restorer.clone(scale=1, feature_stride=2)
    assert finer.feature_stride == finer.clone(scale=1).feature_stride == 2


def test_lists_and_tuples_make_the_same_network():
    """Of command lines and of JSON come lists."""
    lists = {"branches": [*BRANCHES], "spynet_channels": [4, 4, 4, 4]}
    tuples = {name: tuple(value) for name, value in lists.items()}
    assert BasicVSRPlusPlus(**lists) == BasicVSRPlusPlus(**tuples)
    assert hash(BasicVSRPlusPlus(**lists)) == hash(BasicVSRPlusPlus(**tuples))


@pytest.mark.long
@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
def test_every_parameter_of_every_option_has_a_gradient(options):
    """A parameter without one would never be trained."""
    model = BasicVSRPlusPlus(**TINY, **options)
    side = model.min_side
    lq = np.random.default_rng(0).random((1, 3, side, side, 3), np.float32)
    loss = lambda params: jnp.mean(model.apply({"params": params}, lq) ** 2)
    gradient = jax.jit(jax.grad(loss), compiler_options=QUICKLY)
    learnt = set()
    for seed in range(5):  # a unit of the flow network may be off for a picture
        gradients = gradient(spread(shapes(model), seed))
        for path, leaf in flatten_dict(gradients, sep="/").items():
            assert np.isfinite(leaf).all(), path
            learnt |= {path} if np.any(leaf) else set()
    assert learnt == flatten_dict(shapes(model), sep="/").keys()


def test_flow_alignment_is_warping_by_the_flow():
    """Of one feature; a flow of (2, 1) reads two pixels to the right, one below."""
    feat = np.random.default_rng(0).random((1, 6, 8, 4), np.float32)
    flow = np.broadcast_to(np.float32([2, 1]), (1, 6, 8, 2))
    module = alignment.FlowAlignment(4)
    variables = module.init(jax.random.key(0), [feat], feat, [flow])
    assert not variables
    aligned = module.apply(variables, [feat], feat, [flow])
    np.testing.assert_allclose(aligned[:, :5, :6], feat[:, 1:, 2:], atol=1e-6)
    assert not np.any(aligned[:, 5:])


def test_flow_alignment_of_two_is_the_deformable_one_without_offsets():
    """A deformable convolution that moves all taps by whole flows is the same."""
    rng = np.random.default_rng(1)
    feats = [rng.random((1, 9, 9, 4), np.float32) for _ in range(2)]
    flows = [np.zeros((1, 9, 9, 2), np.float32)] * 2
    flow_only, deformable = (
        alignment.FlowAlignment(4),
        alignment.DeformableAlignment(4, deform_groups=2),
    )
    params = deformable.init(jax.random.key(0), feats, feats[0], flows)["params"]
    own = {name: params[name] for name in ("kernel", "bias")}
    # Offsets start at zero and masks at one half.
    expected = 2 * deformable.apply({"params": params}, feats, feats[0], flows)
    aligned = flow_only.apply({"params": own}, feats, feats[0], flows)
    np.testing.assert_allclose(aligned, expected, atol=1e-5)
