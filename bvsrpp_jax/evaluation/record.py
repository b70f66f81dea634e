"""What an evaluation found, in full: every value of every frame, and how it came about.

The record is what reports are made of; `to_json` and `from_json` keep it in a file.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

FORMAT = "bvsrpp-evaluation-1"


@dataclass(frozen=True)
class ClipScores:
    """The values of one clip.

    Attributes:
      name: e.g. "000" or "00001/0266".
      frames: numbers of the frames that were scored, from 0.
      values: name of a metric -> a value for each of these frames; infinite PSNR where
        frames are equal, NaN where there is none: a clip's first frame has no motion.
    """

    name: str
    frames: Sequence[int]
    values: Mapping[str, Sequence[float]]

    def mean(self, metric: str) -> float:
        """Over the clip's frames that have a value; NaN if none has."""
        return _mean(self.values[metric])


@dataclass(frozen=True)
class MethodScores:
    """The values of one way to restore the set: the network, or bicubic enlargement.

    Attributes:
      method: e.g. "BasicVSR++" or "bicubic".
      clips: in the order of the protocol.
    """

    method: str
    clips: Sequence[ClipScores]

    def mean(self, metric: str) -> float:
        """Over each clip's frames, then over clips, as the published tables do.

        Clips without a value, of one frame where the metric compares two, do not count.
        """
        return _mean(clip.mean(metric) for clip in self.clips)


@dataclass(frozen=True)
class Record:
    """One evaluation.

    Attributes:
      protocol: key of `protocols.PROTOCOLS`.
      title: of the protocol, for people: "REDS4, bicubic x4".
      metrics: names of the metrics, the first decides which frames are worst.
      settings: how the values came about: channel, rounding, border, input, mode of the
        engine, ensemble, dtype, version, ...; name -> text or number.
      weights: of the network: file or preset, SHA-256, parameters, scale; name -> text
        or number. Empty where finished results were scored.
      methods: the network's values first, then the baselines'.
    """

    protocol: str
    title: str
    metrics: Sequence[str]
    settings: Mapping[str, Any]
    weights: Mapping[str, Any]
    methods: Sequence[MethodScores]


def to_json(record: Record) -> dict[str, Any]:
    """A record as plain lists, dictionaries, texts and finite numbers."""
    return {"format": FORMAT, **plain(asdict(record))}


def from_json(content: dict[str, Any]) -> Record:
    """The inverse of `to_json`.

    Raises:
      ValueError: it is no such record.
    """
    content = dict(content)
    if content.pop("format", None) != FORMAT:
        raise ValueError(f"is no record of the format {FORMAT}")
    methods = [
        MethodScores(m["method"], [scores_from_json(clip) for clip in m["clips"]])
        for m in content.pop("methods")
    ]
    return Record(**content, methods=methods)


def scores_from_json(content: dict[str, Any]) -> ClipScores:
    """The scores of a clip out of their JSON."""
    values = {k: [float(v) for v in vs] for k, vs in content["values"].items()}
    return ClipScores(content["name"], content["frames"], values)


def plain(value: Any) -> Any:
    """Mappings, sequences and numbers as JSON has them."""
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)  # JSON has no infinity
    return value


def _mean(values: Iterable[float]) -> float:
    """Of those that are numbers."""
    known = [value for value in values if not math.isnan(value)]
    return math.fsum(known) / len(known) if known else math.nan
