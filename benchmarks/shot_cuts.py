"""The cuts found in clips, and how far everything else is from being one.

    python benchmarks/shot_cuts.py bikes.mp4 bigbuckbunny.mp4 vtest.avi frames/
    python benchmarks/shot_cuts.py bikes.mp4 vtest.avi cityCC0.mpg --joined 200

Printed for each clip: the cuts with their difference and threshold, the frame that is
nearest to being a cut without being one, and core-milliseconds a frame, decoding aside.
`--joined N` then makes N cuts by joining random excerpts of different shots (the found
ones: look at them first), 8 to 40 frames long, and counts what is found.
"""

import argparse
import sys
import time
from itertools import islice
from pathlib import Path

import numpy as np

from bvsrpp_jax.errors import InputError
from bvsrpp_jax.media import open_clip
from bvsrpp_jax.restoration.shots import Score, scores, signature


def main() -> int:
    """Prints a line for every clip."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("clips", nargs="+", type=Path, metavar="CLIP")
    parser.add_argument("--frames", type=int, help="of each clip (default: all)")
    parser.add_argument("--joined", type=int, metavar="N", help="cuts to make")
    args = parser.parse_args()
    parts = []
    for path in args.clips:
        try:
            signatures, milliseconds = read(path, args.frames)
        except InputError as error:
            print(f"error: {error}", file=sys.stderr)
            return 2
        began = time.process_time()
        found = list(scores(signatures))
        milliseconds += 1000 * (time.process_time() - began) / len(found)
        taken = f"{milliseconds:.2f} core-ms a frame"
        print(report(path.name, found), taken, flush=True)
        parts += split(signatures, found)
    if args.joined:
        print(joined(parts, args.joined))
    return 0


def read(path: Path, count: int | None) -> tuple[list[np.ndarray], float]:
    """Signatures of a clip, and core-milliseconds that one takes."""
    signatures, seconds = [], 0.0
    with open_clip(path) as clip:
        for frame in islice(clip, count):
            pixels, began = frame.pixels, time.process_time()
            signatures.append(signature(pixels))
            seconds += time.process_time() - began
    return signatures, 1000 * seconds / len(signatures)


def report(name: str, found: list[Score]) -> str:
    """The line of one clip."""
    cuts, rest = [], []
    for number, score in list(enumerate(found))[1:]:
        (cuts if score.is_cut else rest).append((number, score))
    rest.sort(key=lambda item: item[1].difference / item[1].threshold)
    listed, nearest = (
        ", ".join(describe(*item) for item in items) or "none"
        for items in (cuts, rest[-1:])
    )
    return f"{name}: {len(found)} frames; cuts {listed}; nearest {nearest};"


def describe(number: int, score: Score) -> str:
    """Frame, difference and threshold."""
    sign = ">" if score.is_cut else "<"
    return f"{number} ({score.difference:.3f} {sign} {score.threshold:.3f})"


def split(signatures: list[np.ndarray], found: list[Score]) -> list[list[np.ndarray]]:
    """The shots, if they are at least 8 frames long."""
    starts = [number for number, score in enumerate(found) if score.is_cut]
    ends = [*starts[1:], len(signatures)]
    parts = [signatures[a:b] for a, b in zip(starts, ends, strict=True)]
    return [part for part in parts if len(part) >= 8]


def joined(parts: list[list[np.ndarray]], count: int) -> str:
    """Joins excerpts and says which of the cuts are found."""
    rng, clip, cuts, last = np.random.default_rng(0), [], [], -1
    while len(cuts) <= count:
        number = rng.choice([i for i in range(len(parts)) if i != last])
        part, last = parts[number], number
        length = min(len(part), rng.integers(8, 41))
        start = rng.integers(len(part) - length + 1)
        cuts.append(len(clip))
        clip += part[start : start + length]
    found = {number for number, score in enumerate(scores(clip)) if score.is_cut}
    right = len(found & set(cuts[1:]))
    wrong = len(found - set(cuts))
    return f"joined: {count} cuts in {len(clip)} frames; {right} found, {wrong} false"


if __name__ == "__main__":
    sys.exit(main())
