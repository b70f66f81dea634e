"""Kills a restoration at every file event, and resumes it.

    python tests/system/restore_kills.py out.mp4 --random 20

The output is a video or, without a suffix, a folder of pictures. An audit hook counts
Python's opening, listing, making, renaming, linking and removing of files under the
output's folder; `--random` kills that many runs at random times as well, also inside
the encoder. The network is a stand-in that repeats pixels, so that a run takes a
moment. Every run is a fork of a process that has imported everything and started
nothing.
"""

import argparse
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import time
import warnings
from functools import partial
from pathlib import Path

from kill_points import at_file_events, fork, join, told

sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np  # noqa: E402
from media_files import packets, pictures, write_video  # noqa: E402
from stand_in import StandIn  # noqa: E402

from bvsrpp_jax.restoration import Restorer  # noqa: E402
from bvsrpp_jax.restoration.job import JobFolder  # noqa: E402

FRAMES = 14  # windows of 6 overlapping by 1 keep 5, 4 and 5 of them


class Repeating(Restorer):
    """Restores with NumPy alone: nothing is compiled."""

    def restore_windows(self, windows, plan, *, on_work=None):
        for window in windows:
            kept = window.frames[window.keep]
            yield window, (frame.repeat(4, 0).repeat(4, 1) for frame in kept)


def restore(tell, *, folder: Path, target: str) -> None:
    """A run that tells which segments it makes."""
    write = JobFolder.write

    def telling(self, segments, first, frames):
        tell(f"segment {first}")
        write(self, segments, first, frames)

    JobFolder.write = telling
    restorer = Repeating(StandIn(), np.float32(1), window=6, overlap=1)
    restorer.restore_video(folder / "in.mp4", folder / target)


def run(tell, *, kill_at: int | None = None, **options) -> None:
    """A run that tells its number of events, or is killed before one of them."""
    events = 0

    def count():
        nonlocal events
        events += 1
        if kill_at is not None and events >= kill_at:  # of threads, one may skip it
            os.kill(os.getpid(), signal.SIGKILL)

    at_file_events(options["folder"], count)
    began = time.monotonic()
    restore(tell, **options)
    tell(f"seconds {time.monotonic() - began}")
    tell(f"events {events}")


def run_timed(tell, *, seconds: float, **options) -> None:
    """A run that is killed after some seconds."""
    signal.setitimer(signal.ITIMER_REAL, seconds)  # no handler: the system kills
    restore(tell, **options)


def content(path: Path) -> list | None:
    """What an output shows and sounds like, None when it is not there."""
    if path.is_dir():
        return [(file.name, file.read_bytes()) for file in sorted(path.iterdir())]
    if path.exists():
        return [packets(path, "video"), packets(path, "audio")]
    return None


def begun(lines: list[str]) -> set[str]:
    """Segments that a run began to make."""
    return {line for line in lines if line.startswith("segment ")}


def trial(killed_run, folder: Path, target: str, wanted: list) -> tuple:
    """Kills a run, resumes it and compares.

    Returns:
      Whether it was killed, how many segments were made when it was, and what is wrong,
      or "".
    """
    options = {"folder": folder, "target": target}
    before, killed = join(*fork(partial(killed_run, **options)))
    found = content(folder / target)
    after, _ = join(*fork(partial(run, **options)))
    left = {path.name for path in folder.iterdir()} - {"in.mp4", target}
    redone = begun(before) & begun(after)
    failed = told(after, "failed")
    if found is not None:  # there was nothing to do but to remove the job's folder
        failed = "0" if f"{target}: exists" in failed else "not refused"
        left -= {f".{target}.job"}
    problems = {
        f"the resumed run failed: {failed}": failed != "0",
        "torn under the final name": found not in (None, wanted),
        "another output": content(folder / target) != wanted,
        f"made again: {redone}": len(redone) > 1,
        f"{left} left": left,
    }
    wrong = "; ".join(name for name, found in problems.items() if found)
    return killed, len(begun(before) - redone), wrong


def trials(tell, *, runs, root: Path, target: str, wanted: list) -> None:
    """Tells the outcome of one trial after the other, as JSON."""
    for name, killed_run in runs:
        folder = copy_of(root, name)
        tell(json.dumps([name, *trial(killed_run, folder, target, wanted)]))
        shutil.rmtree(folder)


def copy_of(root: Path, name: str) -> Path:
    """A folder with the input alone."""
    (root / name).mkdir()
    shutil.copy(root / "in.mp4", root / name)
    return root / name


def kills(target: str, *, num_random: int = 0, num_workers: int = 2) -> dict:
    """Kills runs at every event and at random times.

    Returns:
      {"events": of one run, "trials", "killed", "right", "kept": {segments that the
      killed run had made: trials}, "wrong": [what was wrong]}.
    """
    warnings.filterwarnings("ignore", message=".*fork", category=RuntimeWarning)
    warnings.filterwarnings("ignore", message=".*fork", category=DeprecationWarning)
    root = Path(tempfile.mkdtemp(prefix="restore_kills_"))
    write_video(root / "in.mp4", pictures(FRAMES), tracks=1, audio_seconds=0.5)
    whole = [
        join(*fork(partial(run, folder=copy_of(root, name), target=target)))[0]
        for name in "abc"
    ]
    wanted = content(root / "a" / target)
    events = max(int(told(lines, "events")) for lines in whole)
    longest = max(float(told(lines, "seconds")) for lines in whole)
    rng = random.Random(0)
    runs = [(f"event_{k}", partial(run, kill_at=k)) for k in range(1, events + 1)]
    runs += [
        (f"time_{i}", partial(run_timed, seconds=rng.uniform(0.01, longest)))
        for i in range(num_random)
    ]
    options = {"root": root, "target": target, "wanted": wanted}
    workers = [
        fork(partial(trials, runs=runs[i::num_workers], **options))
        for i in range(num_workers)
    ]
    outcomes = [json.loads(line) for worker in workers for line in join(*worker)[0]]
    shutil.rmtree(root)
    return {
        "events": events,
        "trials": len(runs),
        "killed": sum(killed for _, killed, _, _ in outcomes),
        "right": sum(not wrong for _, _, _, wrong in outcomes),
        "kept": {n: sum(n == kept for _, _, kept, _ in outcomes) for n in range(4)},
        "wrong": [f"{name}: {wrong}" for name, _, _, wrong in outcomes if wrong],
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("target", help="name of the output")
    parser.add_argument("--random", type=int, default=0, help="runs killed at any time")
    arguments = parser.parse_args()
    print(json.dumps(kills(arguments.target, num_random=arguments.random)))
