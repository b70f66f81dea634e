"""Names that come out of files, made fit for a one-line message.

A key or a class name of a broken or hostile file can hold line breaks, terminal escapes
or a megabyte of text; none of it may reach the terminal.
"""

from collections.abc import Iterable, Mapping

LONGEST = 120  # characters; the longest official key has 53
MOST = 10  # names listed of each kind of problem


class Refused(ValueError):
    """What is wrong with a file's contents and what to do, without the file's name."""


def printable(text: object, limit: int = LONGEST) -> str:
    """`text` on one line: unprintable characters become `?`, a long end `...`."""
    clean = "".join(c if c.isprintable() else "?" for c in str(text)[: limit + 1])
    return clean if len(clean) <= limit else clean[: limit - 3] + "..."


def listed(names: Iterable[object]) -> str:
    """The first `MOST` of `names` with commas between, and how many more there are."""
    names = list(names)
    text = ", ".join(printable(name) for name in names[:MOST])
    more = len(names) - MOST
    return f"{text} and {more} more" if more > 0 else text


def counted(problems: Mapping[str, list]) -> str:
    """Kind of problem -> names, as "2 missing (a, b); 1 unexpected (c)"; "" if none."""
    return "; ".join(
        f"{len(names)} {kind} ({listed(names)})"
        for kind, names in problems.items()
        if names
    )
