"""Writes a network as ONNX, for one number and size of frames. docs/exporting.md.

    python export_onnx.py lite lite.onnx 5 96x64

jax2onnx has no scan from last to first, which a backward branch is; it gets one from
first to last over turned arrays. The result is run with onnxruntime and compared.
"""

import sys

import jax
import jax.numpy as jnp
import numpy as np
import onnx
import onnxruntime
from jax import lax
from jax.extend.core import Literal, jaxpr_as_fun
from jax2onnx import to_onnx

import bvsrpp_jax


def without_reverse(program, *inputs):
    """Runs a jaxpr; its scans from last to first see everything turned."""
    known = dict(zip(program.jaxpr.constvars, program.consts, strict=True))
    known |= dict(zip(program.jaxpr.invars, inputs, strict=True))
    read = lambda v: v.val if isinstance(v, Literal) else known[v]
    for step in program.jaxpr.eqns:
        values, params = [read(v) for v in step.invars], step.params
        if "call_jaxpr" in params:  # with derivatives of its own, unused here
            results = jaxpr_as_fun(params["call_jaxpr"])(*values)
        elif step.primitive is lax.scan_p and params["reverse"]:
            carried = params["num_carry"]  # these and constants have no frames
            given = params["num_consts"] + carried
            values[given:] = [jnp.flip(x, 0) for x in values[given:]]
            results = lax.scan_p.bind(*values, **{**params, "reverse": False})
            results[carried:] = [jnp.flip(x, 0) for x in results[carried:]]
        else:
            results = step.primitive.bind(*values, **params)
            results = results if step.primitive.multiple_results else [results]
        known |= dict(zip(step.outvars, results, strict=True))
    return [read(v) for v in program.jaxpr.outvars]


if __name__ == "__main__":
    weights, target, t, size = sys.argv[1:]
    model, params = bvsrpp_jax.load(weights)
    network = jax.jit(lambda lq: model.apply({"params": params}, lq))
    w, h = map(int, size.split("x"))
    lq = np.random.default_rng(0).random((1, int(t), h, w, 3), np.float32)

    traced = jax.make_jaxpr(network.__wrapped__)(lq)
    turned = jaxpr_as_fun(jax.make_jaxpr(lambda x: without_reverse(traced, x))(lq))
    onnx.save(to_onnx(lambda x: turned(x)[0], inputs=[lq.shape]), target)

    session = onnxruntime.InferenceSession(target, providers=["CPUExecutionProvider"])
    (output,) = session.run(None, {session.get_inputs()[0].name: lq})
    print(f"{target}: differs from JAX by {np.abs(output - network(lq)).max():.1e}")
