"""The step: updates, average, and what a non-finite gradient leaves behind."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from bvsrpp_jax.models.basicvsrpp import BasicVSRPlusPlus
from bvsrpp_jax.training.optimizer import learning_rates, make_optimizer
from bvsrpp_jax.training.state import create_state
from bvsrpp_jax.training.step import make_loss, make_train_step

OPTIMIZER = make_optimizer(learning_rates(rate=0.1, num_steps=10), fix_iter=0)


def quadratic(params, batch):
    value = jnp.sum((params["a"] - batch["target"]) ** 2)
    return value, {"loss": value}


def batch(target):
    return {"target": jnp.full(2, target)}


def start():
    return create_state({"a": jnp.zeros(2), "spynet": {"b": jnp.ones(1)}}, OPTIMIZER)


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
    step = jax.jit(make_train_step(quadratic, OPTIMIZER, ema_decay=0.5))
    before, _ = step(start(), batch(1.0))
    after, _ = step(before, batch(bad))
    assert (after.step, after.skipped) == (2, 1)
    assert_equal(after[2:], before[2:])  # parameters, optimizer, average


def test_a_finite_loss_with_a_broken_gradient_is_skipped_too():
    def root(params, batch):
        value = jnp.sqrt(jnp.abs(params["a"])).sum()  # gradient at 0 is not finite
        return value, {"loss": value}

    after, _ = make_train_step(root, OPTIMIZER)(start(), batch(0.0))
    assert after.skipped == 1
    assert_equal(after.params, start().params)


def test_average_follows_the_parameters_ever_more_slowly():
    step = jax.jit(make_train_step(quadratic, OPTIMIZER, ema_decay=0.15))
    one, _ = step(start(), batch(1.0))
    # The first decay is (1 + 0) / (10 + 0) = 0.1; later ones stop at 0.15.
    np.testing.assert_allclose(one.ema["a"], 0.9 * one.params["a"], rtol=1e-6)
    two, _ = step(one, batch(1.0))
    expected = 0.15 * one.ema["a"] + 0.85 * two.params["a"]
    np.testing.assert_allclose(two.ema["a"], expected, rtol=1e-6)


def test_without_average_it_is_the_parameters():
    state, _ = make_train_step(quadratic, OPTIMIZER)(start(), batch(1.0))
    assert_equal(state.ema, state.params)


def test_flow_loss_is_for_upscaling_models_only():
    with pytest.raises(ValueError, match="flow_loss_weight"):
        make_loss(BasicVSRPlusPlus(scale=1), flow_loss_weight=0.1)
    with pytest.raises(ValueError, match="flow_loss_weight"):
        make_loss(BasicVSRPlusPlus(), flow_loss_weight=-0.1)


class TwoFlows:
    """A model whose output and flows are its parameters: the loss on paper."""

    scale = 4

    def apply(self, variables, lq, *, method="__call__"):
        params = variables["params"]
        if method == "flows":
            flow = jnp.zeros((1, 1, 4, 4, 2)) + params["flow"]
            return flow, flow
        return jnp.zeros((1, 2, 4, 4, 3)) + params["output"]


def test_flow_loss_is_added_with_its_weight():
    params = {"output": jnp.float32(0.25), "flow": jnp.float32(0)}
    clip = jnp.zeros((1, 2, 4, 4, 3)).at[:, 1].set(0.5)  # brightens: no flow helps
    pictures = {"lq": clip, "gt": jnp.zeros((1, 2, 4, 4, 3))}
    plain, _ = make_loss(TwoFlows())(params, pictures)
    both, metrics = make_loss(TwoFlows(), flow_loss_weight=0.1)(params, pictures)
    np.testing.assert_allclose(plain, 0.25, rtol=1e-5)
    np.testing.assert_allclose(both, 0.25 + 0.1 * 0.5, rtol=1e-5)
    np.testing.assert_allclose(metrics["flow_loss"], 0.5, rtol=1e-5)
