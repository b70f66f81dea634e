"""Damages every file of a checkpoint in every way, and restores.

    python tests/system/damage_table.py --arrays 2

`--unhashed 1` damages files as if before their digests were taken, so that only those
of the arrays can tell, and the errors are Orbax' own. A trial is right if it gives the
values of the damaged checkpoint all the same (the file was not needed), or those of the
one before it and says so, or an error.
"""

import argparse
import json
import random
import shutil
import tempfile
from collections import Counter
from pathlib import Path

from toy_run import first_state, update, values

from bvsrpp_jax.errors import InputError
from bvsrpp_jax.training.checkpoint import Checkpoints
from bvsrpp_jax.training.digest import file_entries, sealed
from bvsrpp_jax.training.storage import write_manifest

WAYS = ("removed", "halved", "zeroed", "bit flip 1", "bit flip 2", "bit flip 3")


def damaged(data: bytes, way: str, rng: random.Random) -> bytes | None:
    """The contents of a file after damage; None if the file is gone."""
    if way == "removed":
        return None
    if way == "halved":
        return data[: len(data) // 2]
    if way == "zeroed":
        return bytes(len(data))
    bits = bytearray(data)
    if bits:
        bits[rng.randrange(len(bits))] ^= 1 << rng.randrange(8)
    return bytes(bits)


def outcome(folder: Path, states: dict[int, bytes], like, *, unhashed: bool) -> str:
    """What restoring gives: "same", "before", "error", or "WRONG" and why."""
    said = []
    try:
        with Checkpoints(folder, say=said.append) as checkpoints:
            restored = checkpoints.restore(like)
    except InputError:
        return "error"
    except Exception:
        if not unhashed:
            raise
        return "error"
    if restored is None:
        return "WRONG: starts from nothing"
    state, _, step = restored
    if values(state) != states[step]:
        return f"WRONG: other values at step {step}"
    if step == max(states):
        return "same"
    return "before" if len(said) == 1 else "WRONG: goes back and does not say so"


def hash_again(path: Path) -> None:
    """Gives a checkpoint's manifest the digests of its files as they are now."""
    manifest = json.loads((path / "manifest.json").read_bytes())
    files = file_entries(path / "state")
    write_manifest(path, sealed({**manifest, "files": files}))


def damage_table(num_arrays: int, *, unhashed: bool = False, seed: int = 0) -> dict:
    """Damages the newer one of two checkpoints, every file in every way.

    Returns:
      {"files", "trials", "right", "outcomes": {way: {outcome: trials}},
      "wrong": [what was wrong]}. Ways that leave a file as it is are no trials.
    """
    rng = random.Random(seed)
    root = Path(tempfile.mkdtemp(prefix="damage_table_"))
    state = first_state(num_arrays)
    states = {}
    with Checkpoints(root / "whole") as checkpoints:
        for step in (1, 2):
            state = update(state)
            states[step] = values(state)
            checkpoints.save(state, step=step, record={})
    whole = root / "whole" / "2"
    damageable = whole / "state" if unhashed else whole
    files = sorted(
        path.relative_to(whole) for path in damageable.rglob("*") if path.is_file()
    )
    outcomes = {way: Counter() for way in WAYS}
    wrong = []
    for file in files:
        data = (whole / file).read_bytes()
        for way in WAYS:
            new = damaged(data, way, rng)
            if new == data:
                continue
            shutil.copytree(root / "whole", root / "copy")
            path = root / "copy" / "2" / file
            path.unlink() if new is None else path.write_bytes(new)
            if unhashed:
                hash_again(root / "copy" / "2")
            result = outcome(root / "copy", states, state, unhashed=unhashed)
            shutil.rmtree(root / "copy")
            outcomes[way][result] += 1
            if result.startswith("WRONG"):
                wrong.append(f"{file} {way}: {result}")
    shutil.rmtree(root)
    trials = sum(sum(counts.values()) for counts in outcomes.values())
    return {
        "files": len(files),
        "trials": trials,
        "right": trials - len(wrong),
        "outcomes": outcomes,
        "wrong": wrong,
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--arrays", type=int, default=2, help="of the network")
    parser.add_argument("--seed", type=int, default=0, help="of the bits to flip")
    parser.add_argument("--unhashed", type=int, choices=(0, 1), default=0)
    arguments = parser.parse_args()
    options = {"unhashed": bool(arguments.unhashed), "seed": arguments.seed}
    print(json.dumps(damage_table(arguments.arrays, **options)))
