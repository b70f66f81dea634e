"""Kills a run at every file event of its checkpoints, and resumes it.

    python tests/system/kill_points.py --arrays 2

TensorStore writes between two events (`killing.py`), while the checkpoint has no name;
`--random 20` kills that many runs at random times as well.
"""

import argparse
import json
import shutil
import tempfile
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
from toy_run import STEPS, train, values

from bvsrpp_jax.training.digest import Damaged, file_entries
from bvsrpp_jax.training.storage import read_manifest, steps_in


def run(
    tell,
    *,
    folder: Path,
    num_arrays: int,
    kill_at: int | None = None,
    seconds: float | None = None,
) -> None:
    """A run that tells its number of events and its final bits, or is killed."""
    if seconds is not None:
        kill_after(seconds)
    events = count_events(folder, kill_at=kill_at)
    state = train(folder, num_arrays, tell)
    tell(f"events {events()}")
    tell(f"final {values(state).hex()}")


def steps(folder: Path) -> list[Path]:
    """The checkpoints that have their name."""
    return [folder / str(step) for step in steps_in(folder)]


def whole(path: Path) -> bool:
    """Whether a checkpoint has all its files."""
    try:
        return read_manifest(path)["files"] == file_entries(path / "state")
    except Damaged:
        return False


def trial(name: str, *, root: Path, num_arrays: int, final: str, **how):
    """Kills a run, resumes it and compares.

    Returns:
      Whether it was killed, the step that was resumed, and what is wrong, or "".
    """
    folder = root / name
    killed_run = partial(run, folder=folder, num_arrays=num_arrays, **how)
    before, killed = join(*fork(killed_run))
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


def kill_points(num_arrays: int, *, num_random: int = 0) -> dict:
    """Kills runs at every event and at random times.

    Returns:
      That of `run_trials`, and "resumed": {step: trials}.
    """
    forget_fork_warnings()
    root = Path(tempfile.mkdtemp(prefix="kill_points_"))
    options = {"num_arrays": num_arrays}
    whole = [join(*fork(partial(run, folder=root / f"{i}", **options))) for i in "abc"]
    result, resumed = run_trials(
        partial(trial, root=root, final=told(whole[0][0], "final"), **options),
        events=max(int(told(lines, "events")) for lines, _ in whole),  # threads race
        num_random=num_random,
        shortest=0.05,
        longest=0.6,
    )
    shutil.rmtree(root)
    return {**result, "resumed": {step: resumed.count(step) for step in "0123"}}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--arrays", type=int, default=2, help="of the network")
    parser.add_argument("--random", type=int, default=0, help="runs killed at any time")
    arguments = parser.parse_args()
    print(json.dumps(kill_points(arguments.arrays, num_random=arguments.random)))
