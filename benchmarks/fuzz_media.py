"""Reads damaged videos by the thousand, and counts what becomes of them.

    python benchmarks/fuzz_media.py --seconds 120
    python benchmarks/fuzz_media.py --seconds 120 --how child
    python benchmarks/fuzz_media.py --seconds 120 --how copy
    python benchmarks/fuzz_media.py --case 1234          # one case again

Each case flips bytes of a small clip, or removes, repeats or zeroes a part of it. A
worker reads case after case in-process, which is far faster than a child for each; when
it crashes or hangs, the case is noted and a new worker goes on behind it. `child` reads
as the command does, `copy` writes the frames again with the sound beside them. What is
neither frames nor an `InputError` is listed.
"""

import argparse
import collections
import random
import select
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from malformed_media import seed  # noqa: E402

from bvsrpp_jax.errors import InputError  # noqa: E402
from bvsrpp_jax.media import create_clip  # noqa: E402
from bvsrpp_jax.media.child_reader import ChildReader  # noqa: E402
from bvsrpp_jax.media.reader import VideoReader  # noqa: E402

HOW = ("inside", "child", "copy")
SEEDS = (
    *("clip.mp4", "fast.mp4", "fragments.mp4", "clip.mkv", "clip.avi", "raw.avi"),
    *("clip.mpg", "clip.ts", "clip.h264"),
)
HANG = 30  # seconds


def main() -> None:
    """Runs workers until the time is over; prints counts and what stands out."""
    arguments = _arguments()
    if arguments.worker is not None:
        work(arguments.worker, arguments.how)
    elif arguments.case is not None:
        print(attempt(arguments.case, arguments.how))
    else:
        supervise(arguments.seconds, arguments.how)


def supervise(seconds: float, how: str) -> None:
    """Starts a worker again and again."""
    counts, case, end = collections.Counter(), 0, time.monotonic() + seconds
    while time.monotonic() < end:
        command = [sys.executable, __file__, "--how", how, "--worker", str(case)]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as worker:
            while time.monotonic() < end:
                ready, _, _ = select.select([worker.stdout], [], [], HANG)
                line = worker.stdout.readline().decode() if ready else ""
                if not line:
                    break
                case, outcome = case + 1, line.strip()
                counts[outcome.split(":")[0]] += 1
                if outcome.startswith("other"):
                    print(f"case {case - 1}: {outcome}")
            worker.kill()
        if time.monotonic() < end:
            outcome = f"ended with {worker.returncode}" if ready else "hung"
            print(f"case {case}: {outcome}")
            case, counts[outcome] = case + 1, counts[outcome] + 1
    print(f"{case} cases: {dict(counts)}")


def work(first: int, how: str) -> None:
    """Prints one line a case."""
    warnings.simplefilter("ignore")
    for name in SEEDS:
        seed(name)
    while True:
        print(attempt(first, how), flush=True)
        first += 1


def attempt(case: int, how: str) -> str:
    """The outcome of one case."""
    with tempfile.TemporaryDirectory() as folder:
        name, data = damaged(case)
        path = Path(folder) / name
        path.write_bytes(data)
        try:
            count = read(path, how)
        except InputError as error:
            text = str(error)
            return "crashed: " + text if "crashed" in text else "refused"
        except Exception as error:  # noqa: BLE001 - which one it is, is the result
            return f"other: {type(error).__name__}: {error!r:.300}"
    return "read" if count else "other: no frames"


def read(path: Path, how: str) -> int:
    """The number of frames."""
    with (ChildReader if how == "child" else VideoReader)(path) as source:
        if how != "copy":
            return sum(1 for _ in source)
        target = path.with_name("copy.mkv")
        with create_clip(target, source, source.info, codec="ffv1") as sink:
            for count, frame in enumerate(source, 1):  # noqa: B007
                sink.write(frame)
            sink.commit()
        return count


def damaged(case: int) -> tuple[str, bytes]:
    """The name and the bytes of a case; half of the damage is near the beginning."""
    chance = random.Random(case)
    name = chance.choice(SEEDS)
    data = bytearray(seed(name))
    for _ in range(chance.choice((1, 1, 2, 4, 16, 64))):
        reach = chance.choice((400, len(data), len(data)))
        place = chance.randrange(min(reach, len(data)))
        length = chance.choice((1, 4, 30, 300))
        kind = chance.randrange(6)
        if kind == 0:
            data[place] ^= 1 << chance.randrange(8)
        elif kind == 1:
            data[place : place + 4] = chance.choice(
                (b"\xff" * 4, b"\0" * 4, b"\x7f" + b"\xff" * 3, b"\x80" + b"\0" * 3)
            )
        elif kind == 2:
            data[place : place + length] = chance.randbytes(length)
        elif kind == 3:
            data[place] = chance.randrange(256)
        elif kind == 4 and chance.random() < 0.2:
            del data[place : place + length]
        elif kind == 5 and chance.random() < 0.2:
            data[place:place] = data[place : place + length]
    return name, bytes(data)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=120)
    parser.add_argument("--how", choices=HOW, default="inside")
    parser.add_argument("--case", type=int)
    parser.add_argument("--worker", type=int, help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    main()
