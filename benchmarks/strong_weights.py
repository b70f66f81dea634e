"""Random weights that make every part of the network matter, from a seed.

A freshly initialised network adds next to nothing to the bilinear picture, so a wrong
one agrees with it to 2e-7. With these weights, 64 channels and 7 blocks, 1% more on any
one kernel tried moves the output by 2e-4 to 2e-3 (2e-5 in SPyNet's coarsest level),
while float32 itself is off by 8e-7.

The rule is that of `tests/golden_weights.py`, so that one network serves the check
against the recordings and the comparison. It is repeated because the Python with torch
need not know the tests, and because depth is added: 7 blocks with the gain meant for
one give outputs of 6 and float32 noise of 6e-5.
"""

import zlib

import numpy as np


def gain(name: str, depth: int) -> float:
    """The factor on top of 1/sqrt(fan in) for the kernel called `name`."""
    if name.startswith("spynet"):
        return 1.2 if name.endswith("4.conv.weight") else 1.4
    if ".conv1" in name or ".conv2" in name:
        # So that `depth` blocks in a row add the variance that one would.
        return 0.9 * depth**-0.25
    if "conv_offset.6" in name or name.startswith("conv_last"):
        return 0.8
    return 1.0


def strong_weight(
    name: str, shape: tuple[int, ...], *, seed: int, depth: int = 1
) -> np.ndarray:
    """One entry of the official state dict.

    Args:
        name: its key, without `generator.`.
        shape: (out, in, height, width) of a kernel, (out,) of a bias.
        seed: seed of the whole network; every name has a stream of its own.
        depth: number of residual blocks in a row that share the gain of one.

    Returns:
        float32 array of that shape.
    """
    stream = np.random.default_rng([seed, zlib.crc32(name.encode())])
    value = stream.standard_normal(shape)
    scale = gain(name, depth) / np.sqrt(np.prod(shape[1:])) if len(shape) == 4 else 0.02
    return (value * scale).astype(np.float32)
