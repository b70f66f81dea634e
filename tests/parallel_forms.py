"""One training step in every parallel form, for test_training_parallel.py.

    python parallel_forms.py

Needs eight devices. Prints, as JSON, by how much the gradients differ from those of the
batch's clips one after the other on one device, relative to the largest entry, and
which collectives the compiled step has, with the bytes of each.

In 64-bit mode: in float32 the order of summation alone makes 4e-6 of a batch of eight.
"""

import json
import re
from math import prod

import jax
import numpy as np
import optax
from jax.flatten_util import ravel_pytree
from stand_in import tiny_network

from bvsrpp_jax.training.parallel import (
    DATA,
    data_mesh,
    data_parallel,
    replicated,
    shard_batch,
)
from bvsrpp_jax.training.state import create_state
from bvsrpp_jax.training.step import make_loss, make_train_step

BATCH = 8
COLLECTIVE = re.compile(r"= (f\d+)\[([\d,]*)\]\S* (all-reduce|all-gather)(?:-start)?\(")


def main() -> None:
    jax.config.update("jax_enable_x64", True)
    model, params = tiny_network(remat=True, dtype=np.float64)
    params = jax.tree.map(np.float64, params)
    rng = np.random.default_rng(0)
    sizes = {"lq": 64, "gt": 256}
    batch = {
        name: rng.random((BATCH, 2, side, side, 3)) for name, side in sizes.items()
    }
    # Plain descent of rate 1: the gradient is what the parameters lose.
    optimizer, loss = optax.sgd(1.0), make_loss(model)
    # On the host: a data-parallel step consumes its state.
    state = jax.device_get(create_state(params, optimizer))
    before, _ = ravel_pytree(state.params)

    def gradient(after, metrics) -> tuple[np.ndarray, float]:
        flat, _ = ravel_pytree(jax.device_get(after.params))
        return np.asarray(before - flat), float(metrics["loss"])

    plain = jax.jit(make_train_step(loss, optimizer, accumulate=BATCH))
    expected, expected_loss = gradient(*plain(state, batch))
    step = make_train_step(loss, optimizer, axis_name=DATA)
    results = {}
    for count in (1, BATCH):
        mesh = data_mesh(jax.devices()[:count])
        on_devices = jax.device_put(state, replicated(mesh))
        arguments = on_devices, shard_batch(batch, mesh)
        compiled = data_parallel(step, mesh).lower(*arguments).compile()
        results[f"{count} devices"] = gradient(*compiled(*arguments))
    mapped = jax.pmap(step, axis_name=DATA, in_axes=(None, 0), out_axes=None)
    by_device = jax.tree.map(lambda x: x[:, None], batch)
    results["pmap"] = gradient(*mapped(state, by_device))

    largest = np.abs(expected).max()
    report = {
        "gradients": {
            name: float(np.abs(grads - expected).max() / largest)
            for name, (grads, _) in results.items()
        },
        "losses": {
            name: abs(value - expected_loss) for name, (_, value) in results.items()
        },
        "collectives": [
            (kind, prod(map(int, shape.split(","))) * int(dtype[1:]) // 8)
            for dtype, shape, kind in COLLECTIVE.findall(compiled.as_text())
        ],
        "parameter_bytes": before.nbytes,
    }
    print(json.dumps(report))


if __name__ == "__main__":
    main()
