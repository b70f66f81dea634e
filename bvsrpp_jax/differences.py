"""What differs between two records of settings."""

from collections.abc import Mapping
from typing import Any

from flax.traverse_util import flatten_dict


def changed_entries(
    before: Mapping[str, Any], now: Mapping[str, Any], *, free: tuple[str, ...]
) -> list[str]:
    """What differs between two experiments, as "rates.rate was 0.0001, is 0.0002".

    Args:
      before, now: nested dicts of JSON values.
      free: entries, or groups of them, that may differ: they do not change what a step
        computes.
    """
    before, now = (flatten_dict(record, sep=".") for record in (before, now))
    changed = [
        name
        for name in sorted(before | now)
        if before.get(name) != now.get(name)
        and not any(name == entry or name.startswith(f"{entry}.") for entry in free)
    ]
    return [f"{x} was {before.get(x)!r}, is {now.get(x)!r}" for x in changed]
