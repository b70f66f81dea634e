"""What differs between two records of settings."""

from collections.abc import Mapping
from typing import Any


def changed_entries(
    before: Mapping[str, Any], now: Mapping[str, Any], *, free: tuple[str, ...]
) -> list[str]:
    """What differs between two experiments, as "rates.rate was 0.0001, is 0.0002".

    Args:
      before, now: nested dicts of JSON values.
      free: entries, or groups of them, that may differ: they do not change what a step
        computes.
    """
    before, now = flat(before), flat(now)
    changed = [
        name
        for name in sorted(before | now)
        if before.get(name) != now.get(name)
        and not any(name == entry or name.startswith(f"{entry}.") for entry in free)
    ]
    return [f"{x} was {before.get(x)!r}, is {now.get(x)!r}" for x in changed]


def flat(tree: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested dict -> {"a.b": value}."""
    entries = {}
    for name, value in tree.items():
        if isinstance(value, Mapping):
            entries |= flat(value, f"{prefix}{name}.")
        else:
            entries[f"{prefix}{name}"] = value
    return entries
