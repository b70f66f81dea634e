"""Fine-tunes a network on a clip of your own, and saves it; needs optax.

python examples/fine_tune.py mine.mp4 --steps 1000 --out mine
Data sets, schedules, checkpoints, many devices: train.py.
"""

import argparse
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import optax

import bvsrpp_jax as bvsrpp
from bvsrpp_jax.data.degradations import bicubic_downsample
from bvsrpp_jax.media import open_clip

SAMPLE = Path(__file__).parent / "sample" / "gt.mp4"

parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
parser.add_argument("input", nargs="?", type=Path, default=SAMPLE)
parser.add_argument("--steps", type=int, default=10)
parser.add_argument("--weights", default="lite", help="preset, file or folder")
parser.add_argument("--out", type=Path, default=Path("out/fine-tuned"))
args = parser.parse_args()

with open_clip(args.input, duration=1) as clip:
    video = np.stack([frame.pixels for frame in clip])
random = np.random.default_rng(0)
model, params = bvsrpp.load(args.weights)
side = model.scale * model.min_side  # of crops: 256 for x4
optimizer = optax.adam(1e-5, b2=0.99)  # small: the network has been trained already


def sample() -> tuple[np.ndarray, np.ndarray]:
    """The low resolution of two frames, [n, t, h, w, 3] uint8, cropped, and these."""
    t, y, x = random.integers(np.array(video.shape[:3]) - (1, side - 1, side - 1))
    gt = video[None, t : t + 2, y : y + side, x : x + side]
    return bicubic_downsample(gt, model.scale), gt


@jax.jit
def step(params, state, lq, gt):
    def loss_of(params):
        error = model.apply({"params": params}, lq / 255) - gt / 255
        return jnp.sqrt(error**2 + 1e-12).mean()  # Charbonnier, as in the paper

    loss, grads = jax.value_and_grad(loss_of)(params)
    updates, state = optimizer.update(grads, state)
    return optax.apply_updates(params, updates), state, loss


state = optimizer.init(params)
for number in range(args.steps):
    params, state, loss = step(params, state, *sample())
    print(f"step {number}: loss {loss:.4f}")

print("wrote", bvsrpp.Restorer(model, params).save_pretrained(args.out))
