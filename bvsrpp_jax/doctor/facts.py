"""Facts, and how they are printed."""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

REPORT = "Open an issue with all that bvsrpp doctor prints"
_WIDTH = 12


@dataclass(frozen=True)
class Fact:
    """Something found out.

    Attributes:
      name: of what; short, for it stands in a column.
      value: what was found, one line.
      problem: what is wrong with it, "" if nothing is.
      remedy: what to do about the problem.
      broken: restoring does not work because of it; other problems make it slow, or
        take a part away.
    """

    name: str
    value: str
    problem: str = ""
    remedy: str = ""
    broken: bool = False


def cause_of(error: Exception) -> str:
    """An exception in one line."""
    first = str(error).strip().partition("\n")[0]
    return f"{type(error).__name__}: {first}" if first else type(error).__name__


def attempt(name: str, check: Callable[[], Fact]) -> Fact:
    """The fact that a check finds, or that it fails, in whatever way."""
    try:
        return check()
    except Exception as error:
        return Fact(name, "failed", cause_of(error), REPORT, broken=True)


def as_text(fact: Fact) -> str:
    """A line for a fact; a problem is marked, and a second line says what to do."""
    mark = "!" if fact.problem else " "
    line = f"{mark} {fact.name:<{_WIDTH}} {fact.value}"
    if not fact.problem:
        return line
    return f"{line}\n{'':<{_WIDTH + 3}}{fact.problem}. {fact.remedy}."


def as_json(facts: Sequence[Fact]) -> str:
    """All of them, and whether nothing is broken."""
    sound = not any(fact.broken for fact in facts)
    return json.dumps({"sound": sound, "facts": [asdict(f) for f in facts]}, indent=2)
