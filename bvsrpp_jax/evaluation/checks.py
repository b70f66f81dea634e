"""Data is checked before it is trusted.

A wrong low-resolution folder costs decibels and says nothing: another kernel, another
phase, a neighbouring frame, swapped channels, the clip of another folder. Where a
protocol knows how its input was made, a few frames of each clip are made again from the
ground truth. They must agree; where they do not, the known mistakes are tried, and the
one that explains the input is named.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from bvsrpp_jax.data.degradations import bicubic_downsample, blur_downsample
from bvsrpp_jax.errors import InputError
from bvsrpp_jax.evaluation.clips import EvaluationClip
from bvsrpp_jax.evaluation.makings import STEP, WRONG_MAKINGS
from bvsrpp_jax.evaluation.metrics import psnr

MOST_CLIPS = 32  # that are looked at, spread over the set
# Decibels between the input and what it should be: every value a level off. MATLAB's
# rounding differs here and there; a wrong kernel is below wherever there are edges.
AGREEMENT = 48.0
RESEMBLANCE = 40.0  # decibels: enough to name a mistake
_GAIN = 3.0  # decibels by which a mistake must explain the input better
_UNRELATED = 0.1  # correlation of the edges of different scenes, at most
_OVERVIEW = 32  # pixels of a side where noise and blur have gone but scenes differ
_SHARPER = 1.02  # steps between pixels, of the input against the ground truth
_BORDER = 2  # input pixels whose kernel may leave the frame

Making = Callable[[np.ndarray], np.ndarray]  # uint8 frame -> smaller uint8 frame
MAKINGS: dict[str, Making] = {"bicubic": bicubic_downsample, "blur": blur_downsample}
_NAMES = {"bicubic": "MATLAB's bicubic (BI)", "blur": "blur, then every 4th pixel (BD)"}


class Sample(NamedTuple):
    """One frame of a clip, with its number."""

    frame: int
    lq: np.ndarray
    gt: np.ndarray


def check_clips(clips: Sequence[EvaluationClip], *, kernel: str | None) -> None:
    """Looks at the first, the middle and the last frame of up to 32 clips.

    Args:
      clips: the set.
      kernel: how the stored input is said to be made: "bicubic", "blur", "motion"
        for blurred input of the ground truth's size; None if that is not known.

    Raises:
      InputError: the input of a clip is another one, of which the message tells what it
        looks like.
    """
    if not clips or clips[0].scale is None or clips[0].degradations:
        return  # there is no input, or it is made as it should be
    chosen = np.linspace(0, len(clips) - 1, min(MOST_CLIPS, len(clips))).round()
    for number in map(int, chosen):
        clip = clips[number]
        samples = list(_samples(clip))
        if kernel in MAKINGS:
            _check_making(clip, samples, kernel, clips)
        else:
            _check_scene(clip, samples)
            if clip.scale == 1:  # else another phase would look like another frame
                _check_order(clip, samples)
            if kernel == "motion":
                _check_sharpness(clip, samples)


def _samples(clip: EvaluationClip) -> Iterator[Sample]:
    last = clip.num_frames - 1
    for frame in sorted({0, last // 2, last}):
        yield Sample(frame, *clip.pair(frame))


def _check_making(
    clip: EvaluationClip,
    samples: Sequence[Sample],
    kernel: str,
    clips: Sequence[EvaluationClip],
) -> None:
    """The input is what the kernel makes of the ground truth."""
    if clip.scale != STEP:
        raise InputError(
            f"{clip.name}: the input is 1/{clip.scale} of the ground truth's size, that"
            f" of the protocol 1/{STEP}. Take the protocol's own, or, for pairs of any"
            " size, the protocol 'folder'."
        )
    own = MAKINGS[kernel]
    agreement = _agreement(samples, [own(sample.gt) for sample in samples])
    if agreement >= AGREEMENT:
        return
    best, name = max(
        (_agreement(samples, made, inside=True), name)
        for name, made in _mistakes(clip, samples, kernel, clips)
    )
    found = f"It looks like {name}"
    if best < RESEMBLANCE or best < agreement + _GAIN:
        found = "It is none of the known mistakes"
    raise InputError(
        f"{clip.name}: the input is not {_NAMES[kernel]} of the ground truth, but"
        f" {agreement:.1f} dB apart. {found}. Unpack the official input, or make it"
        " with python -m bvsrpp_jax.data.degrade; --nocheck measures it as it is."
    )


def _mistakes(
    clip: EvaluationClip,
    samples: Sequence[Sample],
    kernel: str,
    clips: Sequence[EvaluationClip],
) -> Iterator[tuple[str, list[np.ndarray | None]]]:
    """What may have gone wrong: a name, and what the samples' input would then be."""
    own, truths = MAKINGS[kernel], [sample.gt for sample in samples]
    wrong = {_NAMES[name]: making for name, making in MAKINGS.items() if name != kernel}
    wrong |= WRONG_MAKINGS
    for name, making in wrong.items():
        yield name, list(map(making, truths))
    made = list(map(own, truths))
    yield "its own with red and blue swapped", [frame[..., ::-1] for frame in made]
    yield "its own upside down", [frame[::-1] for frame in made]
    yield "its own mirrored", [frame[:, ::-1] for frame in made]
    for name, step in (("the frame before", -1), ("the frame after", 1)):
        others = (_truth(clip, sample.frame + step) for sample in samples)
        yield name, [None if gt is None else own(gt) for gt in others]
    for other in clips[:MOST_CLIPS]:
        if other is not clip:
            others = (_truth(other, sample.frame) for sample in samples)
            made = [None if gt is None else own(gt) for gt in others]
            yield f"the input of clip {other.name}", made


def _truth(clip: EvaluationClip, frame: int) -> np.ndarray | None:
    """A frame's ground truth, if there is such a frame."""
    return clip.pair(frame)[1] if 0 <= frame < clip.num_frames else None


def _agreement(
    samples: Sequence[Sample],
    made: Sequence[np.ndarray | None],
    *,
    inside: bool = False,
) -> float:
    """PSNR of the sample that agrees least; those without a making do not count."""
    pairs = [
        (sample.lq, frame)
        for sample, frame in zip(samples, made, strict=True)
        if frame is not None
    ]
    if not pairs or any(lq.shape != frame.shape for lq, frame in pairs):
        return 0.0
    border = _BORDER if inside and min(pairs[0][0].shape[:2]) > 4 * _BORDER else 0
    return min(float(psnr(a[None], b[None], border=border)[0]) for a, b in pairs)


def _check_scene(clip: EvaluationClip, samples: Sequence[Sample]) -> None:
    """The input shows what the ground truth shows, whatever was done to it."""
    likeness = [_likeness(s.lq, s.gt, side=_OVERVIEW) for s in samples]
    if max(likeness) < _UNRELATED:
        raise InputError(
            f"{clip.name}: input and ground truth show different scenes (correlation"
            f" {max(likeness):.2f}). Name the folders of the same clip alike; --nocheck"
            " measures them as they are."
        )


def _check_order(clip: EvaluationClip, samples: Sequence[Sample]) -> None:
    """No neighbouring frame is more like the input than its own, in every sample."""
    for step in (-1, 1):
        gains = [
            _likeness(sample.lq, other) - _likeness(sample.lq, sample.gt)
            for sample in samples
            if (other := _truth(clip, sample.frame + step)) is not None
        ]
        if gains and min(gains) > 0.01:
            raise InputError(
                f"{clip.name}: the input's frames are those of the ground truth"
                f" {'before' if step < 0 else 'after'} them. Number both alike;"
                " --nocheck measures them as they are."
            )


def _check_sharpness(clip: EvaluationClip, samples: Sequence[Sample]) -> None:
    """What is to be deblurred is not sharper than its ground truth."""
    if all(_sharpness(s.lq) > _SHARPER * _sharpness(s.gt) for s in samples):
        raise InputError(
            f"{clip.name}: the input is sharper than the ground truth. Swap the two"
            " folders; --nocheck measures them as they are."
        )


def _likeness(lq: np.ndarray, gt: np.ndarray, *, side: int | None = None) -> float:
    """Correlation of the edges of two frames; 1 where either is flat.

    They are compared at the size of the input, or with a shorter side of about `side`.
    """
    step = max(1, min(lq.shape[:2]) // side) if side else 1
    scale = gt.shape[0] // lq.shape[0]
    a, b = _edges(_shrunk(lq, step)), _edges(_shrunk(gt, scale * step))
    spread = np.sqrt((a * a).sum() * (b * b).sum())
    return float((a * b).sum() / spread) if spread > a.size / 4 else 1.0


def _shrunk(frame: np.ndarray, step: int) -> np.ndarray:
    """The means of square tiles; what does not fill one at the border is left out."""
    rows, columns = frame.shape[0] // step, frame.shape[1] // step
    tiles = frame[: rows * step, : columns * step].astype(np.float32)
    return tiles.reshape(rows, step, columns, step, 3).mean(axis=(1, 3))


def _edges(frame: np.ndarray) -> np.ndarray:
    """Steps to the right and downward neighbour."""
    right, down = np.diff(frame, axis=1), np.diff(frame, axis=0)
    return np.concatenate([right.ravel(), down.ravel()])


def _sharpness(frame: np.ndarray) -> float:
    """Mean step between neighbouring pixels."""
    return float(np.abs(_edges(frame.astype(np.float32))).mean())
