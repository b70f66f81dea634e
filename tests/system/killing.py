"""Runs that are killed at every file event or at any time, and what becomes of them.

An audit hook counts Python's opening, listing, making, renaming, linking and removing
of files under a folder. Every run is a fork of a process that has imported everything
and started nothing.
"""

import json
import os
import random
import signal
import sys
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path

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


def told(lines: list[str], word: str) -> str:
    """What follows a word on the last line that begins with it; "0" without one."""
    found = [line.partition(" ")[2] for line in lines if line.startswith(f"{word} ")]
    return found[-1] if found else "0"


def count_events(folder: Path, *, kill_at: int | None) -> Callable[[], int]:
    """Counts the file events under a folder, and kills this process before one.

    Returns:
      Tells how many there were.
    """
    events = 0

    def hook(event, args):
        nonlocal events
        if event in EVENTS:
            path = os.fsdecode(args[0]) if isinstance(args[0], (str, bytes)) else ""
            # `rmtree` works with descriptors, and with names relative to them.
            if path.startswith(str(folder)) or not path.startswith("/"):
                events += 1
                if kill_at is not None and events >= kill_at:  # threads may skip one
                    os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hook)
    return lambda: events


def kill_after(seconds: float) -> None:
    """Kills this process then."""
    signal.setitimer(signal.ITIMER_REAL, seconds)  # no handler: the system kills


def run_trials(
    trial: Callable[..., tuple],
    *,
    events: int,
    num_random: int,
    longest: float,
    shortest: float,
    num_workers: int = 2,
) -> tuple[dict, list]:
    """Kills runs at every event and at random times.

    Args:
      trial: of a name, and `kill_at` or `seconds`; returns whether the run was killed,
        how far it had come, and what is wrong, or "".
      events: of one run.
      num_random: runs that are killed at any time.
      longest, shortest: seconds until that.
      num_workers: how many trials run at the same time.

    Returns:
      {"events", "trials", "killed", "right", "wrong": [what was wrong]}, and how far
      each run had come.
    """
    rng = random.Random(0)
    runs = [(f"event_{k}", {"kill_at": k}) for k in range(1, events + 1)]
    runs += [
        (f"time_{i}", {"seconds": rng.uniform(shortest, longest)})
        for i in range(num_random)
    ]

    def share(tell, part):
        for name, how in part:
            tell(json.dumps([name, *trial(name, **how)]))

    workers = [
        fork(partial(share, part=runs[i::num_workers])) for i in range(num_workers)
    ]
    outcomes = [json.loads(line) for worker in workers for line in join(*worker)[0]]
    result = {
        "events": events,
        "trials": len(runs),
        "killed": sum(killed for _, killed, _, _ in outcomes),
        "right": sum(not wrong for _, _, _, wrong in outcomes),
        "wrong": [f"{name}: {wrong}" for name, _, _, wrong in outcomes if wrong],
    }
    return result, [reached for _, _, reached, _ in outcomes]


def forget_fork_warnings() -> None:
    """Nothing runs in the process that forks."""
    for category in (RuntimeWarning, DeprecationWarning):
        warnings.filterwarnings("ignore", message=".*fork", category=category)
