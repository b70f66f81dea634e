"""What evaluation adds to the network: reading, enlarging, measuring, reporting.

    python benchmarks/evaluation_overhead.py CLIP [--frames 100] [--rounds 3]

CLIP is a video whose frames are the ground truth, in the middle of which 320x180 input
pixels (1280x720) are taken if it is larger. Input and ground truth are written as PNGs
first. The bare network restores the input at once, compiled, from floats to floats. The
evaluation reads both from disk, restores chunk by chunk, measures PSNR and SSIM of the
result and of the bicubic enlargement, and writes every report. Both have been compiled
before, and take turns.

Printed besides: the same with the processor's time instead of the clock's, which other
programs disturb less.
"""

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import jax
import numpy as np
from PIL import Image

import bvsrpp_jax as bvsrpp
from bvsrpp_jax.data.degradations import bicubic_downsample
from bvsrpp_jax.data.folder_layout import pairs
from bvsrpp_jax.data.sources import source_of
from bvsrpp_jax.evaluation.clips import clips_of
from bvsrpp_jax.evaluation.finished import FinishedClips
from bvsrpp_jax.evaluation.measures import Measures
from bvsrpp_jax.evaluation.methods import Network
from bvsrpp_jax.evaluation.protocols import PROTOCOLS
from bvsrpp_jax.evaluation.provenance import record_of, settings_of
from bvsrpp_jax.evaluation.running import evaluate
from bvsrpp_jax.media import open_clip
from bvsrpp_jax.report import write_files, write_page
from bvsrpp_jax.restoration.crew import Crew

WIDTH, HEIGHT = 1280, 720


class Seconds(NamedTuple):
    """Of the clock, and of all processors."""

    clock: float
    processor: float


def main() -> None:
    """Runs and prints."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("clip")
    parser.add_argument("--frames", type=int, default=100)
    parser.add_argument("--weights", default="lite")
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    model, params = bvsrpp.load(arguments.weights)
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        lq = write_pairs(arguments.clip, root, arguments.frames)
        apply = jax.jit(model.apply).lower({"params": params}, lq).compile()
        method = Network("network", {}, model, params, devices=jax.local_devices()[:1])
        ways = {
            "network": lambda: jax.block_until_ready(apply({"params": params}, lq)),
            "evaluation": lambda: evaluate_folder(root, method),
        }
        warm_up(root, method)
        taken = {name: [] for name in ways}
        for _ in range(arguments.rounds):
            for name, run in ways.items():
                taken[name].append(timed(run))
                print(f"{name}: {taken[name][-1].clock:.1f} s", flush=True)
    for field in Seconds._fields:
        bare, whole = (
            [getattr(seconds, field) for seconds in taken[name]] for name in ways
        )
        shares = [1 - a / b for a, b in zip(bare, whole, strict=True)]
        print(
            f"time outside the network, by the {field}: {statistics.median(shares):.1%}"
            f" ({min(shares):.1%} to {max(shares):.1%} of {arguments.rounds} rounds)"
        )


def write_pairs(clip: str, root: Path, num_frames: int) -> np.ndarray:
    """Writes gt/clip and lq/clip; returns the input as the network takes it."""
    lq = []
    for kind in ("gt", "lq"):
        (root / kind / "clip").mkdir(parents=True)
    with open_clip(clip) as source:
        top = (source.info.height - HEIGHT) // 2
        left = (source.info.width - WIDTH) // 2
        for number, frame in enumerate(islice(source, num_frames)):
            gt = frame.pixels[top : top + HEIGHT, left : left + WIDTH]
            if gt.shape != (HEIGHT, WIDTH, 3) or gt.dtype != np.uint8:
                raise SystemExit(f"{clip}: need {WIDTH}x{HEIGHT} in eight bits")
            lq.append(bicubic_downsample(gt))
            for kind, picture in (("gt", gt), ("lq", lq[-1])):
                path = root / kind / "clip" / f"{number:08d}.png"
                Image.fromarray(np.ascontiguousarray(picture)).save(path)
    if len(lq) != num_frames:
        raise SystemExit(f"{clip}: has {len(lq)} frames, not {num_frames}")
    return np.stack(lq)[None] / np.float32(255)


def evaluate_folder(root: Path, method: Network) -> None:
    """All that eval.py does once the network is there."""
    protocol, measures = PROTOCOLS["folder"], Measures()
    source = source_of(pairs(root / "gt", root / "lq"))
    clips = clips_of(protocol, source, scale=4)
    with tempfile.TemporaryDirectory() as out, Crew(multihost=False) as crew:
        outcome = evaluate(
            clips,
            method,
            measures=measures,
            centre=False,
            finished=FinishedClips(Path(out) / "clips", "a key"),
            crew=crew,
            on_clip=lambda *_: None,
        )
        settings = settings_of(protocol, measures, version=bvsrpp.__version__)
        record = record_of(
            "folder", protocol, measures, method, clips, outcome, settings
        )
        write_files(out, record)
        write_page(Path(out) / "report.html", record, outcome.pictures)


def warm_up(root: Path, method: Network) -> None:
    """Compiles the engine's programs, on a few frames of the clip."""
    source = source_of(pairs(root / "gt", root / "lq"))
    (clip,) = clips_of(PROTOCOLS["folder"], source, scale=4)
    lq = [clip.pair(number)[0] for number in range(min(9, clip.num_frames))]
    restorer = method.workers[0]
    plan = restorer.plan(lq[0].shape[:2], num_frames=clip.num_frames)
    for _ in restorer.stream(lq, plan=plan):
        pass


def timed(run: Callable[[], object]) -> Seconds:
    """What a call takes."""
    clock, before = time.monotonic(), os.times()
    run()
    after = os.times()
    processor = after.user - before.user + after.system - before.system
    return Seconds(time.monotonic() - clock, processor)


if __name__ == "__main__":
    main()
