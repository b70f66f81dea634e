"""Failures of files and codecs, told as one line that names the file."""

from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path

import av

from bvsrpp_jax.errors import InputError


@contextmanager
def told_as(path: Path | str, problem: str, advice: str) -> Iterator[None]:
    """Turns what the system or FFmpeg reports inside into an `InputError`.

    The message is `<path>: <problem> (<reason>). <advice>`.
    """
    try:
        yield
    except (av.error.FFmpegError, OSError) as error:
        reason = error.strerror or type(error).__name__
        raise InputError(f"{path}: {problem} ({reason}). {advice}") from error


def as_fraction(rational) -> Fraction | None:
    """PyAV's rationals in one type; "not known" is None, 0/0 or 0/1 there."""
    if not rational or not rational.denominator:
        return None
    return Fraction(rational.numerator, rational.denominator)
