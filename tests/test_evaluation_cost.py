"""Size and speed: multiply-adds against sums by hand and against XLA's own count."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import pytest
from jax import lax
from stand_in import QUICKLY, tiny_network

from bvsrpp_jax.evaluation.cost import Cost, cost_text, measure
from bvsrpp_jax.evaluation.multiply_adds import multiply_adds
from bvsrpp_jax.models.basicvsrpp import BasicVSRPlusPlus
from bvsrpp_jax.ops.conv import conv2d
from bvsrpp_jax.ops.deform_conv import modulated_deform_conv


def shape(*sizes):
    return jax.ShapeDtypeStruct(sizes, jnp.float32)


def whole(model):
    return lambda params, lq: model.apply({"params": params}, lq)


def shapes_of(model, lq):
    return jax.eval_shape(model.init, jax.random.key(0), lq)["params"]


def by_hand(c, num_blocks, h, w, frames, *, spynet=(32, 64, 32, 16), hr=64, groups=16):
    """The layers of an x4 network, one after another."""
    pixels, blocks = h * w, 2 * 9 * c * c
    per_frame = pixels * (9 * 3 * c + 5 * blocks)  # g
    for branch in range(4):
        offsets = 9 * ((3 * c + 4) * c + 2 * c * c + c * 27 * groups)
        deform = 9 * 2 * c * c
        refine = 9 * (2 + branch) * c * c + num_blocks * blocks
        per_frame += pixels * (offsets + deform + refine)
    per_frame += pixels * (9 * 5 * c * c + 5 * blocks)  # reconstruction
    per_frame += pixels * 9 * (c * 4 * c + 4 * c * 4 * hr)  # to twice, to four times
    per_frame += 16 * pixels * 9 * (hr * hr + hr * 3)
    widths = (8, *spynet, 2)
    level = sum(49 * i * o for i, o in zip(widths[:-1], widths[1:], strict=True))
    padded = (-(-h // 32) * 32) * (-(-w // 32) * 32)
    flow = sum(padded // 4**i for i in range(6)) * level
    return frames * per_frame + 2 * (frames - 1) * flow


def test_the_papers_network_has_the_multiply_adds_of_its_layers():
    model, lq = BasicVSRPlusPlus(), shape(1, 3, 180, 320, 3)
    counted = multiply_adds(whole(model), shapes_of(model, lq), lq)
    assert counted == by_hand(64, 7, 180, 320, 3)


def test_the_published_figure_is_multiply_adds_and_aligns_no_first_frame():
    # 406 G in PaddleGAN's table, which does not say of how many frames: five fit.
    pixels, c = 180 * 320, 64
    alignment = 9 * ((3 * c + 4) * c + 2 * c * c + c * 27 * 16 + 2 * c * c)
    first = 4 * pixels * alignment
    assert (by_hand(64, 7, 180, 320, 5) - first) / 5e9 == pytest.approx(406, abs=1)


def test_xla_counts_the_same_where_nothing_loops():
    model, params = tiny_network()
    lq = shape(1, 2, 64, 64, 3)

    def features(params, lq):
        return model.apply({"params": params}, lq, method="features")

    compiled = jax.jit(features).lower(params, lq).compile(compiler_options=QUICKLY)
    # XLA leaves out what meets the padding, and counts other arithmetic too.
    flops = compiled.cost_analysis()["flops"]
    assert flops == pytest.approx(2 * multiply_adds(features, params, lq), rel=0.05)


def test_convolutions_and_products():
    x = shape(2, 8, 10, 3)
    conv = lambda x, kernel: conv2d(x, kernel, stride=2)
    assert multiply_adds(conv, x, shape(3, 3, 3, 5)) == 2 * 4 * 5 * 5 * 27
    product = lambda a, b: jnp.einsum("nij,njk->nik", a, b)
    assert multiply_adds(product, shape(2, 3, 4), shape(2, 4, 5)) == 2 * 3 * 4 * 5
    deform = multiply_adds(
        modulated_deform_conv,
        shape(1, 6, 7, 4),
        shape(1, 6, 7, 2, 9, 2),
        shape(1, 6, 7, 2, 9),
        shape(3, 3, 4, 5),
    )
    assert deform == 6 * 7 * 9 * 4 * 5


def test_a_loop_counts_as_often_as_it_runs_and_a_choice_once():
    step = lambda carry, _: (carry @ carry, None)
    scanned = lambda x: lax.scan(step, x, length=7)[0]
    assert multiply_adds(scanned, shape(3, 3)) == 7 * 27
    chosen = lambda x: lax.cond(x[0, 0] > 0, lambda x: x @ x @ x, lambda x: x @ x, x)
    assert multiply_adds(chosen, shape(3, 3)) == 2 * 27
    endless = lambda x: lax.while_loop(lambda x: x[0, 0] > 0, lambda x: x @ x, x)
    with pytest.raises(ValueError, match="fixed number of rounds"):
        multiply_adds(endless, shape(3, 3))


class Small(nn.Module):
    """What a measurement asks of a network; a real one compiles for long."""

    dtype: str = "bfloat16"

    @nn.compact
    def __call__(self, lq):
        flow = nn.Conv(2, (3, 3), name="spynet")(lq)
        return nn.Conv(3, (1, 1), name="last")(jnp.concatenate([lq, flow], -1))


@pytest.mark.parametrize("given", [False, True])
def test_a_network_is_measured(given):
    model, lq = Small(), shape(1, 2, 64, 72, 3)
    params = model.init(jax.random.key(0), jnp.zeros(lq.shape))["params"]
    cost = measure(
        model, params if given else None, size=(64, 72), num_frames=2, repeats=3
    )
    assert cost.flow_parameters == 9 * 3 * 2 + 2
    assert cost.parameters == cost.flow_parameters + 5 * 3 + 3
    assert cost.macs == 64 * 72 * (9 * 3 * 2 + 5 * 3)
    assert len(cost.seconds) == 3
    assert cost.seconds == sorted(cost.seconds)
    assert cost.seconds[0] > 0
    clip = 4 * 2 * 64 * 72 * 3  # bytes: input, output, at least one flow
    assert 2 * clip + 4 * cost.parameters < cost.memory < 10 * clip
    assert (cost.size, cost.num_frames, cost.dtype) == ((64, 72), 2, "bfloat16")


def test_the_table_has_the_published_figures_beside_ours():
    cost = Cost(
        parameters=7_322_927,
        flow_parameters=1_440_300,
        macs=433.2e9,
        seconds=[0.030, 0.031, 0.045],
        memory=3 * 2**30,
        size=(180, 320),
        num_frames=10,
        dtype="bfloat16",
        device="Some accelerator",
    )
    text = cost_text(cost)
    for part in (
        "Input 320x180, a clip of 10 frames, bfloat16, Some accelerator",
        "7.32 M",
        "1.44 M, 19.7%",
        "433.2 G",
        "866.4 G",
        "31.0 (30.0 to 45.0)",
        "3,072 MiB",
        "7.3 M [1]",
        '406 G "FLOPs" [2]',
        "77, Tesla V100 [1]",
    ):
        assert part in text
    assert max(map(len, text.splitlines())) <= 88


def test_a_size_that_does_not_fit_is_named():
    model, params = tiny_network()
    with pytest.raises(ValueError, match="at least 64"):
        measure(model, params, size=(32, 64), num_frames=2)
