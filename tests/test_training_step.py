"""The step: updates, average, and what a non-finite gradient leaves behind."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from stand_in import tiny_network

from bvsrpp_jax.models.basicvsrpp import BasicVSRPlusPlus
from bvsrpp_jax.models.statistics import STATISTICS
from bvsrpp_jax.training.optimizer import learning_rates, make_optimizer
from bvsrpp_jax.training.state import create_state
from bvsrpp_jax.training.step import make_loss, make_train_step

OPTIMIZER = make_optimizer(learning_rates(rate=0.1, num_steps=10), fix_iter=0)


def quadratic(params, batch):
    value = jnp.sum((params["a"] - batch["target"]) ** 2)
    return value, {"loss": value}


def batch(target):
    return {"target": jnp.full(2, target)}


def start(**options):
    params = {"a": jnp.zeros(2), "spynet": {"b": jnp.ones(1)}}
    return create_state(params, OPTIMIZER, **options)


def assert_equal(a, b):
    for x, y in zip(jax.tree.leaves(a), jax.tree.leaves(b), strict=True):
        np.testing.assert_array_equal(x, y)


def test_a_step_moves_towards_the_minimum_and_counts():
    step = jax.jit(make_train_step(quadratic, OPTIMIZER))
    state, metrics = step(start(), batch(1.0))
    assert 0 < state.params["a"][0] < 1
    assert (state.step, state.skipped) == (1, 0)
    np.testing.assert_allclose(metrics["grad_norm"], np.sqrt(8), rtol=1e-6)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_step_that_is_not_finite_leaves_no_trace_but_counts(bad):
    step = jax.jit(make_train_step(quadratic, OPTIMIZER, ema_decay=0.5, clip_norm=1.0))
    before, _ = step(start(averaged=True), batch(1.0))
    after, _ = step(before, batch(bad))
    assert (after.step, after.skipped, after.skipped_in_a_row) == (2, 1, 1)
    assert_equal(after[3:], before[3:])  # parameters, optimizer, average
    again, _ = step(after, batch(bad))
    assert (again.skipped, again.skipped_in_a_row) == (2, 2)
    good, _ = step(again, batch(1.0))
    assert (good.skipped, good.skipped_in_a_row) == (2, 0)
    straight, _ = step(before, batch(1.0))
    assert_equal(good.opt_state, straight.opt_state)


def test_a_finite_loss_with_a_broken_gradient_is_skipped_too():
    def root(params, batch):
        value = jnp.sqrt(jnp.abs(params["a"])).sum()  # gradient at 0 is not finite
        return value, {"loss": value}

    after, _ = make_train_step(root, OPTIMIZER)(start(), batch(0.0))
    assert after.skipped == 1
    assert_equal(after.params, start().params)


def test_average_follows_the_parameters_ever_more_slowly():
    step = jax.jit(make_train_step(quadratic, OPTIMIZER, ema_decay=0.15))
    one, _ = step(start(averaged=True), batch(1.0))
    # The first decay is (1 + 0) / (10 + 0) = 0.1; later ones stop at 0.15.
    np.testing.assert_allclose(one.ema["a"], 0.9 * one.params["a"], rtol=1e-6)
    two, _ = step(one, batch(1.0))
    expected = 0.15 * one.ema["a"] + 0.85 * two.params["a"]
    np.testing.assert_allclose(two.ema["a"], expected, rtol=1e-6)


def test_without_average_there_is_none():
    state, _ = make_train_step(quadratic, OPTIMIZER)(start(), batch(1.0))
    assert state.ema is None
    assert state.best_params is state.params


def linear(params, batch):
    value = jnp.mean(batch["lq"] * params["a"].sum())
    return value, {"loss": value, "flow_max": batch["lq"].max()}


def test_accumulated_parts_are_the_whole_batch():
    whole, parts = (
        make_train_step(linear, OPTIMIZER, accumulate=count) for count in (1, 4)
    )
    values = {"lq": jnp.arange(8.0)}
    (one, in_one), (other, in_parts) = (f(start(), values) for f in (whole, parts))
    np.testing.assert_allclose(one.params["a"], other.params["a"], rtol=1e-6)
    for name in ("loss", "grad_norm", "flow_max"):
        np.testing.assert_allclose(in_one[name], in_parts[name], rtol=1e-6)
    with pytest.raises(ValueError, match="accumulate is 3, but a device has 8 clips"):
        make_train_step(linear, OPTIMIZER, accumulate=3)(start(), values)


def test_a_gradient_above_the_norm_is_scaled_down_to_it_and_others_are_not():
    for target, norm in ((1.0, 1.0), (0.1, np.sqrt(8) * 0.1)):
        step = make_train_step(quadratic, OPTIMIZER, clip_norm=1.0)
        state, metrics = step(start(), batch(target))
        np.testing.assert_allclose(metrics["grad_norm"], np.sqrt(8) * target, rtol=1e-6)
        first_moment = optax.tree.get(state.opt_state, "mu", filtering=in_main)
        np.testing.assert_allclose(
            np.linalg.norm(first_moment["a"]), 0.1 * norm, rtol=1e-5
        )


def in_main(path, _):
    return "main" in str(path)


@pytest.mark.parametrize(
    ("option", "value"), [("accumulate", 0), ("clip_norm", -1.0), ("ema_decay", 1.0)]
)
def test_options_out_of_range_are_named(option, value):
    with pytest.raises(ValueError, match=f"{option} is {value}"):
        make_train_step(linear, OPTIMIZER, **{option: value})


@pytest.fixture(scope="module")
def network():
    return tiny_network()


@pytest.mark.long
@pytest.mark.parametrize(("break_flow", "counted"), [(False, 0), (True, 1)])
def test_flows_and_offsets_that_are_not_finite_are_counted(
    network, break_flow, counted
):
    model, params = network
    if break_flow:
        bias = params["spynet"]["basic_module_5"]["conv_4"]["bias"].at[0].set(np.inf)
        params = jax.tree.map(lambda x: x, params)  # a copy of the dicts
        params["spynet"]["basic_module_5"]["conv_4"]["bias"] = bias
    clip = jnp.zeros((1, 3, 64, 64, 3))
    pictures = {"lq": clip, "gt": jnp.zeros((1, 3, 256, 256, 3))}
    _, metrics = make_loss(model)(params, pictures)
    pixels = 64 * 64
    # Two flows each way, of which x is broken. A backward branch has two frames with a
    # first-order flow, of which it uses one for the second order; four branches.
    assert metrics["flow_nonfinite"] == counted * 4 * pixels
    assert (metrics["offset_nonfinite"] > 0) == break_flow
    assert np.isfinite(metrics["flow_max"]) != break_flow


def test_statistics_cost_nothing_unless_asked_for(network):
    model, params = network
    clip = jnp.zeros((1, 2, 64, 64, 3))
    plain = jax.make_jaxpr(lambda p: model.apply({"params": p}, clip))(params)
    watched = jax.make_jaxpr(
        lambda p: model.apply({"params": p}, clip, mutable=[STATISTICS])
    )(params)
    assert "is_finite" not in str(plain)
    assert "is_finite" in str(watched)


def test_flow_loss_is_for_upscaling_models_only():
    with pytest.raises(ValueError, match="flow_loss_weight"):
        make_loss(BasicVSRPlusPlus(scale=1), flow_loss_weight=0.1)
    with pytest.raises(ValueError, match="flow_loss_weight"):
        make_loss(BasicVSRPlusPlus(), flow_loss_weight=-0.1)


class TwoFlows:
    """A model whose output and flows are its parameters: the loss on paper."""

    feature_stride = 1

    def apply(self, variables, lq, *, method="__call__", mutable=False):
        params = variables["params"]
        if method == "flows":
            flow = jnp.zeros((1, 1, 4, 4, 2)) + params["flow"]
            return flow, flow
        return jnp.zeros((1, 2, 4, 4, 3)) + params["output"], {STATISTICS: {}}


def test_flow_loss_is_added_with_its_weight():
    params = {"output": jnp.float32(0.25), "flow": jnp.float32(0)}
    clip = jnp.zeros((1, 2, 4, 4, 3)).at[:, 1].set(0.5)  # brightens: no flow helps
    pictures = {"lq": clip, "gt": jnp.zeros((1, 2, 4, 4, 3))}
    plain, _ = make_loss(TwoFlows())(params, pictures)
    both, metrics = make_loss(TwoFlows(), flow_loss_weight=0.1)(params, pictures)
    np.testing.assert_allclose(plain, 0.25, rtol=1e-5)
    np.testing.assert_allclose(both, 0.25 + 0.1 * 0.5, rtol=1e-5)
    np.testing.assert_allclose(metrics["flow_loss"], 0.5, rtol=1e-5)
