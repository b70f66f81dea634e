"""Uses the network inside JAX code of your own: jit, devices, gradients, its parts.

python examples/your_own_jax.py
XLA_FLAGS=--xla_force_host_platform_device_count=2 python examples/your_own_jax.py

The second line tries on a processor what several accelerators do.
"""

import argparse
from functools import partial
from itertools import islice
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec

import bvsrpp_jax as bvsrpp
from bvsrpp_jax.media import open_clip

SAMPLE = Path(__file__).parent / "sample" / "lq.mp4"

parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
parser.add_argument("input", nargs="?", type=Path, default=SAMPLE)
parser.add_argument("--weights", default="lite", help="preset, file or folder")
args = parser.parse_args()

# A Flax module, and its parameters as a nested dict: what it knows is what you pass.
model, params = bvsrpp.load(args.weights)
with open_clip(args.input) as clip:
    crop = np.stack([frame.pixels[:64, :64] for frame in islice(clip, 2)])
lq = np.stack([crop / np.float32(255)] * jax.device_count())  # [n, t, h, w, 3]

# Clips are spread over the devices; the parameters are on all of them.
mesh = Mesh(jax.devices(), ("data",))
lq = jax.device_put(lq, NamedSharding(mesh, PartitionSpec("data")))
params = jax.device_put(params, NamedSharding(mesh, PartitionSpec()))

output = jax.jit(model.apply)({"params": params}, lq)
print(f"{lq.shape} -> {output.shape} on {len(output.sharding.device_set)} devices")

# A part of the network alone: the optical flow between neighbours, in pixels.
flows = jax.jit(partial(model.apply, method="flows"))
backward, forward = flows({"params": params}, lq)
print(f"something moves by {jnp.abs(forward).max():.2f} pixels")


# A gradient, here with respect to the input: what does the flow of one pixel depend on?
@jax.jit
@jax.grad
def influence(lq: jax.Array) -> jax.Array:
    _, forward = flows({"params": params}, lq)  # [n, t - 1, h, w, 2]
    return forward[:, 0, 32, 32].sum()


reach = jnp.abs(influence(lq)).sum((0, -1))  # [t, h, w]
share = (reach > reach.max() / 1000).mean()
print(f"the flow in the middle depends on {share:.0%} of all pixels")
