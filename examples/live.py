"""Restores live video: each frame as soon as two more have come.

python examples/live.py --frames 8 --lookahead 2

A whole clip looks best, but the last frame of a camera never comes. With `lookahead`
the backward branches see so many frames ahead and no further.
"""

import argparse
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np

import bvsrpp_jax as bvsrpp
from bvsrpp_jax.media import open_clip

SAMPLE = Path(__file__).parent / "sample" / "lq.mp4"
taken = 0


def camera() -> Iterator[np.ndarray]:
    """Stands for a camera: frames come one by one, for as long as anybody asks."""
    global taken
    with open_clip(SAMPLE) as clip:
        for frame in clip:
            taken += 1
            yield frame.pixels


parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
parser.add_argument("--frames", type=int, default=8)
parser.add_argument("--lookahead", type=int, default=2)
args = parser.parse_args()

# A cut is a frame whose successors are unlike it, too: finding it takes three more.
restorer = bvsrpp.Restorer.from_pretrained(
    "lite", lookahead=args.lookahead, shots=False
)
print(restorer.plan((180, 320)))

for index, frame in enumerate(islice(restorer.stream(camera()), args.frames)):
    print(f"frame {index} {frame.shape}, {taken - 1 - index} frames behind the camera")
