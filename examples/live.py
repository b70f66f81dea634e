"""Restores live video: each frame as soon as a few more have come.

python examples/live.py                          the sample clip, as a camera
python examples/live.py in.mp4 --frames 100 --lookahead 5

Seeing the whole clip is best, but a camera has no last frame to begin from. With
`lookahead` the backward branches see so many frames ahead, and no further.
"""

import argparse
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np

import bvsrpp_jax as bvsrpp
from bvsrpp_jax.media import open_clip

SAMPLE = Path(__file__).parent / "sample" / "lq.mp4"

parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
parser.add_argument("input", nargs="?", type=Path, default=SAMPLE)
parser.add_argument("--frames", type=int, default=8)
parser.add_argument("--lookahead", type=int, default=2)
parser.add_argument("--weights", default="lite", help="preset, file or folder")
args = parser.parse_args()
taken = 0


def camera() -> Iterator[np.ndarray]:
    """Stands for a camera: a frame at a time, whenever it is asked for one."""
    global taken
    with open_clip(args.input) as clip:
        for frame in clip:
            taken += 1
            yield frame.pixels


# That a frame begins a shot shows in the three after it: without, none are waited for.
options = {"lookahead": args.lookahead, "shots": False}
restorer = bvsrpp.Restorer.from_pretrained(args.weights, **options)
print(restorer)

for index, frame in enumerate(islice(restorer.stream(camera()), args.frames)):
    print(f"frame {index}: {frame.shape}, {taken - 1 - index} behind the camera")
