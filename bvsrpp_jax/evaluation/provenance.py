"""How values came about: what a record says, and what a finished clip is known by."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from bvsrpp_jax.evaluation.clips import EvaluationClip
from bvsrpp_jax.evaluation.measures import Measures
from bvsrpp_jax.evaluation.methods import Method
from bvsrpp_jax.evaluation.protocols import Protocol
from bvsrpp_jax.evaluation.record import MethodScores, Record
from bvsrpp_jax.evaluation.running import Outcome
from bvsrpp_jax.evaluation.scoring import baseline_of


def settings_of(
    protocol: Protocol, measures: Measures, *, version: str
) -> dict[str, Any]:
    """What decides the values besides method and data; name -> text or number."""
    frames = "the middle frame of each clip" if protocol.centre else "all frames"
    return {
        "channel": measures.channel,
        "rounding": measures.rounding,
        "border": measures.border,
        "input": input_text(protocol),
        "frames": frames + (", clips mirrored" if protocol.mirrored else ""),
        "ensemble": protocol.ensemble,
        "metrics": ", ".join(measures.metrics),
        "version": version,
    }


def input_text(protocol: Protocol) -> str:
    """Where the input comes from."""
    made = " then ".join(map(_degradation_text, protocol.degradations))
    return f"made of the ground truth by {made}" if made else "stored"


def key_of(settings: Mapping[str, Any], method: Method) -> str:
    """The digest of everything but the frames that decides a clip's values."""
    text = json.dumps([settings, method.facts], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def record_of(
    name: str,
    protocol: Protocol,
    measures: Measures,
    method: Method,
    clips: Sequence[EvaluationClip],
    outcome: Outcome,
    settings: Mapping[str, Any],
) -> Record:
    """The record of an evaluation.

    Args:
      name: of the protocol.
      protocol, measures, method, clips: what was evaluated.
      outcome: what came of it.
      settings: of `settings_of`.
    """
    scale = {} if clips[0].scale is None else {"scale": clips[0].scale}
    modes = sorted({done.mode for done in outcome.clips})
    methods = [name for name in (method.name, baseline_of(clips[0])) if name]
    return Record(
        protocol=name,
        title=protocol.title,
        metrics=tuple(measures.metrics),
        settings={**settings, **scale, "engine": "; ".join(modes)},
        weights=dict(method.facts),
        methods=[
            MethodScores(method, [done.scores[row] for done in outcome.clips])
            for row, method in enumerate(methods)
        ],
    )


def _degradation_text(degradation: str | tuple[str, Mapping[str, Any]]) -> str:
    if isinstance(degradation, str):
        return degradation
    name, parameters = degradation
    return f"{name} ({', '.join(f'{k} {v}' for k, v in parameters.items())})"
