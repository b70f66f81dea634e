"""What the script in the page reads of a record."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from bvsrpp_jax.evaluation.pictures import ClipPictures
from bvsrpp_jax.evaluation.record import ClipScores, Record
from bvsrpp_jax.pages import WEBP_SIDE
from bvsrpp_jax.report.naming import naming
from bvsrpp_jax.report.summary import clips_of_all, note, summary

_SIGNIFICANT = 8  # digits: a value is shown with six


def page_facts(record: Record) -> dict[str, Any]:
    """All but the pictures, as JSON has it."""
    return {
        "title": record.title,
        "metrics": [_metric_facts(metric) for metric in record.metrics],
        "methods": [scores.method for scores in record.methods],
        "summary": [row._asdict() for row in summary(record)],
        "note": note(record),
        "clips": [_clip_facts(c, record.metrics) for c in clips_of_all(record)],
        "settings": [[k, str(v)] for k, v in record.settings.items()],
        "weights": [[k, str(v)] for k, v in record.weights.items()],
    }


def picture_facts(
    pictures: Mapping[str, ClipPictures], names: Sequence[str]
) -> list[dict[str, Any]]:
    """Which pictures there are, in the order of the clips; none that no page can hold.

    Args:
      pictures: by the names of clips.
      names: of all clips.
    """
    return [
        {
            "clip": number,
            "worst": pictures[name].worst,
            "frames": list(pictures[name].frames),
            "size": list(pictures[name].frames["gt"].shape[1::-1]),
            # A single row is no profile.
            "profiles": [k for k, p in pictures[name].profiles.items() if len(p) > 1],
        }
        for number, name in enumerate(names)
        if name in pictures and max(pictures[name].frames["gt"].shape) <= WEBP_SIDE
    ]


def _metric_facts(metric: str) -> dict[str, Any]:
    return {"key": metric, **naming(metric)._asdict()}


def _clip_facts(scores: tuple[ClipScores, ...], metrics: Sequence[str]) -> dict:
    """Of one clip: [metric][method] means and, of more than one frame, values."""
    frames = list(scores[0].frames)
    facts = {
        "name": scores[0].name,
        "count": len(frames),
        "means": [[_number(s.mean(m)) for s in scores] for m in metrics],
    }
    if len(frames) > 1:
        facts["values"] = [
            [[_number(v) for v in s.values[m]] for s in scores] for m in metrics
        ]
    if frames != list(range(len(frames))):
        facts["frames"] = frames
    return facts


def _number(value: float) -> float | str:
    """JSON has no infinity and no NaN: text, as in evaluation.json."""
    value = float(value)
    return float(f"{value:.{_SIGNIFICANT}g}") if math.isfinite(value) else str(value)
