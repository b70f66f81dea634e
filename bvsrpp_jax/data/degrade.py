"""Makes the low-quality copy of a data set: a folder of PNGs for every clip.

    python -m bvsrpp_jax.data.degrade --input Vid4/GT --output Vid4/BIx4
    ... --degradation blur                      BDx4
    ... --degradation bicubic --scale 2.5       any factor above 1
    ... --degradation bicubic,h264 --crf 28     in this order; or hevc
    ... --degradation noise --sigma 50          in eight bits
    ... --degradation crop --scale 4            the ground truth, cut to multiples of 4

The input is a folder of clips, each a folder of pictures or a video file, or a single
clip. Clips and frames keep their names. A clip appears complete or not at all, and the
same command goes on after an interruption. docs/datasets.md has more.
"""

import argparse
import math
import sys
import time
from collections.abc import Callable
from fractions import Fraction
from functools import partial
from pathlib import Path

from bvsrpp_jax.data.degraded_clip import (
    Recipe,
    StoredClip,
    check_size,
    degrade_clip,
    frame_names,
)
from bvsrpp_jax.data.degraded_folder import claimed, is_done
from bvsrpp_jax.data.degrading import SHRINKING, Degradations, check_degradations
from bvsrpp_jax.data.folder_layout import pairs
from bvsrpp_jax.data.workers import OnFrame, run_jobs
from bvsrpp_jax.errors import InputError
from bvsrpp_jax.media.failures import told_as

_PARAMETERS = {"noise": "sigma", "h264": "crf", "hevc": "crf"}
_INTERVAL = 10.0  # seconds between lines


def degrade(
    source: Path,
    output: Path,
    *,
    degradations: Degradations = ("bicubic",),
    scale: Fraction | float | None = None,
    seed: int = 0,
    processes: int = 1,
    say: Callable[[str], None] | None = None,
) -> Path:
    """Makes the degraded copy of all clips.

    Args:
      source: a folder of clips, or a clip; see `folder_layout.pairs`.
      output: gets a folder of PNGs for every clip, and a record of the settings.
      degradations: by name, in order, as for training (`degrading`); or "crop" alone,
        which cuts the sides to multiples of the scale.
      scale: how many times smaller; None is 4 where something shrinks, else 1.
      seed: of noise and of qualities that are drawn; a clip's randomness depends on it
        and on the clip's name.
      processes: how many work at a time. With more than one, the calling script needs
        `if __name__ == "__main__"`. The pixels do not depend on it.
      say: told how far it is, a line now and then; None prints to stderr.

    Returns:
      The output.

    Raises:
      InputError: settings, input or output are not as they must be.
    """
    say = say or partial(print, file=sys.stderr)
    recipe = _recipe(degradations, scale, seed)
    if processes < 1:
        raise InputError(f"--processes: is {processes}. Give a number from 1 on.")
    with told_as(source, "cannot be read", "Give a folder of clips or a video file."):
        clips = pairs(source, None)
    for clip in clips:
        frame_names(clip)
        check_size(clip, recipe)
    with claimed(output, source, recipe):
        jobs = [(clip, output / clip.name, recipe) for clip in clips]
        jobs = [job for job in jobs if not is_done(*job[:2])]
        if len(jobs) < len(clips):
            say(f"{len(clips) - len(jobs)} of {len(clips)} clips are done already")
        if jobs:
            report = _progress(say, len(jobs))
            run_jobs(_degrade, jobs, processes=processes, report=report)
    return output


def _degrade(job: tuple[StoredClip, Path, Recipe], on_frame: OnFrame) -> None:
    degrade_clip(*job, on_frame)


def _recipe(
    degradations: Degradations, scale: Fraction | float | None, seed: int
) -> Recipe:
    recipe = Recipe(tuple(degradations), Fraction(1), seed)
    shrinks = {*recipe.names} & {"crop", *SHRINKING}
    scale = Fraction((4 if shrinks else 1) if scale is None else scale)
    recipe = recipe._replace(scale=scale.limit_denominator(1000))
    if scale < 1:
        raise InputError(
            f"--scale: is {scale}; it says how many times smaller frames become. Give 3"
            " for MATLAB's 1/3."
        )
    if not recipe.names or ("crop" in recipe.names and len(recipe.names) > 1):
        raise InputError(
            "--degradation: needs a name; crop, which cuts ground truth, goes alone."
            " Degrade its result."
        )
    if seed < 0:
        raise InputError(f"--seed: is {seed}. Give a whole number from 0 on.")
    if recipe.names != ("crop",):
        told = int(scale) if scale.denominator == 1 else float(scale)
        check_degradations(recipe.degradations, scale=told, size=64)
    return recipe


def _progress(say: Callable[[str], None], clips: int) -> Callable[[int, int], None]:
    begin = told = time.monotonic()

    def report(done: int, frames: int) -> None:
        nonlocal told
        now = time.monotonic()
        if now - told < _INTERVAL and done < clips:
            return
        told = now
        left = ""
        if 0 < done < clips:
            left = f", {(now - begin) / done * (clips - done) / 60:.0f} min left"
        say(f"{done} of {clips} clips, {frames} frames{left}")

    return report


def _parameters(names: list[str], given: dict[str, tuple | None]) -> Degradations:
    """Gives each name the option that it takes; none is left over or guessed."""
    for option, value in given.items():
        takers = [name for name in names if _PARAMETERS.get(name) == option]
        if takers and value is None:
            raise InputError(f"--{option}: is missing. {takers[0]} needs it.")
        if value is not None and not takers:
            raise InputError(f"--{option}: {', '.join(names)} has none. Leave it out.")
    return [
        (name, {_PARAMETERS[name]: given[_PARAMETERS[name]]})
        if name in _PARAMETERS
        else name
        for name in names
    ]


def _range(option: str, number: type, text: str | None) -> tuple | None:
    """28 is (28, 28), and 18-35 is (18, 35)."""
    if text is None:
        return None
    low, _, high = text.partition("-")
    return _number(option, number, low), _number(option, number, high or low)


def _number(option: str, kind: type, text: str):
    try:
        if math.isfinite(value := kind(text)):
            return value
    except (ValueError, OverflowError, ZeroDivisionError):
        pass
    raise InputError(f"--{option}: {text!r} is no number that it takes. See --help.")


def main(arguments: list[str] | None = None) -> int:
    """The command; returns its exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--input", type=Path, required=True, help="folder of clips, or a clip")
    add("--output", type=Path, required=True, help="folder that the copies go to")
    add("--degradation", default="bicubic", metavar="NAMES", help="default: bicubic")
    add("--scale", metavar="FACTOR", help="how many times smaller (default: 4)")
    add("--sigma", metavar="LEVELS", help="of noise: 50, or 0-50 drawn for each clip")
    add("--crf", metavar="QUALITY", help="of h264 and hevc: 28, or 18-35 likewise")
    add("--seed", type=int, default=0, help="of noise, and of ranges (default: 0)")
    add("--processes", type=int, default=1, help="clips at a time (default: 1)")
    given = parser.parse_args(arguments)
    try:
        names = [name.strip() for name in given.degradation.split(",")]
        sigma = _range("sigma", float, given.sigma)
        crf = _range("crf", int, given.crf)
        scale = given.scale and _number("scale", Fraction, given.scale)
        written = degrade(
            given.input.expanduser(),
            given.output.expanduser(),
            degradations=_parameters(names, {"sigma": sigma, "crf": crf}),
            scale=scale,
            seed=given.seed,
            processes=given.processes,
        )
        print(written)
    except InputError as error:
        print(f"degrade: error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("degrade: stopped; the same command goes on", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
