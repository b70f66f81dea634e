"""Uses the network inside JAX code of your own: jit, devices, gradients, its parts.

python examples/your_own_jax.py
XLA_FLAGS=--xla_force_host_platform_device_count=2 python examples/your_own_jax.py

The second line tries on a processor what several accelerators do.
"""

from functools import partial
from itertools import islice
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import NamedSharding, PartitionSpec

import bvsrpp_jax as bvsrpp
from bvsrpp_jax.media import open_clip

SAMPLE = Path(__file__).parent / "sample" / "lq.mp4"

# A Flax module, and its parameters as a nested dict: state is what you pass.
model, params = bvsrpp.load("lite")
variables = {"params": params}

with open_clip(SAMPLE) as clip:
    crop = np.stack([frame.pixels[60:124, 120:184] for frame in islice(clip, 2)])
lq = np.stack([crop / np.float32(255)] * jax.device_count())  # [n, t, h, w, 3]

# Clips are spread over the devices; what is not split, the parameters, is on all.
mesh = jax.make_mesh((jax.device_count(),), ("data",))
lq = jax.device_put(lq, NamedSharding(mesh, PartitionSpec("data")))
variables = jax.device_put(variables, NamedSharding(mesh, PartitionSpec()))

output = jax.jit(model.apply)(variables, lq)
print(f"{lq.shape} -> {output.shape} on {len(output.sharding.device_set)} devices")

# A part of the network: the optical flow between neighbours, in pixels.
backward, forward = jax.jit(partial(model.apply, method="flows"))(variables, lq)
print(f"the camera moves by {jnp.abs(forward).mean():.2f} pixels a frame")


# A gradient, here with respect to the input: how much does a pixel of the middle of
# the last frame owe to every pixel of the first one?
@jax.jit
@jax.grad
def influence(lq):
    return model.apply(variables, lq)[:, -1, 128, 128].sum()


reach = jnp.abs(influence(lq))[:, 0].sum(-1)  # [n, h, w]
print(f"it looks at {int((reach > 1e-4 * reach.max()).sum(axis=(1, 2))[0])} of them")
