"""`bvsrpp restore`: a video or pictures in, restored ones out."""

import argparse
import os
import sys
import warnings

from bvsrpp_jax.commands.numbers import number, seconds


def add(commands: argparse._SubParsersAction) -> None:
    """Adds the command to the parser."""
    command = commands.add_parser("restore", help="restore a video or pictures")
    command.set_defaults(run=run)
    add = command.add_argument
    add("input", metavar="INPUT", help="video, folder of pictures, or picture")
    add("output", metavar="OUTPUT", help="video by its suffix, .png, or folder")
    add("--weights", default="lite", help="preset or weights file (default: lite)")
    add("--start", type=seconds, help="seconds or h:mm:ss after the first frame")
    add("--duration", type=seconds, help="how much to restore, seconds or h:mm:ss")
    add("--codec", help="video encoder (default: libx264; libvpx-vp9 in .webm)")
    add("--crf", type=int, help="quality, lower is better (libx264: 16)")
    add("--fps", type=number, help="frames a second of pictures (default: 25)")
    add("--max-pixels", type=int, help="of an input frame (default: 67108864)")
    add("--window", type=int, help="frames at a time (default: what fits, up to 96)")
    add("--overlap", type=int, help="of them, frames at a cut not kept (default: 6)")
    add("--overwrite", action="store_true", help="replace an existing output")
    add("--quiet", action="store_true", help="print nothing but errors")


def run(arguments: argparse.Namespace) -> None:
    """Restores."""
    from bvsrpp_jax.restoration import Restorer
    from bvsrpp_jax.restoration.progress import Reporter
    from bvsrpp_jax.weights import load

    os.environ.setdefault("SVT_LOG", "1")  # or libsvtav1 talks to stderr by itself
    settings = {
        name: getattr(arguments, name)
        for name in ("start", "duration", "fps", "codec", "crf", "overwrite")
    }
    if arguments.max_pixels is not None:
        settings["max_pixels"] = arguments.max_pixels
    restorer = Restorer(
        *load(arguments.weights), window=arguments.window, overlap=arguments.overlap
    )
    if arguments.quiet:
        warnings.simplefilter("ignore")
        restorer.restore_video(arguments.input, arguments.output, **settings)
        return
    reporter = Reporter(
        weights=arguments.weights, target=arguments.output, stream=sys.stderr
    )
    with reporter:
        count = restorer.restore_video(
            arguments.input,
            arguments.output,
            on_start=reporter.on_start,
            on_work=reporter.on_work,
            **settings,
        )
    reporter.on_end(count)
