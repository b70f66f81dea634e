"""`bvsrpp restore`: a video or pictures in, restored ones out."""

import argparse
import os
import signal
import sys
import warnings
from collections.abc import Callable
from functools import partial

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
    add("--window", type=int, help="frames at a time (default: what fits, up to 96)")
    add("--overlap", type=int, help="of them, frames at a cut not kept (default: 6)")
    add("--overwrite", action="store_true", help="replace an existing output")
    add("--restart", action="store_true", help="forget what an earlier run has done")
    add("--multihost", action="store_true", help="run as one of several processes")
    add("--coordinator", help="host:port of process 0, if it must be told")
    add("--num_processes", type=int, help="how many, if it must be told")
    add("--process_id", type=int, help="which one this is, if it must be told")
    add("--quiet", action="store_true", help="print nothing but errors")


def run(arguments: argparse.Namespace) -> None:
    """Restores."""
    from bvsrpp_jax.restoration import Restorer
    from bvsrpp_jax.weights import load

    os.environ.setdefault("SVT_LOG", "1")  # or libsvtav1 talks to stderr by itself
    is_main = not arguments.multihost or _join(arguments)
    settings = {
        name: getattr(arguments, name)
        for name in (
            *("start", "duration", "fps", "codec", "crf", "overwrite", "restart"),
            "multihost",
        )
    }
    restorer = Restorer(
        *load(arguments.weights), window=arguments.window, overlap=arguments.overlap
    )
    restore = partial(
        restorer.restore_video, arguments.input, arguments.output, **settings
    )
    if arguments.quiet or not is_main:
        warnings.simplefilter("ignore")
        restore()
    else:
        _tell(restore, arguments)


def _tell(restore: Callable[..., int], arguments: argparse.Namespace) -> None:
    """Restores, and says how it gets on."""
    from bvsrpp_jax.restoration.progress import Reporter

    reporter = Reporter(
        weights=arguments.weights, target=arguments.output, stream=sys.stderr
    )
    with reporter:
        count = restore(on_start=reporter.on_start, on_work=reporter.on_work)
    reporter.on_end(count)


def _join(arguments: argparse.Namespace) -> bool:
    """Joins the other processes; whether this one is the first of them."""
    from bvsrpp_jax.processes import connect, is_main

    handler = signal.getsignal(signal.SIGTERM)
    connect(
        coordinator=arguments.coordinator,
        num_processes=arguments.num_processes,
        process_id=arguments.process_id,
    )
    signal.signal(signal.SIGTERM, handler)  # JAX has taken it
    return is_main()
