"""`bvsrpp restore`: a video or pictures in, restored ones out."""

import argparse
import os
import signal
import sys
import warnings
from functools import partial
from pathlib import Path

from bvsrpp_jax.commands.numbers import bytes_of, number, seconds, size
from bvsrpp_jax.commands.restore_options import check_options
from bvsrpp_jax.errors import InputError


def add(commands: argparse._SubParsersAction) -> None:
    """Adds the command to the parser."""
    command = commands.add_parser("restore", help="restore a video or pictures")
    command.set_defaults(run=run)
    add = command.add_argument
    add("input", metavar="INPUT", help="video, folder of pictures, or picture")
    add(
        "output",
        metavar="OUTPUT",
        nargs="?",
        help="video by its suffix, .png, or folder",
    )
    add("--weights", default="lite", help="preset or weights file (default: lite)")
    add("--start", type=seconds, help="seconds or h:mm:ss after the first frame")
    add("--duration", type=seconds, help="how much to restore, seconds or h:mm:ss")
    add(
        "--deinterlace",
        action="store_true",
        help="make each interlaced frame one of a single moment (none is added)",
    )
    add("--max-pixels", type=int, help="of an input frame (default: 67108864)")
    add("--overwrite", action="store_true", help="replace an existing output")
    add("--restart", action="store_true", help="forget what an earlier run has done")
    add("--quiet", action="store_true", help="print nothing but errors")
    _add_output(command.add_argument_group("output").add_argument)
    _add_quality(command.add_argument_group("quality").add_argument)
    _add_memory(command.add_argument_group("memory").add_argument)
    _add_processes(command.add_argument_group("several processes").add_argument)


def _add_output(add) -> None:
    add("--codec", help="video encoder (default: libx264 or libx265, by the bits)")
    add("--crf", type=int, help="quality, lower is better (libx264: 16, libx265: 18)")
    add("--pixel-format", help="of the video, such as yuv420p10le")
    add("--size", type=size, help="of the output: 1920x1080; x1080 or 1920x keep shape")
    add("--fps", type=number, help="frames a second of pictures (default: 25)")
    add("--side-by-side", metavar="FILE", help="also a video of input beside result")


def _add_quality(add) -> None:
    add("--ensemble", action="store_true", help="mean of 8 flips; 8 times the work")
    add(
        "--temporal-ensemble",
        action="store_true",
        help="mean of both directions of time; twice the work",
    )
    add("--exact", action="store_true", help="no windows: whole shots, on disk if long")
    add("--window", type=int, help="frames at a time (default: what fits, up to 96)")
    add("--overlap", type=int, help="of them, frames at a cut not kept (default: 6)")
    add("--no-shots", action="store_true", help="do not start anew at cuts")
    add("--lookahead", type=int, metavar="N", help="see only N frames ahead: live use")
    add(
        "--verify-seams",
        action="store_true",
        help="write nothing: measure what windows and tiles change",
    )


def _add_memory(add) -> None:
    add("--memory", type=bytes_of, help="of a device, as 4GiB (default: what is free)")
    add("--dtype", choices=("float32", "bfloat16"), help="of the computation")
    add("--chunk", type=int, help="frames on the device (default: what fits, up to 8)")
    add("--tile", type=int, help="longest side of a tile, 0: none (default: what fits)")
    add("--scratch", metavar="FOLDER", help="frames and features may wait there")


def _add_processes(add) -> None:
    add("--multihost", action="store_true", help="run as one of several processes")
    add("--coordinator", help="host:port of process 0, if it must be told")
    add("--num_processes", type=int, help="how many, if it must be told")
    add("--process_id", type=int, help="which one this is, if it must be told")


def run(arguments: argparse.Namespace) -> None:
    """Restores."""
    check_options(arguments)
    from bvsrpp_jax.commands.heap import return_large_blocks
    from bvsrpp_jax.compilation_cache import use_compilation_cache

    return_large_blocks()
    os.environ.setdefault("SVT_LOG", "1")  # or libsvtav1 talks to stderr by itself
    if arguments.quiet:
        warnings.simplefilter("ignore")
    use_compilation_cache()
    if arguments.verify_seams:
        _verify_seams(arguments)
    elif arguments.output is None:
        raise InputError("OUTPUT: is missing. Name a video, a .png or a folder.")
    elif arguments.side_by_side is not None:
        _restore_side_by_side(arguments)
    else:
        _restore(arguments)


def _restore_side_by_side(arguments: argparse.Namespace) -> None:
    from bvsrpp_jax.comparison import (
        check_beside_result,
        check_side_by_side,
        write_beside_result,
    )

    files = arguments.input, arguments.output
    settings = {"overwrite": arguments.overwrite}
    check_side_by_side(arguments.side_by_side, *files, **settings)

    def check(job) -> None:
        check_beside_result(job.source, job.result, arguments.side_by_side)

    if _restore(arguments, check):
        settings |= _reading(arguments)
        write_beside_result(*files, arguments.side_by_side, **settings)


def _restore(arguments: argparse.Namespace, check=lambda job: None) -> bool:
    """Restores; whether this process is the only one, or the first of several.

    `check` is called with the job before anything is compiled.
    """
    from bvsrpp_jax.restoration.progress import Reporter

    settings = {
        name: getattr(arguments, name)
        for name in (
            *("codec", "crf", "pixel_format", "size", "overwrite"),
            *("restart", "multihost"),
        )
    }
    settings |= _reading(arguments)
    is_main = not arguments.multihost or _join(arguments)
    restorer = _restorer(arguments)
    restore = partial(
        restorer.restore_video, arguments.input, arguments.output, **settings
    )
    if not is_main:
        warnings.simplefilter("ignore")
    if arguments.quiet or not is_main:
        restore(on_start=check)
        return is_main
    reporter = Reporter(
        weights=arguments.weights,
        target=arguments.output,
        stream=sys.stderr,
        asked=restorer.bytes_asked,
    )

    def on_start(job) -> None:
        check(job)
        reporter.on_start(job)

    with reporter:
        count = restore(on_start=on_start, on_work=reporter.on_work)
    reporter.on_end(count)
    return True


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


def _verify_seams(arguments: argparse.Namespace) -> None:
    from bvsrpp_jax.restoration.seams import seams_text, verify_seams

    part = _reading(arguments)
    print(seams_text(verify_seams(_restorer(arguments), arguments.input, **part)))


def _reading(arguments: argparse.Namespace) -> dict:
    """How the input is to be read."""
    names = ("start", "duration", "fps", "deinterlace")
    reading = {name: getattr(arguments, name) for name in names}
    if arguments.max_pixels is not None:
        reading["max_pixels"] = arguments.max_pixels
    return reading


def _restorer(arguments: argparse.Namespace):
    from bvsrpp_jax.restoration import Restorer
    from bvsrpp_jax.weights import load

    same = ("window", "overlap", "chunk", "exact", "lookahead", "tile", "dtype")
    options = {name: getattr(arguments, name) for name in (*same, "memory", "scratch")}
    if arguments.exact and arguments.scratch is None and arguments.output:
        options["scratch"] = Path(arguments.output).parent  # /tmp may be memory
    spatial, temporal = arguments.ensemble, arguments.temporal_ensemble
    return Restorer(
        *load(arguments.weights),
        shots=not arguments.no_shots,
        ensemble=(8 if spatial else 1) * (2 if temporal else 1),
        **options,
    )
