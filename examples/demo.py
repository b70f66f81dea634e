"""Restores the sample clip, measures it against the truth and draws a comparison.

    python examples/demo.py                       the bundled weights; writes to out/
    python examples/demo.py --weights weights.pth --out elsewhere

Writes demo.mp4, the restored clip with its sound, and demo.png, details of one frame
side by side. Bicubic is MATLAB's, as in the tables of the field. Ours is measured on
demo.mp4 itself, so it pays for the encoding; bicubic does not.
"""

import argparse
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from comparison import Shown, draw

import bvsrpp_jax as bvsrpp
from bvsrpp_jax.data.degradations import bicubic_resize, to_uint8
from bvsrpp_jax.errors import InputError
from bvsrpp_jax.evaluation.metrics import psnr, ssim
from bvsrpp_jax.media import open_clip

SAMPLE = Path(__file__).parent / "sample"


def main(arguments: list[str] | None = None) -> int:
    """Runs the demo and returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument(
        "--weights", default="lite", help="file or preset (default: %(default)s)"
    )
    parser.add_argument(
        "--out", type=Path, default=Path("out"), help="folder (default: %(default)s)"
    )
    parser.add_argument(
        "--sample", type=Path, default=SAMPLE, help="folder with lq.mp4 and gt.mp4"
    )
    args = parser.parse_args(arguments)
    try:
        demo(args.sample, args.weights, args.out)
    except InputError as error:
        print(f"demo: error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    return 0


def demo(sample: Path, weights: str, out: Path) -> None:
    """Restores `sample`/lq.mp4 and compares it with `sample`/gt.mp4.

    Raises:
      InputError: the weights or the clips cannot be used, or `out` not be written.
    """
    video, picture = out / "demo.mp4", out / "demo.png"
    make_folder(out)
    restorer = bvsrpp.Restorer(*bvsrpp.load(weights))
    started = time.perf_counter()
    count = restorer.restore_video(
        sample / "lq.mp4", video, overwrite=True, on_progress=show_progress
    )
    seconds = time.perf_counter() - started
    print(f"restored {count} frames in {seconds:.1f} s, compilation included")

    print("measuring ...", flush=True)
    scores, shown = compare(sample / "lq.mp4", video, sample / "gt.mp4", at=count // 2)
    print(table(scores))
    draw(shown, scores).save(picture)
    print(f"wrote {video} and {picture}")


def make_folder(folder: Path) -> None:
    """Makes the output folder, before minutes are spent on what goes into it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(
            f"{folder}: cannot be made ({error.strerror}). Choose another --out."
        ) from error


def show_progress(done: int, expected: int | None) -> None:
    """Counts the frames on one line of a terminal, and is silent elsewhere."""
    if sys.stderr.isatty():
        end = "\n" if done == expected else "\r"
        print(f"frame {done} of {expected or '?'}", end=end, file=sys.stderr)


def compare(
    lq: Path, ours: Path, gt: Path, *, at: int
) -> tuple[dict[str, tuple[float, float]], Shown]:
    """Measures bicubic and ours on luma, and keeps the pictures of one frame.

    Args:
      lq, ours, gt: three clips of equally many frames.
      at: index of the frame to keep.

    Returns:
      {name: (PSNR in decibels, SSIM)}, means over the frames; and frame `at`.
    """
    values = {"bicubic": [], "ours": []}
    for index, (small, restored, truth) in enumerate(frames_of(lq, ours, gt)):
        results = {"bicubic": bicubic(small), "ours": restored}
        if index == at:
            shown = Shown(low=small, truth=truth, **results)
        for name, result in results.items():
            pair = result[None], truth[None]
            values[name].append([psnr(*pair, channel="y"), ssim(*pair, channel="y")])
    scores = {name: np.mean(value, axis=0).ravel() for name, value in values.items()}
    return {name: (float(p), float(s)) for name, (p, s) in scores.items()}, shown


def frames_of(*paths: Path) -> Iterator[tuple[np.ndarray, ...]]:
    """Reads clips side by side: tuples of [h, w, 3] uint8 frames."""
    clips = [open_clip(path) for path in paths]
    try:
        for frames in zip(*clips, strict=True):
            yield tuple(frame.pixels for frame in frames)
    finally:
        for clip in clips:
            clip.close()


def bicubic(frame: np.ndarray) -> np.ndarray:
    """[h, w, 3] uint8 -> [4h, 4w, 3] uint8, MATLAB's bicubic."""
    return to_uint8(bicubic_resize(frame / 255, 4))


def table(scores: dict[str, tuple[float, float]]) -> str:
    """The scores as lines of text, with what ours gains."""
    lines = [f"{'':8}  PSNR-Y (dB)  SSIM-Y"]
    lines += [f"{name:8}  {p:11.2f}  {s:6.4f}" for name, (p, s) in scores.items()]
    gain = np.subtract(scores["ours"], scores["bicubic"])
    return "\n".join([*lines, f"{'gain':8}  {gain[0]:+11.2f}  {gain[1]:+6.4f}"])


if __name__ == "__main__":
    sys.exit(main())
