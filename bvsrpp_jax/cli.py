"""The command `bvsrpp`: thin subcommands over the library.

Exit codes: 0 done; 2 bad input or settings, told in one line; 75 stopped by SIGTERM and
130 by Ctrl-C, what is done is kept; 1 a bug of ours, with its traceback.
"""

import argparse
import os
import signal
import sys
import traceback
import warnings
from collections.abc import Sequence
from importlib import metadata
from typing import NoReturn

from bvsrpp_jax.commands import COMMANDS
from bvsrpp_jax.errors import InputError, Stopped

STOPPED = 75  # EX_TEMPFAIL: the same command resumes
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
    previous = signal.signal(signal.SIGTERM, _raise_stopped)
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
        _say(f"bvsrpp: error: {error}{_kept(error, ' ({})')}")
        return 2
    except KeyboardInterrupt as error:
        _say(f"bvsrpp: interrupted: {_kept(error)}")
        return 128 + signal.SIGINT
    except Stopped as error:
        _say(f"bvsrpp: stopped: {_kept(error)}")
        return STOPPED
    except Exception:
        traceback.print_exc()
        return 1
    return 0


def _kept(error: BaseException, form: str = "{}") -> str:
    """What is left of the work, which restoring notes on its exceptions."""
    notes = getattr(error, "__notes__", ())
    if not notes:
        return "" if isinstance(error, InputError) else "nothing is left behind"
    return form.format("; ".join(notes))


class _Parser(argparse.ArgumentParser):
    """Errors in the one-line form of every other error."""

    def error(self, message: str) -> NoReturn:
        _say(f"bvsrpp: error: {message}. See {self.prog} --help.")
        raise SystemExit(2)


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="bvsrpp", description=_HELP)
    parser.add_argument("--version", action="version", version=f"bvsrpp {_version()}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for command in COMMANDS:
        command.add(commands)
    for command in commands.choices.values():
        command.add_argument(
            "--debug", action="store_true", help="show where an error comes from"
        )
    return parser


def _version() -> str:
    try:
        return metadata.version("bvsrpp-jax")
    except metadata.PackageNotFoundError:
        return "(not installed, run from its source)"


def _raise_stopped(*_) -> NoReturn:
    raise Stopped


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
