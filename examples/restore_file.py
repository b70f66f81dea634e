"""Restores a video file; sound and timestamps are kept.

python examples/restore_file.py                              the sample clip's beginning
python examples/restore_file.py in.mp4 out.mp4 --weights my.pth --seconds 10
"""

import argparse
from pathlib import Path

import bvsrpp_jax as bvsrpp

SAMPLE = Path(__file__).parent / "sample" / "lq.mp4"

parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
parser.add_argument("input", nargs="?", type=Path, default=SAMPLE)
parser.add_argument("output", nargs="?", type=Path, default=Path("out/restored.mp4"))
parser.add_argument("--weights", default="lite", help="preset, file or folder")
parser.add_argument("--seconds", type=float, default=0.32, help="how much of it")
args = parser.parse_args()
args.output.parent.mkdir(parents=True, exist_ok=True)

restorer = bvsrpp.Restorer.from_pretrained(args.weights)
print(restorer)

count = restorer.restore_video(
    args.input,
    args.output,
    duration=args.seconds,
    overwrite=True,
    on_start=lambda job: print(f"{job.source.name}: {job.plan}"),
)
print(f"wrote {count} frames to {args.output}")
