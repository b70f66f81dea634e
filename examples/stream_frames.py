"""Restores frames of your own reader for your own writer: NumPy in, NumPy out.

python examples/stream_frames.py                             the sample clip's beginning
python examples/stream_frames.py in.mp4 --frames 100 --weights my.pth
"""

import argparse
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import av
import numpy as np
from PIL import Image

import bvsrpp_jax as bvsrpp

SAMPLE = Path(__file__).parent / "sample" / "lq.mp4"


def frames_of(path: Path) -> Iterator[np.ndarray]:
    """Your reader: anything that yields [h, w, 3] RGB of one size."""
    with av.open(str(path)) as clip:
        for frame in clip.decode(video=0):
            yield frame.to_ndarray(format="rgb24")


parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
parser.add_argument("input", nargs="?", type=Path, default=SAMPLE)
parser.add_argument("--frames", type=int, default=8)
parser.add_argument("--weights", default="lite", help="preset, file or folder")
parser.add_argument("--out", type=Path, default=Path("out/frames"))
args = parser.parse_args()
args.out.mkdir(parents=True, exist_ok=True)

# A window is restored together, and is all that waits in memory, however long the clip.
# Leave it out to have the largest planned that memory allows, up to 96 frames.
restorer = bvsrpp.Restorer.from_pretrained(args.weights, window=16)

# uint8 in, uint8 out. Give floats in [0, 1] to get floats, not rounded and not clipped.
frames = islice(frames_of(args.input), args.frames)
for index, frame in enumerate(restorer.stream(frames)):
    Image.fromarray(frame).save(args.out / f"{index:05}.png")  # your writer
    print(f"frame {index}: {frame.shape} {frame.dtype}")
