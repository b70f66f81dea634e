"""Numbers as they are typed."""

import argparse
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


def number(text: str) -> Fraction:
    """25, 23.976 or 30000/1001; not negative."""
    try:
        value = Fraction(text)
    except (ValueError, ZeroDivisionError):
        value = Fraction(-1)
    if value < 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 0 up")
    return value
