"""Options of `bvsrpp restore` that would have no effect beside others are refused."""

import argparse
from collections.abc import Iterable

from bvsrpp_jax.errors import InputError

_OF_OUTPUT = (
    *("output", "codec", "crf", "pixel_format", "size", "side_by_side"),
    *("overwrite", "restart", "multihost"),
)
_OF_PROCESSES = ("coordinator", "num_processes", "process_id")


def check_options(arguments: argparse.Namespace) -> None:
    """Says which options would be ignored, before any work is done.

    Raises:
      InputError: one would be.
    """
    if not arguments.multihost:
        _refuse(arguments, _OF_PROCESSES, "have an effect only with --multihost")
    if arguments.verify_seams:
        _refuse(arguments, _OF_OUTPUT, "have no effect: --verify-seams writes nothing")
    if arguments.lookahead is not None:
        live = "have no effect: --lookahead restores frame by frame"
        _refuse(arguments, ("scratch",), f"{live}, and nothing waits on disk")
        _refuse(
            arguments,
            ("multihost",),
            f"{live}, each from all before it, which processes cannot share",
        )


def _refuse(arguments: argparse.Namespace, names: Iterable[str], reason: str) -> None:
    # Not by comparison: 0 equals False.
    values = {name: getattr(arguments, name) for name in names}
    given = [n for n, value in values.items() if not (value is None or value is False)]
    if given:
        spelled = ", ".join(map(_spelled, given))
        raise InputError(f"{spelled}: would {reason}. Leave out one or the other.")


def _spelled(name: str) -> str:
    """As it is typed: those of several processes have the underscores of JAX."""
    if name == "output":
        return "OUTPUT"
    return f"--{name if name in _OF_PROCESSES else name.replace('_', '-')}"
