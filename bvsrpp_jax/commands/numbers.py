"""Numbers as they are typed."""

import argparse
import re
from fractions import Fraction


def seconds(text: str) -> Fraction:
    """62.5, 1:02.5 or 0:01:02.5."""
    parts = text.split(":")
    if len(parts) > 3:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no time: give seconds, m:ss or h:mm:ss"
        )
    total = Fraction(0)
    for part in parts:
        total = 60 * total + number(part)
    return total


def size(text: str) -> tuple[int | None, int | None]:
    """1920x1080; or x1080 and 1920x, which leave the other side to the shape."""
    match = re.fullmatch(r"(\d{1,5})?[xX](\d{1,5})?", text)
    sides = [int(side) if side else None for side in match.groups()] if match else [0]
    if 0 in sides or sides == [None, None]:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no size: give 1920x1080, or x1080 or 1920x to keep the shape"
        )
    return tuple(sides)


def number(text: str) -> Fraction:
    """25, 23.976 or 30000/1001; not negative."""
    try:
        value = Fraction(text)
    except (ValueError, ZeroDivisionError):
        value = Fraction(-1)
    if value < 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 0 up")
    return value


def bytes_of(text: str) -> int:
    """4GiB, 4G, 4096MiB, 500 MB or a number of bytes."""
    match = re.fullmatch(r"([0-9.]+) *([kmgt]?)(i?)b?", text.strip().lower())
    try:
        value = Fraction(match[1])
    except (TypeError, ValueError):
        raise argparse.ArgumentTypeError(
            f"{text!r} is no amount of memory: give for example 4GiB"
        ) from None
    # As everywhere with memory, a bare G is 2^30; only GB is 10^9.
    decimal = text.strip().lower().endswith("b") and match[2] and not match[3]
    return int(value * (1000 if decimal else 1024) ** " kmgt".index(match[2] or " "))
