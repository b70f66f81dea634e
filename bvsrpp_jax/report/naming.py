"""What metrics are called in front of people, and how their values are written."""

import math
from typing import NamedTuple


class Naming(NamedTuple):
    """Of one metric.

    Attributes:
      label: its name.
      unit: of its values, or nothing.
      digits: after the point.
      higher_is_better: otherwise it is a distance.
    """

    label: str
    unit: str
    digits: int
    higher_is_better: bool


_KNOWN = {
    "psnr": Naming("PSNR", "dB", 4, True),
    "ssim": Naming("SSIM", "", 4, True),
    "tof": Naming("tOF", "", 4, False),
}


def naming(metric: str) -> Naming:
    """Of a metric by its name in a record; one that is not known is a distance."""
    return _KNOWN.get(metric) or Naming(metric.replace("_", " "), "", 4, False)


def told(metric: str, value: float) -> str:
    """A value, without its unit."""
    if math.isinf(value):
        return "∞" if value > 0 else "-∞"
    return f"{value:.{naming(metric).digits}f}"


def heading(metric: str) -> str:
    """For a column: name and unit."""
    label, unit, *_ = naming(metric)
    return f"{label} ({unit})" if unit else label


def printable(text: object) -> str:
    """Text without what would move the cursor or cannot be encoded."""
    return "".join(c if c.isprintable() else "�" for c in str(text))
