"""The expected time follows the work, which is that of the network's own program."""

from collections.abc import Iterator
from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from stand_in import tiny_network

from bvsrpp_jax.restoration import speed
from bvsrpp_jax.restoration.memory import Memory
from bvsrpp_jax.restoration.plan import Plan

PLAN = Plan(8, 0, 4, needed=Memory(0, 0), available=Memory(0, 0))


def in_program(jaxpr) -> float:
    """Multiplications of the convolutions and matrix products of a program."""
    total = 0.0
    for equation in jaxpr.eqns:
        if equation.primitive.name in ("conv_general_dilated", "dot_general"):
            left, right = (variable.aval for variable in equation.invars)
            (out,) = (variable.aval for variable in equation.outvars)
        if equation.primitive.name == "conv_general_dilated":
            total += out.size * right.size / out.shape[-1]
        elif equation.primitive.name == "dot_general":
            (contracted, _), _ = equation.params["dimension_numbers"]
            total += out.size * np.prod([left.shape[i] for i in contracted])
        inner = sum(map(in_program, programs_in(equation.params)))
        total += inner * equation.params.get("length", 1)
    return total


def programs_in(parameters) -> Iterator:
    """The programs that an equation calls."""
    for value in parameters.values():
        program = getattr(value, "jaxpr", value)
        if hasattr(program, "eqns"):
            yield program


@pytest.mark.parametrize(
    "options",
    [
        {"scale": 4},
        {"scale": 1},
        {"scale": 1, "feature_stride": 2},
        {"scale": 3, "branches": ("forward_1",), "second_order": False},
    ],
)
def test_multiplications_are_those_of_the_program(options):
    model, params = tiny_network(**options)
    side, count = model.min_side, 9
    lq = jax.ShapeDtypeStruct((1, count, side, side, 3), jnp.float32)
    program = jax.make_jaxpr(model.apply)({"params": params}, lq)
    pixels = count * (side // model.feature_stride) ** 2
    ours = pixels * speed.multiplications(model, params)
    # A clip has one flow less than frames, and resizing multiplies a little.
    assert ours == pytest.approx(in_program(program.jaxpr), rel=0.15)


def test_time_follows_the_work(monkeypatch):
    monkeypatch.setattr(speed, "multiplications_per_second", lambda *_: 1e9)
    model, params = tiny_network()
    device = jax.devices()[0]

    def seconds(size=(128, 128), **changes):
        plan = replace(PLAN, **changes)
        return speed.seconds_per_frame(model, params, plan, size, device)

    once = seconds()
    assert seconds((256, 128)) == pytest.approx(2 * once)
    assert seconds(ensemble=8) == pytest.approx(8 * once)
    assert seconds(overlap=2) == pytest.approx(2 * once)  # half of 8 is kept
    assert seconds(devices=4) == pytest.approx(once / 4)
    assert seconds(lookahead=4) == pytest.approx(17 / 4 * once)
    assert seconds(tile=(128, 80), tile_overlap=32) == pytest.approx(1.25 * once)


def test_a_device_multiplies():
    assert 1e6 < speed.multiplications_per_second(8, "float32", jax.devices()[0]) < 1e16
