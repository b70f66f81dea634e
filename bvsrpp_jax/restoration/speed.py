"""How long a restoration will take, told before the network is compiled.

The multiplications of a frame are counted from the kernels' sizes; how fast the device
does them is measured on one convolution of the network's own width, which takes less
than a second.
"""

import time
from typing import Any

import jax
import jax.numpy as jnp

from bvsrpp_jax.models.basicvsrpp import BasicVSRPlusPlus
from bvsrpp_jax.models.resolution import num_halvings, upsamplings
from bvsrpp_jax.models.spynet import LEVELS
from bvsrpp_jax.restoration.lookahead import frames_looked_at
from bvsrpp_jax.restoration.memory import feature_pixels
from bvsrpp_jax.restoration.plan import Plan
from bvsrpp_jax.restoration.tiles import tiles

# Sampling, activations and copies take time too: what the network took over what the
# convolutions alone would (benchmarks/restore_throughput.py).
OVERHEAD = 1.6
_SIDE, _REPEATS = 96, 3


def multiplications(model: BasicVSRPlusPlus, params: Any) -> float:
    """Of one frame, for each of its feature pixels."""
    times, total = _times(model), 0.0
    for keys, leaf in jax.tree.leaves_with_path(params):
        names = [key.key for key in keys]
        if names[-1:] == ["kernel"]:
            total += times.get("/".join(names[:-1][:2]), 1) * leaf.size
    return total


def _times(model: BasicVSRPlusPlus) -> dict[str, float]:
    """How often kernels are applied for each feature pixel, where it is not once."""
    times = {
        # Both directions; each level has its own resolution.
        f"spynet/basic_module_{level}": 2 * 4.0 ** (level + 1 - LEVELS)
        for level in range(LEVELS)
    }
    side = model.feature_stride
    for i in range(num_halvings(model.feature_stride)):
        side //= 2
        times[f"feat_extract/down_{i}"] = side**2
    side = 1
    for name, factor, _ in upsamplings(model):
        times[name] = side**2
        side *= factor
    return {**times, "conv_hr": side**2, "conv_last": side**2}


def multiplications_per_second(channels: int, dtype: str, device: jax.Device) -> float:
    """Measured on one convolution, the fastest of a few times."""
    shape = (1, _SIDE, _SIDE, channels)
    x, kernel = jax.device_put(
        (jnp.ones(shape, dtype), jnp.ones((3, 3, channels, channels), dtype)), device
    )
    convolve = jax.jit(
        lambda x, kernel: jax.lax.conv_general_dilated(
            x, kernel, (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC")
        )
    )
    convolve(x, kernel).block_until_ready()
    seconds = []
    for _ in range(_REPEATS):
        start = time.perf_counter()
        convolve(x, kernel).block_until_ready()
        seconds.append(time.perf_counter() - start)
    return _SIDE**2 * kernel.size / min(seconds)


def seconds_per_frame(
    model: BasicVSRPlusPlus,
    params: Any,
    plan: Plan,
    size: tuple[int, int],
    device: jax.Device,
) -> float:
    """The time that a plan is expected to take for a frame of a size (h, w)."""
    speed = multiplications_per_second(model.mid_channels, plan.dtype, device)
    pixels = feature_pixels(model, size)
    if plan.tile is not None:
        options = {"overlap": plan.tile_overlap, "multiple": model.feature_stride}
        count = len(tiles(size, plan.tile, **options))
        pixels = count * feature_pixels(model, plan.tile)
    work = multiplications(model, params) * pixels * plan.ensemble
    if plan.window is not None:
        work *= plan.window / max(1, plan.window - 2 * plan.overlap)
    if plan.lookahead is not None:
        work *= frames_looked_at(model.branches, plan.lookahead) / len(model.branches)
    return OVERHEAD * work / speed / plan.devices
