"""Kills a run at every file event of its checkpoints, and resumes it.

    python tests/system/kill_points.py --arrays 2

An audit hook counts the events: Python's opening, listing, making, renaming, removing
of files under the folder. TensorStore writes between two of them, while the checkpoint
has no name; `--random 20` kills that many runs at random times as well. Every run is a
fork of a process that has imported everything and started nothing.
"""

import argparse
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

from toy_run import STEPS, train, values

from bvsrpp_jax.training.digest import Damaged, file_entries
from bvsrpp_jax.training.storage import read_manifest, steps_in

EVENTS = {
    *("open", "os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.listdir"),
    *("os.scandir", "os.truncate", "os.link", "os.symlink", "shutil.rmtree"),
}


def fork(run: Callable[[Callable[[str], None]], None]) -> tuple[int, int]:
    """Starts a function in a fork: the process, and the pipe of what it tells."""
    out, into = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(out)
        try:
            run(lambda line: os.write(into, f"{line}\n".encode()))
        except BaseException as error:
            os.write(into, f"failed {error!r}\n".encode())
        os._exit(0)
    os.close(into)
    return child, out


def join(child: int, out: int) -> tuple[list[str], bool]:
    """Waits for a fork: the lines that it told, and whether it was killed."""
    with open(out, "rb") as pipe:
        lines = pipe.read().decode().splitlines()
    return lines, os.WIFSIGNALED(os.waitpid(child, 0)[1])


def at_file_events(folder: Path, act: Callable[[], None]) -> None:
    """Calls a function before every file event under a folder."""

    def hook(event, args):
        if event in EVENTS:
            path = os.fsdecode(args[0]) if isinstance(args[0], (str, bytes)) else ""
            # `rmtree` works with descriptors, and with names relative to them.
            if path.startswith(str(folder)) or not path.startswith("/"):
                act()

    sys.addaudithook(hook)


def run(tell, *, folder: Path, num_arrays: int, kill_at: int | None = None) -> None:
    """A run that tells its number of events and its final bits, or is killed."""
    events = 0

    def count():
        nonlocal events
        events += 1
        if kill_at is not None and events >= kill_at:  # of threads, one may skip it
            os.kill(os.getpid(), signal.SIGKILL)

    at_file_events(folder, count)
    state = train(folder, num_arrays, tell)
    tell(f"events {events}")
    tell(f"final {values(state).hex()}")


def run_timed(tell, *, seconds: float, **options) -> None:
    """A run that is killed after some seconds."""
    signal.setitimer(signal.ITIMER_REAL, seconds)  # no handler: the system kills
    run(tell, **options)


def told(lines: list[str], word: str) -> str:
    """What follows a word on the last line that begins with it; "0" without one."""
    found = [line.partition(" ")[2] for line in lines if line.startswith(f"{word} ")]
    return found[-1] if found else "0"


def steps(folder: Path) -> list[Path]:
    """The checkpoints that have their name."""
    return [folder / str(step) for step in steps_in(folder)]


def whole(path: Path) -> bool:
    """Whether a checkpoint has all its files."""
    try:
        return read_manifest(path)["files"] == file_entries(path / "state")
    except Damaged:
        return False


def trial(killed_run: Callable[..., None], folder: Path, num_arrays: int, final: str):
    """Kills a run, resumes it and compares.

    Returns:
      Whether it was killed, the step that was resumed, and what is wrong, or "".
    """
    before, killed = join(*fork(partial(killed_run, folder=folder)))
    torn = [path for path in steps(folder) if not whole(path)]
    after, _ = join(*fork(partial(run, folder=folder, num_arrays=num_arrays)))
    left = [path.name for path in folder.iterdir()]
    shutil.rmtree(folder)
    problems = {
        f"the resumed run failed: {told(after, 'failed')}": told(after, "failed")
        != "0",
        "other final values": told(after, "final") != final,
        "a complete checkpoint lost": told(before, "saved") > told(after, "resumed"),
        f"a checkpoint refused: {told(after, 'refused')}": told(after, "refused")
        != "0",
        f"torn: {torn}": torn,
        f"{left} left": str(STEPS) not in left or not all(map(str.isdecimal, left)),
    }
    wrong = "; ".join(name for name, found in problems.items() if found)
    return killed, told(after, "resumed"), wrong


def trials(
    tell, *, runs: Iterable[tuple[str, Callable]], root: Path, **options
) -> None:
    """Tells the outcome of one trial after the other, as JSON."""
    for name, killed_run in runs:
        tell(json.dumps([name, *trial(killed_run, root / name, **options)]))


def kill_points(num_arrays: int, *, num_random: int = 0, num_workers: int = 2) -> dict:
    """Kills runs at every event and at random times.

    Returns:
      {"events": of one run, "trials", "killed", "right", "resumed": {step: trials},
      "wrong": [what was wrong]}.
    """
    warnings.filterwarnings("ignore", message=".*fork", category=RuntimeWarning)
    warnings.filterwarnings("ignore", message=".*fork", category=DeprecationWarning)
    root = Path(tempfile.mkdtemp(prefix="kill_points_"))
    options = {"num_arrays": num_arrays}
    whole = [join(*fork(partial(run, folder=root / f"{i}", **options))) for i in "abc"]
    events = max(int(told(lines, "events")) for lines, _ in whole)  # threads race
    final = told(whole[0][0], "final")
    rng = random.Random(0)
    runs = [
        (f"event_{k}", partial(run, kill_at=k, **options)) for k in range(1, events + 1)
    ]
    runs += [
        (f"time_{i}", partial(run_timed, seconds=rng.uniform(0.05, 0.6), **options))
        for i in range(num_random)
    ]
    workers = [
        fork(
            partial(
                trials, runs=runs[i::num_workers], root=root, final=final, **options
            )
        )
        for i in range(num_workers)
    ]
    outcomes = [json.loads(line) for worker in workers for line in join(*worker)[0]]
    shutil.rmtree(root)
    return {
        "events": events,
        "trials": len(runs),
        "killed": sum(killed for _, killed, _, _ in outcomes),
        "right": sum(not wrong for _, _, _, wrong in outcomes),
        "resumed": {s: sum(s == r for _, _, r, _ in outcomes) for s in "0123"},
        "wrong": [f"{name}: {wrong}" for name, _, _, wrong in outcomes if wrong],
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--arrays", type=int, default=2, help="of the network")
    parser.add_argument("--random", type=int, default=0, help="runs killed at any time")
    arguments = parser.parse_args()
    print(json.dumps(kill_points(arguments.arrays, num_random=arguments.random)))
