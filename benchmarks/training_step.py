"""What the convolution's own derivative rule and rematerialisation save in training.

    python benchmarks/training_step.py

Part one: the gradient of two 3x3 convolutions of 64 channels inside a scan over three
64x64 frames, with JAX's derived rule and with `ops.conv.conv2d`, taking turns. Part
two: the gradient of the whole c64n7 network on five 64x64 frames, stored and
rematerialised: temporaries of the compiled programs, and seconds, taking turns.
"""

import argparse
import statistics
import time
from collections.abc import Callable
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from side_by_side import take_turns

from bvsrpp_jax.models.basicvsrpp import BasicVSRPlusPlus
from bvsrpp_jax.ops.conv import conv2d


def main() -> None:
    """Prints both parts."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--repeats", type=int, default=7)
    repeats = parser.parse_args().repeats
    print(f"JAX {jax.__version__} on {jax.devices()[0].device_kind}")
    print("gradient of two convolutions in a scan")
    compare(
        {"derived rule": convolutions(derived), "ours": convolutions(conv2d)}, repeats
    )
    print("gradient of the network, c64n7, 5 frames of 64x64")
    compare({"stored": network(False), "rematerialised": network(True)}, repeats // 2)


def convolutions(conv: Callable) -> tuple[Callable, tuple]:
    """The gradient of a scan over frames, and its arguments."""
    rng = np.random.default_rng(0)
    kernels = jnp.float32(rng.standard_normal((2, 3, 3, 64, 64)) / 24)
    frames = jnp.float32(rng.standard_normal((3, 1, 64, 64, 64)))

    def loss(kernels, frames):
        def step(total, frame):
            return total + (conv(conv(frame, kernels[0]), kernels[1]) ** 2).sum(), None

        return lax.scan(step, 0.0, frames)[0]

    return jax.grad(loss, (0, 1)), (kernels, frames)


def derived(x: jax.Array, kernel: jax.Array) -> jax.Array:
    """The same convolution, differentiated by JAX."""
    dimensions = ("NHWC", "HWIO", "NHWC")
    return lax.conv_general_dilated(
        x, kernel, (1, 1), "SAME", dimension_numbers=dimensions
    )


def network(remat: bool) -> tuple[Callable, tuple]:
    """The gradient of the mean square of the output, and its arguments."""
    model = BasicVSRPlusPlus(remat=remat)
    lq = np.random.default_rng(0).random((1, 5, 64, 64, 3), np.float32)
    key = jax.random.key(0, impl="rbg")
    params = jax.jit(model.init)(key, lq)["params"]
    return jax.grad(lambda p: (model.apply({"params": p}, lq) ** 2).mean()), (params,)


def compare(sides: dict[str, tuple[Callable, tuple]], repeats: int) -> None:
    """Checks that both sides agree, then times them in turns."""
    programs = {
        name: (jax.jit(function).lower(*inputs).compile(), inputs)
        for name, (function, inputs) in sides.items()
    }
    results = [jax.tree.leaves(run(*inputs)) for run, inputs in programs.values()]
    for one, other in zip(*results, strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=1e-4 * np.abs(one).max())
    calls = {name: partial(seconds, *program) for name, program in programs.items()}
    rounds = take_turns(calls, repeats)
    medians = []
    for name, (program, _) in programs.items():
        medians.append(statistics.median(r["seconds"] for r in rounds[name]))
        temporaries = program.memory_analysis().temp_size_in_bytes / 2**20
        print(f"  {name:15} {medians[-1]:8.3f} s  temporaries {temporaries:6.0f} MiB")
    print(f"  ratio of medians, second to first: {medians[1] / medians[0]:.3f}")


def seconds(run: Callable, inputs: tuple) -> dict[str, float]:
    began = time.perf_counter()
    jax.block_until_ready(run(*inputs))
    return {"seconds": time.perf_counter() - began}


if __name__ == "__main__":
    main()
