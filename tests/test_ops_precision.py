"""Results ask for all bits of float32, on every platform."""

import jax
import jax.numpy as jnp
import numpy as np
from stand_in import StandIn, tiny_network

from bvsrpp_jax.evaluation.validation import make_validation
from bvsrpp_jax.ops.precision import in_full_precision
from bvsrpp_jax.restoration.programs import make_programs


def precisions_in(jaxpr):
    """Of all convolutions and matrix products of a program."""
    for equation in jaxpr.eqns:
        if equation.primitive.name in ("conv_general_dilated", "dot_general"):
            yield equation.params["precision"]
        for value in equation.params.values():
            inner = getattr(value, "jaxpr", value)
            if hasattr(inner, "eqns"):
                yield from precisions_in(inner)


def test_restoration_multiplies_in_full_precision():
    model, params = tiny_network()
    programs = make_programs(model)
    frames = np.zeros((2, 64, 64, 3), np.float32)
    found = list(precisions_in(jax.make_jaxpr(programs.encode)(params, frames).jaxpr))
    highest = jax.lax.Precision.HIGHEST
    assert len(found) > 30
    assert set(found) == {(highest, highest)}


def test_a_precision_that_was_chosen_is_kept():
    seen = in_full_precision(lambda: jax.config.jax_default_matmul_precision)
    assert seen() == "highest"
    with jax.default_matmul_precision("tensorfloat32"):
        assert seen() == "tensorfloat32"


def test_validation_multiplies_in_full_precision():
    seen = []

    class Watched(StandIn):
        def apply(self, variables, lq):
            seen.append(jax.config.jax_default_matmul_precision)
            return self.reconstruct(variables["params"], lq, ())

    def read():
        return np.ones((1, 64, 64, 3), np.float32), np.ones((1, 256, 256, 3), np.uint8)

    make_validation(Watched(), [read], channel="rgb")(
        {"params": jnp.ones(())}["params"]
    )
    assert seen == ["highest"]
    assert jax.config.jax_default_matmul_precision is None
