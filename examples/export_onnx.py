"""Writes a network as ONNX, for one number and size of frames. docs/exporting.md.

    python export_onnx.py lite lite.onnx 5 96x64

jax2onnx knows no scan from last to first, which a backward branch is; it gets one from
first to last over turned arrays. The result is run with onnxruntime and compared.
"""

import sys

import jax
import jax.numpy as jnp
import numpy as np
import onnx
import onnxruntime
from jax import lax
from jax.extend.core import ClosedJaxpr, Literal, jaxpr_as_fun
from jax2onnx import to_onnx

import bvsrpp_jax


def convert(function, shape):
    """The ONNX model of a function of one float32 array."""
    frames = jax.ShapeDtypeStruct(shape, jnp.float32)
    traced = jax.make_jaxpr(function)(frames)
    turned = jax.make_jaxpr(lambda lq: without_reverse(traced, lq))(frames)
    # As a jaxpr, or jax2onnx would trace jax.numpy in versions of its own.
    return to_onnx(lambda lq: jaxpr_as_fun(turned)(lq)[0], inputs=[shape])


def without_reverse(program: ClosedJaxpr, *inputs):
    """Runs a program; its scans from last to first see everything turned."""
    known = dict(zip(program.jaxpr.constvars, program.consts, strict=True))
    known.update(zip(program.jaxpr.invars, inputs, strict=True))

    def read(variable):
        return variable.val if isinstance(variable, Literal) else known[variable]

    for step in program.jaxpr.eqns:
        values = [read(variable) for variable in step.invars]
        if step.primitive is lax.scan_p and step.params["reverse"]:
            results = _turned_scan(step.params, values)
        elif "call_jaxpr" in step.params:  # with derivatives of its own, unused here
            results = jaxpr_as_fun(step.params["call_jaxpr"])(*values)
        else:
            results = step.primitive.bind(*values, **step.params)
        if not isinstance(results, list | tuple):
            results = [results]
        known.update(zip(step.outvars, results, strict=True))
    return [read(variable) for variable in program.jaxpr.outvars]


def _turned_scan(params, values):
    before = params["num_consts"] + params["num_carry"]
    turned = [jnp.flip(value, 0) for value in values[before:]]
    params = {**params, "reverse": False}
    results = lax.scan_p.bind(*values[:before], *turned, **params)
    carried = params["num_carry"]
    return [*results[:carried], *(jnp.flip(y, 0) for y in results[carried:])]


def difference(path, function, shape):
    """The largest difference between onnxruntime and JAX on random frames."""
    lq = np.random.default_rng(0).random(shape, np.float32)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    (output,) = session.run(None, {session.get_inputs()[0].name: lq})
    return np.abs(output - jax.jit(function)(lq)).max()


if __name__ == "__main__":
    weights, target, t, size = sys.argv[1:]
    model, params = bvsrpp_jax.load(weights)
    w, h = map(int, size.split("x"))
    shape = 1, int(t), h, w, 3

    def network(lq):
        return model.apply({"params": params}, lq)

    onnx.save(convert(network, shape), target)
    print(f"{target}: differs from JAX by {difference(target, network, shape):.1e}")
