"""What `Restorer.restore_video` adds to the network: files, chunks, codecs.

    python benchmarks/restore_throughput.py CLIP [--frames 24]

The bare network restores the clip's frames at once, compiled, from floats to floats.
The restorer reads the file, restores it chunk by chunk and writes a video. Both have
run once before and take turns. Also tells the time that the restorer expected.
"""

import argparse
import statistics
import tempfile
import time
from fractions import Fraction
from pathlib import Path

import jax
import numpy as np

import bvsrpp_jax as bvsrpp
from bvsrpp_jax.media import open_clip


def main() -> None:
    """Runs and prints."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("clip")
    parser.add_argument("--frames", type=int, default=24)
    parser.add_argument("--weights", default="lite")
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()

    model, params = bvsrpp.load(arguments.weights)
    with open_clip(arguments.clip) as source:
        duration = Fraction(arguments.frames) / source.info.rate
        size = source.info.height, source.info.width
    with open_clip(arguments.clip, duration=duration) as source:
        frames = np.stack([frame.pixels for frame in source])
    lq = frames[None] / np.float32(np.iinfo(frames.dtype).max)
    apply = jax.jit(model.apply)
    restorer = bvsrpp.Restorer(model, params)

    def bare():
        jax.block_until_ready(apply({"params": params}, lq))

    def whole(folder):
        restorer.restore_video(
            arguments.clip,
            Path(folder, "out.mp4"),
            duration=duration,
            overwrite=True,
        )

    with tempfile.TemporaryDirectory() as folder:
        ways = {"bare network": bare, "restore_video": lambda: whole(folder)}
        seconds = {name: [] for name in ways}
        for turn in range(arguments.rounds + 1):
            for name, run in ways.items():
                begin = time.monotonic()
                run()
                if turn:  # the first one compiles
                    seconds[name].append(time.monotonic() - begin)
    ratios = [a / b for a, b in zip(*seconds.values(), strict=True)]
    for name, taken in seconds.items():
        print(f"{name}: {statistics.median(taken):.1f} s for {len(frames)} frames")
    plan = restorer.plan(size, num_frames=len(frames))
    print(f"expected: {len(frames) * restorer.seconds_per_frame(plan, size):.1f} s")
    print(
        f"throughput of restore_video: {statistics.median(ratios):.2f} of the bare"
        f" network's ({min(ratios):.2f} to {max(ratios):.2f})"
    )


if __name__ == "__main__":
    main()
