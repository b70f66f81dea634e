"""What the compilation cache saves: `bvsrpp restore` on two frames, with and without.

    python benchmarks/command_start.py

Two frames of 64x64 leave little but the start: imports, weights, and compiling or
reading what was compiled. The commands take turns; processor time is told beside wall
time, which other programs on the machine lengthen.
"""

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image


def main() -> None:
    """Runs and prints."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as folder:
        write_pictures(Path(folder, "in"))
        ways = {"off": "off", "kept": str(Path(folder, "cache"))}
        first = run(folder, ways["kept"])
        print(f"first run, which fills the cache: {first[0]:.1f} s")
        taken = {name: [] for name in ways}
        for _ in range(rounds):
            for name, cache in ways.items():
                taken[name].append(run(folder, cache))
    for name, seconds in taken.items():
        wall, processor = (
            statistics.median(column) for column in zip(*seconds, strict=True)
        )
        print(f"{name:<5}{wall:6.1f} s, {processor:.1f} s of processor (medians)")


def write_pictures(folder: Path) -> None:
    """Two frames of noise."""
    folder.mkdir()
    random = np.random.default_rng(0)
    for index in range(2):
        picture = random.integers(0, 256, (64, 64, 3), np.uint8)
        Image.fromarray(picture).save(folder / f"{index:08}.png")


def run(folder: str, cache: str) -> tuple[float, float]:
    """Seconds by the clock, and of processor time."""
    command = [sys.executable, "-m", "bvsrpp_jax", "restore", "in", "out/"]
    begin, before = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(
        [*command, "--overwrite", "--quiet"],
        cwd=folder,
        env={**os.environ, "BVSRPP_CACHE": cache},
        check=True,
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return time.monotonic() - begin, used


if __name__ == "__main__":
    main()
