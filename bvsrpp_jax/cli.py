"""The command `bvsrpp`: thin subcommands over the library.

Exit codes: 0 done; 2 bad input or settings, told in one line; 130 Ctrl-C and 143
SIGTERM, with nothing left behind; 1 a bug of ours, with its traceback.
"""

import argparse
import os
import signal
import sys
import traceback
import warnings
from collections.abc import Sequence
from fractions import Fraction
from importlib import metadata
from typing import NoReturn

from bvsrpp_jax.errors import InputError

_HELP = "BasicVSR++ video super-resolution and restoration, in JAX."


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command.

    Args:
      argv: its arguments, None for those of the process. A failure then ends the
        process at once, without waiting for the window that is being restored.

    Returns:
      The exit code.
    """
    arguments = _parser().parse_args(argv)
    previous = signal.signal(signal.SIGTERM, _raise_terminated)
    try:
        with warnings.catch_warnings():
            warnings.showwarning = _show_note
            code = _run(arguments)
    finally:
        signal.signal(signal.SIGTERM, previous)
    if code and argv is None:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    return code


def _run(arguments: argparse.Namespace) -> int:
    try:
        arguments.run(arguments)
    except InputError as error:
        if arguments.debug:
            traceback.print_exc()
        _say(f"bvsrpp: error: {error}")
        return 2
    except KeyboardInterrupt:
        _say("bvsrpp: interrupted, nothing is left behind")
        return 128 + signal.SIGINT
    except _Terminated:
        _say("bvsrpp: terminated, nothing is left behind")
        return 128 + signal.SIGTERM
    except Exception:
        traceback.print_exc()
        return 1
    return 0


def _restore(arguments: argparse.Namespace) -> None:
    from bvsrpp_jax.restoration import Restorer
    from bvsrpp_jax.restoration.progress import Reporter
    from bvsrpp_jax.weights import load

    os.environ.setdefault("SVT_LOG", "1")  # or libsvtav1 talks to stderr by itself
    settings = {
        name: getattr(arguments, name)
        for name in ("start", "duration", "fps", "codec", "crf", "overwrite")
    }
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


def _convert(arguments: argparse.Namespace) -> None:
    from bvsrpp_jax.weights.convert import convert
    from bvsrpp_jax.weights.report import conversion_text

    conversion = convert(
        arguments.input, arguments.output, overwrite=arguments.overwrite
    )
    print(conversion_text(conversion))


def _models(arguments: argparse.Namespace) -> None:
    from bvsrpp_jax.weights.catalogue import OFFICIAL, bundled
    from bvsrpp_jax.weights.report import models_text

    print(models_text(bundled(), OFFICIAL))


class _Parser(argparse.ArgumentParser):
    """Errors in the one-line form of every other error."""

    def error(self, message: str) -> NoReturn:
        _say(f"bvsrpp: error: {message}. See {self.prog} --help.")
        raise SystemExit(2)


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="bvsrpp", description=_HELP)
    parser.add_argument("--version", action="version", version=f"bvsrpp {_version()}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    _add_restore(commands.add_parser("restore", help="restore a video or pictures"))
    _add_convert(commands.add_parser("convert", help="convert a weights file"))
    models = commands.add_parser("models", help="list the networks there are")
    models.set_defaults(run=_models)
    for command in commands.choices.values():
        command.add_argument(
            "--debug", action="store_true", help="show where an error comes from"
        )
    return parser


def _add_restore(command: argparse.ArgumentParser) -> None:
    command.set_defaults(run=_restore)
    add = command.add_argument
    add("input", metavar="INPUT", help="video, folder of pictures, or picture")
    add("output", metavar="OUTPUT", help="video by its suffix, .png, or folder")
    add("--weights", default="lite", help="preset or weights file (default: lite)")
    add("--start", type=_seconds, help="seconds or h:mm:ss after the first frame")
    add("--duration", type=_seconds, help="how much to restore, seconds or h:mm:ss")
    add("--codec", help="video encoder (default: libx264; libvpx-vp9 in .webm)")
    add("--crf", type=int, help="quality, lower is better (libx264: 16)")
    add("--fps", type=_number, help="frames a second of pictures (default: 25)")
    add("--window", type=int, help="frames at a time (default: what fits, up to 96)")
    add("--overlap", type=int, help="of them, frames at a cut not kept (default: 6)")
    add("--overwrite", action="store_true", help="replace an existing output")
    add("--quiet", action="store_true", help="print nothing but errors")


def _add_convert(command: argparse.ArgumentParser) -> None:
    command.set_defaults(run=_convert)
    add = command.add_argument
    add("input", metavar="INPUT", help="weights: .pth, .safetensors or a preset")
    add("output", metavar="OUTPUT", help="the .safetensors file to write")
    add("--overwrite", action="store_true", help="replace an existing output")


def _seconds(text: str) -> Fraction:
    """62.5, 1:02.5 or 0:01:02.5."""
    parts = text.split(":")
    if len(parts) > 3:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no time: give seconds, m:ss or h:mm:ss"
        )
    seconds = Fraction(0)
    for part in parts:
        seconds = 60 * seconds + _number(part)
    return seconds


def _number(text: str) -> Fraction:
    """25, 23.976 or 30000/1001; not negative."""
    try:
        number = Fraction(text)
    except (ValueError, ZeroDivisionError):
        number = Fraction(-1)
    if number < 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 0 up")
    return number


def _version() -> str:
    try:
        return metadata.version("bvsrpp-jax")
    except metadata.PackageNotFoundError:
        return "(not installed, run from its source)"


class _Terminated(BaseException):
    """SIGTERM: leaves through every cleanup, like Ctrl-C."""


def _raise_terminated(*_) -> NoReturn:
    raise _Terminated


def _show_note(message: Warning, category, *_) -> None:
    if category is UserWarning:
        _say(f"bvsrpp: note: {message}")


def _say(text: str) -> None:
    """One line on stderr, whatever characters a file's name has."""
    shown = (
        c if c.isprintable() else c.encode("unicode_escape", "replace").decode()
        for c in text
    )
    print("".join(shown), file=sys.stderr)
