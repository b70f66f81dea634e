"""Size and speed of a network, as the literature reports them.

Parameters, multiply-adds, milliseconds and memory of one forward pass of the network
over a random clip, by default of 180x320 pixels, the input size of REDS.

The 406 GFLOPs that are published of the paper's network are multiply-adds: its layers
have 406 G a frame in a clip of five whose first frame is not aligned, and 437 G where
every frame is aligned and has both flows. As FLOPs they would be twice as many.
"""

import time
from collections.abc import Callable, Sequence
from math import prod
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from bvsrpp_jax.evaluation.multiply_adds import multiply_adds
from bvsrpp_jax.models.basicvsrpp import BasicVSRPlusPlus
from bvsrpp_jax.ops.precision import in_full_precision

REPEATS = 5


class Cost(NamedTuple):
    """What a network costs.

    Attributes:
      parameters: of the whole network.
      flow_parameters: of its flow network alone.
      macs: multiply-adds of convolutions and matrix products, a frame.
      seconds: of each repetition, a frame, sorted.
      memory: bytes that the program holds at its peak, parameters and clip included.
      size: (h, w) of the input.
      num_frames: of the clip.
      dtype: of features.
      device: what it ran on.
    """

    parameters: int
    flow_parameters: int
    macs: float
    seconds: Sequence[float]
    memory: int
    size: tuple[int, int]
    num_frames: int
    dtype: str
    device: str


def measure(
    model: BasicVSRPlusPlus,
    params: Any = None,
    *,
    size: tuple[int, int] = (180, 320),
    num_frames: int = 10,
    repeats: int = REPEATS,
    device: jax.Device | None = None,
) -> Cost:
    """Measures a network on one device.

    Args:
      model: the network.
      params: its parameters; random ones by default.
      size: (h, w) of the input.
      num_frames: of the clip. The time is that of the network alone, over this number.
      repeats: how often it runs, after once for warming up.
      device: the first one by default.

    Raises:
      ValueError: a size that the network does not take.
    """
    device = device or jax.local_devices()[0]
    clip = np.random.default_rng(0).random((1, num_frames, *size, 3), np.float32)
    with jax.default_device(device):
        clip = jnp.asarray(clip)
        if params is None:
            params = _random_parameters(model, clip)
        params = jax.device_put(params, device)

        @jax.jit
        @in_full_precision  # as it is evaluated and as it restores
        def forward(params, lq):
            return model.apply({"params": params}, lq)

        compiled = forward.lower(params, clip).compile()
        seconds = _seconds(lambda: compiled(params, clip), repeats)
    return Cost(
        parameters=_count(params),
        flow_parameters=_count(params["spynet"]),
        macs=multiply_adds(forward, params, clip) / num_frames,
        seconds=[each / num_frames for each in seconds],
        memory=_peak(compiled),
        size=size,
        num_frames=num_frames,
        dtype=jnp.dtype(model.dtype).name,
        device=device.device_kind,
    )


def cost_text(cost: Cost) -> str:
    """A cost as a table, with what is published of the paper's network beside it."""
    h, w = cost.size
    median = 1000 * float(np.median(cost.seconds))
    spread = f"{1000 * cost.seconds[0]:.1f} to {1000 * cost.seconds[-1]:.1f}"
    flow, share = cost.flow_parameters, cost.flow_parameters / cost.parameters
    rows = (
        ("", "this network", "published, c64n7 x4"),
        ("parameters", f"{cost.parameters / 1e6:.2f} M", "7.3 M [1]"),
        ("  of the flow network", f"{flow / 1e6:.2f} M, {share:.1%}", ""),
        ("multiply-adds a frame", f"{cost.macs / 1e9:.1f} G", '406 G "FLOPs" [2]'),
        ("FLOPs, two for each", f"{2 * cost.macs / 1e9:.1f} G", ""),
        ("milliseconds a frame", f"{median:.1f} ({spread})", "77, Tesla V100 [1]"),
        ("memory of the program", f"{cost.memory / 2**20:,.0f} MiB", ""),
    )
    lines = [f"{a:<24}{b:<32}{c}".rstrip() for a, b, c in rows]
    return "\n".join(
        [
            f"Input {w}x{h}, a clip of {cost.num_frames} frames, {cost.dtype},"
            f" {cost.device}; median of {len(cost.seconds)} runs.",
            "",
            *lines,
            "",
            "[1] Chan et al., arXiv:2104.13371   [2] PaddleGAN's table of PP-MSVSR;"
            " multiply-adds",
        ]
    )


def _random_parameters(model, clip):
    """Of a size that keeps features as large as they were; not the initial ones.

    Those would leave every offset zero, and compile for longer than the network does.
    """
    shapes = jax.eval_shape(model.init, jax.random.key(0), clip[:, :2])["params"]
    random = np.random.default_rng(0)

    def draw(leaf):
        spread = prod(leaf.shape[:-1]) ** -0.5 if len(leaf.shape) > 1 else 0.01
        return random.normal(0, spread, leaf.shape).astype(leaf.dtype)

    return jax.tree.map(draw, shapes)


def _seconds(call: Callable, repeats: int) -> list[float]:
    jax.block_until_ready(call())
    seconds = []
    for _ in range(repeats):
        began = time.perf_counter()
        jax.block_until_ready(call())
        seconds.append(time.perf_counter() - began)
    return sorted(seconds)


def _count(params) -> int:
    return sum(leaf.size for leaf in jax.tree.leaves(params))


def _peak(compiled: jax.stages.Compiled) -> int:
    memory = compiled.memory_analysis()
    passing = memory.argument_size_in_bytes + memory.output_size_in_bytes
    return memory.temp_size_in_bytes + passing - memory.alias_size_in_bytes
