"""The lines of every report: ours, the baselines, the published figures, each clip."""

from collections.abc import Sequence
from typing import Literal, NamedTuple

from bvsrpp_jax.evaluation.record import ClipScores, Record
from bvsrpp_jax.report.naming import naming, told
from bvsrpp_jax.report.published import CHANNELS, WEIGHTS, Published, published_for

MOST_CLIPS = 40  # that are listed where all that are read are on one screen


class Row(NamedTuple):
    """A method's line.

    Attributes:
      kind: where the values come from.
      method: name.
      values: a text for each metric of the record, empty where none is known.
      source: of published figures.
      same_weights: published figures of the very file that was evaluated.
    """

    kind: Literal["ours", "baseline", "published"]
    method: str
    values: Sequence[str]
    source: str = ""
    same_weights: bool = False


def summary(record: Record) -> list[Row]:
    """Means of what was measured, then the published figures."""
    rows = [
        Row(
            "baseline" if number else "ours",
            scores.method,
            [told(metric, scores.mean(metric)) for metric in record.metrics],
        )
        for number, scores in enumerate(record.methods)
    ]
    return rows + [_published_row(p, record) for p in published_for(record.protocol)]


def _published_row(published: Published, record: Record) -> Row:
    figures = {"psnr": str(published.psnr), "ssim": str(published.ssim)}
    values = [figures.get(metric, "") for metric in record.metrics]
    _, digits = WEIGHTS.get(published.trained_on, ("", None))
    same = digits is not None and any(
        str(value).startswith(digits) for value in record.weights.values()
    )
    return Row("published", published.method, values, published.source, same)


def note(record: Record) -> str:
    """What keeps the published figures from being held against ours, or nothing."""
    if record.protocol not in CHANNELS:
        return "No published figures of this protocol are known here."
    usual = {
        "channel": CHANNELS[record.protocol],
        "rounding": "uint8",
        "border": 0,
        "scale": 4,
        "input": "stored",
        "ensemble": 1,
        "checked": True,
    }
    other = [
        f"{name} {record.settings[name]} (theirs: {value})"
        for name, value in usual.items()
        if str(record.settings.get(name, value)) != str(value)
    ]
    if (dtype := record.weights.get("dtype", "float32")) != "float32":
        other.append(f"dtype {dtype} (theirs: float32)")
    if other:
        return f"Not comparable with the published figures: {', '.join(other)}."
    return ""


def worst_first(record: Record) -> list[int]:
    """Numbers of the clips by our mean of the first metric."""
    metric = record.metrics[0]
    sign = 1 if naming(metric).higher_is_better else -1
    clips = record.methods[0].clips
    return sorted(range(len(clips)), key=lambda n: sign * clips[n].mean(metric))


def listed(record: Record) -> tuple[list[int], int]:
    """Which clips a table shows, and how many it leaves out.

    Returns:
      All in their order if they are at most `MOST_CLIPS`; otherwise the worst and the
      best, half each, worst first.
    """
    order, half = worst_first(record), MOST_CLIPS // 2
    if len(order) <= MOST_CLIPS:
        return sorted(order), 0
    return order[:half] + order[-half:], len(order) - 2 * half


def clips_of_all(record: Record) -> list[tuple[ClipScores, ...]]:
    """The scores of each clip, by every method.

    Raises:
      ValueError: the methods have not scored the same frames.
    """
    together = list(zip(*(scores.clips for scores in record.methods), strict=True))
    for first, *others in together:
        for other in others:
            if (first.name, [*first.frames]) != (other.name, [*other.frames]):
                raise ValueError(f"{other.name}: is not scored as {first.name} is")
    return together
