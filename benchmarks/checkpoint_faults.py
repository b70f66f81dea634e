"""How many kills and damages a checkpoint survives, of how many: n/N.

    python benchmarks/checkpoint_faults.py

Kills a training run at every file event of its saves and at random times, resumes it
and compares the final state bit by bit; then damages every file of a checkpoint in
every way. `tests/system/kill_points.py` and `damage_table.py` hold the trials and say
what counts as right; here they run on a state of some hundred arrays, for some minutes.
"""

import argparse
import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

TRIALS = Path(__file__).parents[1] / "tests" / "system"


def run(script: str, **options: int) -> dict:
    """The result of a script, in a process of its own since it forks."""
    flags = [str(x) for key, value in options.items() for x in (f"--{key}", value)]
    command = [sys.executable, str(TRIALS / script), *flags]
    return json.loads(
        subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout
    )


def tell(what: str, result: dict, details: str) -> bool:
    """Prints n/N; whether they are equal."""
    print(f"{what:<28}{result['right']}/{result['trials']}  {details}", flush=True)
    for wrong in result["wrong"]:
        print(f"  {wrong}")
    return result["right"] == result["trials"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--arrays", type=int, default=100, help="of the network")
    parser.add_argument("--random", type=int, default=40, help="kills at random times")
    parser.add_argument("--seed", type=int, default=0, help="of the bits to flip")
    arguments = parser.parse_args()
    arrays, seed = arguments.arrays, arguments.seed
    print(f"a state of {4 * arrays + 4} arrays")

    kills = run("kill_points.py", arrays=arrays, random=arguments.random)
    resumed = ", ".join(f"{step}: {n}" for step, n in kills["resumed"].items())
    details = f"{kills['events']} file events; resumed from step {resumed}"
    right = tell("kill -9 during saves", kills, details)
    for what, unhashed in (("damaged file", 0), ("damaged before hashing", 1)):
        damage = run("damage_table.py", arrays=arrays, seed=seed, unhashed=unhashed)
        outcomes = sum(map(Counter, damage["outcomes"].values()), Counter())
        counts = ", ".join(f"{name}: {n}" for name, n in outcomes.items())
        details = f"{damage['files']} files, {len(damage['outcomes'])} ways; {counts}"
        right &= tell(what, damage, details)
    sys.exit(not right)


if __name__ == "__main__":
    main()
