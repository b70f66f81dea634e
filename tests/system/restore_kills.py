"""Kills a restoration at every file event, and resumes it.

    python tests/system/restore_kills.py out.mp4 --random 20

The output is a video or, without a suffix, a folder of pictures. `killing.py` says what
an event is; `--random` kills that many runs at random times as well, also inside the
encoder. The network is a stand-in that repeats pixels, so that a run takes a moment.
"""

import argparse
import json
import shutil
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

from killing import (
    count_events,
    forget_fork_warnings,
    fork,
    join,
    kill_after,
    run_trials,
    told,
)

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


def run(
    tell,
    *,
    kill_at: int | None = None,
    seconds: float | None = None,
    **options,
) -> None:
    """A run that tells its number of events, or is killed."""
    if seconds is not None:
        kill_after(seconds)
    events, began = count_events(options["folder"], kill_at=kill_at), time.monotonic()
    restore(tell, **options)
    tell(f"seconds {time.monotonic() - began}")
    tell(f"events {events()}")


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


def trial(name: str, *, root: Path, target: str, wanted: list, **how) -> tuple:
    """Kills a run, resumes it and compares.

    Returns:
      Whether it was killed, how many segments were made when it was, and what is wrong,
      or "".
    """
    folder = copy_of(root, name)
    options = {"folder": folder, "target": target}
    before, killed = join(*fork(partial(run, **options, **how)))
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
    shutil.rmtree(folder)
    return killed, len(begun(before) - redone), wrong


def copy_of(root: Path, name: str) -> Path:
    """A folder with the input alone."""
    (root / name).mkdir()
    shutil.copy(root / "in.mp4", root / name)
    return root / name


def kills(target: str, *, num_random: int = 0) -> dict:
    """Kills runs at every event and at random times.

    Returns:
      That of `run_trials`, and "kept": {segments that the killed run had made: trials}.
    """
    forget_fork_warnings()
    root = Path(tempfile.mkdtemp(prefix="restore_kills_"))
    write_video(root / "in.mp4", pictures(FRAMES), tracks=1, audio_seconds=0.5)
    whole = [
        join(*fork(partial(run, folder=copy_of(root, name), target=target)))[0]
        for name in "abc"
    ]
    wanted = content(root / "a" / target)
    result, kept = run_trials(
        partial(trial, root=root, target=target, wanted=wanted),
        events=max(int(told(lines, "events")) for lines in whole),
        num_random=num_random,
        shortest=0.01,
        longest=max(float(told(lines, "seconds")) for lines in whole),
    )
    shutil.rmtree(root)
    return {**result, "kept": {count: kept.count(count) for count in range(4)}}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("target", help="name of the output")
    parser.add_argument("--random", type=int, default=0, help="runs killed at any time")
    arguments = parser.parse_args()
    print(json.dumps(kills(arguments.target, num_random=arguments.random)))
