"""What weights gain over MATLAB's bicubic on clips with ground truth, on luma.

    python benchmarks/against_bicubic.py prepared/validation/clips/vtest_50.npy
    python benchmarks/against_bicubic.py examples/sample/gt.mp4 --window 50

A clip is a video, a folder of pictures or an array [t, h, w, 3] uint8; it is the truth,
and what is restored is made from it: MATLAB's bicubic /4, rounded to 8 bit. The lowest
gain of a frame tells whether quality drifts along the clip; a longer window lets it
drift for longer.
"""

import argparse
import sys
from pathlib import Path

import numpy as np

import bvsrpp_jax as bvsrpp
from bvsrpp_jax.data.degradations import bicubic_resize, to_uint8
from bvsrpp_jax.evaluation.metrics import psnr, ssim
from bvsrpp_jax.media import open_clip


def main() -> int:
    """Prints a line for every clip."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("clips", nargs="+", type=Path, metavar="CLIP")
    parser.add_argument("--weights", default="lite")
    parser.add_argument("--frames", type=int, help="of each clip (default: all)")
    parser.add_argument("--window", type=int, help="see bvsrpp restore")
    args = parser.parse_args()
    restorer = bvsrpp.Restorer(*bvsrpp.load(args.weights), window=args.window)
    print("clip: frames, bicubic dB / SSIM, ours dB / SSIM, gain, lowest, last")
    for clip in args.clips:
        try:
            print(report(restorer, read(clip, args.frames), clip.name), flush=True)
        except bvsrpp.InputError as error:
            print(f"error: {error}", file=sys.stderr)
            return 2
    return 0


def read(path: Path, count: int | None) -> np.ndarray:
    """[t, h, w, 3] uint8; sides cut to multiples of 4."""
    if path.suffix == ".npy":
        frames = np.load(path)[:count]
    else:
        with open_clip(path) as clip:
            pixels = (frame.pixels for frame in clip)
            frames = np.stack([f for _, f in zip(range(count or 10**9), pixels)])  # noqa: B905
    h, w = (side - side % 4 for side in frames.shape[1:3])
    return frames[:, :h, :w]


def report(restorer: bvsrpp.Restorer, truth: np.ndarray, name: str) -> str:
    """The line of one clip."""
    lq = to_uint8(bicubic_resize(np.float32(truth) / 255, 1 / 4))
    bicubic = to_uint8(bicubic_resize(np.float32(lq) / 255, 4))
    ours = np.stack(list(restorer.stream(lq)))
    values = [psnr(x, truth, channel="y") for x in (bicubic, ours)]
    similar = [ssim(x, truth, channel="y").mean() for x in (bicubic, ours)]
    gain = values[1] - values[0]
    return (
        f"{name}: {len(truth)}, {values[0].mean():.2f} / {similar[0]:.4f},"
        f" {values[1].mean():.2f} / {similar[1]:.4f},"
        f" {gain.mean():+.2f}, {gain.min():+.2f}, {gain[-1]:+.2f}"
    )


if __name__ == "__main__":
    sys.exit(main())
