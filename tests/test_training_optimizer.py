"""Two groups, one cosine, a flow network that is released once."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from bvsrpp_jax.training.optimizer import (
    cosine,
    learning_rates,
    make_optimizer,
    parameter_groups,
)

PARAMS = {"spynet": {"kernel": jnp.ones(2)}, "conv_last": {"kernel": jnp.ones(3)}}


def run(gradients, **options):
    """Parameters after each of the gradients, the same for all entries."""
    rates = learning_rates(rate=0.1, num_steps=10, min_rate=1e-3)
    optimizer = make_optimizer(rates, **options)
    params, state, history = PARAMS, optimizer.init(PARAMS), [PARAMS]
    for gradient in gradients:
        grads = jax.tree.map(lambda x, g=gradient: jnp.full_like(x, g), params)
        updates, state = optimizer.update(grads, state, params)
        params = optax.apply_updates(params, updates)
        history.append(params)
    return history


def steps_of(history, name):
    values = [float(params[name]["kernel"][0]) for params in history]
    return -np.diff(values)


def test_cosine_runs_from_the_rate_to_the_absolute_minimum():
    schedule = cosine(1e-2, num_steps=4, min_rate=1e-3)
    values = [float(schedule(step)) for step in (0, 2, 4, 9)]
    np.testing.assert_allclose(values, [1e-2, 5.5e-3, 1e-3, 1e-3], rtol=1e-6)


def test_flow_network_learns_at_a_quarter_and_ends_at_the_same_minimum():
    rates = learning_rates(rate=1e-4, num_steps=8, min_rate=1e-7)
    np.testing.assert_allclose(rates["spynet"](0), 2.5e-5, rtol=1e-6)
    np.testing.assert_allclose(rates["spynet"](8), rates["main"](8), rtol=1e-6)


def test_only_the_flow_network_is_in_its_group():
    assert parameter_groups(PARAMS) == {
        "spynet": {"kernel": "spynet"},
        "conv_last": {"kernel": "main"},
    }


@pytest.mark.parametrize("fix_iter", [0, 1, 3])
def test_flow_network_stands_still_for_exactly_fix_iter_steps(fix_iter):
    moved = steps_of(run([1.0] * 5, fix_iter=fix_iter), "spynet") != 0
    assert moved.tolist() == [False] * fix_iter + [True] * (5 - fix_iter)


def test_moments_and_bias_correction_start_at_release():
    # What a frozen parameter saw leaves no trace: its steps are those of an optimizer
    # that begins at release, at the rate of the day.
    frozen = steps_of(run([5.0, -3.0, 1.0, 2.0, -1.0], fix_iter=2), "spynet")[2:]
    fresh = steps_of(run([1.0, 2.0, -1.0], fix_iter=0), "spynet")
    rate = cosine(0.025, num_steps=10, min_rate=1e-3)
    scale = np.array([float(rate(i + 2) / rate(i)) for i in range(3)])
    np.testing.assert_allclose(frozen, fresh * scale, rtol=1e-5)


def test_main_group_is_adam_with_the_papers_decays():
    ours = steps_of(run([1.0, 2.0, -1.0], fix_iter=0), "conv_last")
    m = v = 0.0
    for i, gradient in enumerate([1.0, 2.0, -1.0]):
        m, v = 0.9 * m + 0.1 * gradient, 0.99 * v + 0.01 * gradient**2
        direction = m / (1 - 0.9 ** (i + 1)) / np.sqrt(v / (1 - 0.99 ** (i + 1)))
        rate = float(cosine(0.1, num_steps=10, min_rate=1e-3)(i))
        np.testing.assert_allclose(ours[i], rate * direction, rtol=1e-4)
