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
from bvsrpp_jax.models.spynet import LEVELS
from bvsrpp_jax.restoration.memory import feature_pixels
from bvsrpp_jax.restoration.plan import Plan
from bvsrpp_jax.restoration.tiles import tiles

# Sampling, activations and copies take time too: what the network took over what the
# convolutions alone would (benchmarks/restore_throughput.py).
OVERHEAD = 1.6
_SIDE, _REPEATS = 96, 3
# Output pixels per feature pixel, where it is not one.
_AT = {"upsample2": 4, "conv_hr": 16, "conv_last": 16, "feat_extract/down_0": 4}


def multiplications(params: Any) -> float:
    """Of one frame, for each of its feature pixels."""
    total = 0.0
    for keys, leaf in jax.tree.leaves_with_path(params):
        path = "/".join(key.key for key in keys)
        if not path.endswith("/kernel"):
            continue
        part = path.removesuffix("/kernel")
        applied = _AT.get(part, 1.0)
        if path.startswith("spynet"):  # both directions; each level has its own
            level = int(part.split("/")[1].removeprefix("basic_module_"))
            applied = 2 * 4.0 ** (level + 1 - LEVELS)
        total += applied * leaf.size
    return total


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
    work = multiplications(params) * pixels * plan.ensemble
    if plan.window is not None:
        work *= plan.window / max(1, plan.window - 2 * plan.overlap)
    if plan.lookahead is not None:
        work *= (3 * plan.lookahead + 4) / 4
    return OVERHEAD * work / speed / plan.devices
