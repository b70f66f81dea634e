"""Holds the results of one clip against its ground truth, frame by frame.

Only a few frames are in memory here, however long the clip is.
"""

import hashlib
from collections.abc import Iterable, Iterator
from contextlib import closing
from typing import NamedTuple

import numpy as np

from bvsrpp_jax.background import Background
from bvsrpp_jax.data.degradations import bicubic_resize
from bvsrpp_jax.data.samples import to_float
from bvsrpp_jax.errors import InputError
from bvsrpp_jax.evaluation.clips import EvaluationClip, Pair
from bvsrpp_jax.evaluation.measures import Measures, badness
from bvsrpp_jax.evaluation.pictures import ClipPictures, PictureKeeper
from bvsrpp_jax.evaluation.record import ClipScores

_AHEAD = 4  # frames read, or restored, before they are measured


class ClipResult(NamedTuple):
    """What is kept of a clip.

    Attributes:
      scores: of the output, then of the baseline if there is input.
      pictures: to look at.
      digest: SHA-256 of the frames that were read, hexadecimal.
    """

    scores: tuple[ClipScores, ...]
    pictures: ClipPictures
    digest: str


class _Moment(NamedTuple):
    """One scored frame."""

    number: int
    lq: np.ndarray | None
    gt: np.ndarray
    output: np.ndarray


def score_clip(
    clip: EvaluationClip,
    outputs: Iterable[np.ndarray],
    *,
    measures: Measures,
    centre: bool,
) -> ClipResult:
    """Measures the results of a clip as they come.

    Args:
      clip: the clip.
      outputs: a result for each of its frames, [s*h, s*w, 3] uint8, or float, which is
        not clipped yet.
      measures: what is measured and how.
      centre: measure the middle frame alone.

    Raises:
      InputError: the clip cannot be read, or the results have another size or number.
    """
    digest = hashlib.sha256()
    with (
        closing(Background(_digested(clip, digest), ahead=_AHEAD)) as pairs,
        closing(Background(outputs, ahead=_AHEAD)) as made,
    ):
        moments = _matched(clip, pairs, made)
        if centre:
            moments = _centre(clip, moments)
        scores, pictures = _measured(clip, moments, measures)
    return ClipResult(scores, pictures, digest.hexdigest())


def digest_of(clip: EvaluationClip) -> str:
    """The digest of a clip's frames, as `score_clip` returns it."""
    digest = hashlib.sha256()
    for _ in _digested(clip, digest):
        pass
    return digest.hexdigest()


def baseline_of(clip: EvaluationClip) -> str | None:
    """What the output is held against: "bicubic", or the "input" where it is as large.

    None where there is no input.
    """
    return {None: None, 1: "input"}.get(clip.scale, "bicubic")


def _digested(clip: EvaluationClip, digest) -> Iterator[Pair]:
    for pair in clip.pairs():
        for frame in pair:
            if frame is not None:
                digest.update(np.ascontiguousarray(frame))
        yield pair


def _matched(
    clip: EvaluationClip, pairs: Iterator[Pair], outputs: Iterator[np.ndarray]
) -> Iterator[_Moment]:
    """Every frame with its result."""
    for number, (lq, gt) in enumerate(pairs):
        output = next(outputs, None)
        if output is None:
            raise InputError(
                f"{clip.name}: there are {number} results, fewer than frames of the"
                " ground truth. Restore all of them."
            )
        if output.shape != gt.shape:
            raise InputError(
                f"{clip.name}: result {number} is {_size(output)}, its ground truth"
                f" {_size(gt)}. Take results of the ground truth's size."
            )
        yield _Moment(number, lq, gt, output)
    if next(outputs, None) is not None:
        raise InputError(
            f"{clip.name}: there are more results than frames of the ground truth."
            " Remove what does not belong to the clip."
        )


def _centre(clip: EvaluationClip, moments: Iterator[_Moment]) -> Iterator[_Moment]:
    """The middle frame; of both appearances in a mirrored clip the mean result."""
    middle = clip.num_frames // 2
    mirrored = 2 * clip.num_frames - 1 - middle
    found = [moment for moment in moments if moment.number in (middle, mirrored)]
    output = np.mean([to_float(moment.output) for moment in found], axis=0)
    yield found[0]._replace(output=output)


def _measured(
    clip: EvaluationClip, moments: Iterator[_Moment], measures: Measures
) -> tuple[tuple[ClipScores, ...], ClipPictures]:
    shown = [name for name in ("output", baseline_of(clip)) if name]
    meter, first, pictures = measures.meter(), measures.metrics[0], PictureKeeper()
    values = {name: {m: [] for m in measures.metrics} for name in shown}
    numbers = []
    for moment in moments:
        views = _views(moment, measures)
        found = meter({name: views[name] for name in shown}, views["gt"])
        for name, of_frame in found.items():
            for metric, value in of_frame.items():
                values[name][metric].append(value)
        numbers.append(moment.number)
        pictures.add(moment.number, views, badness(first, found["output"][first]))
    scores = tuple(ClipScores(clip.name, numbers, kept) for kept in values.values())
    return scores, pictures.kept()


def _views(moment: _Moment, measures: Measures) -> dict[str, np.ndarray]:
    """The frame in every form, as it is measured."""
    views = {"output": moment.output, "gt": moment.gt}
    if moment.lq is not None:
        views["input"] = moment.lq
        scale = moment.gt.shape[0] // moment.lq.shape[0]
        if scale > 1:
            views["bicubic"] = bicubic_resize(to_float(moment.lq), scale)
    return {name: measures.prepare(frame) for name, frame in views.items()}


def _size(frame: np.ndarray) -> str:
    return f"{frame.shape[1]}x{frame.shape[0]}"
