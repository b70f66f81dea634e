"""The clips of an evaluation, read a few frames at a time however long they are."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import tee

import numpy as np

from bvsrpp_jax.data.degrading import (
    DAMAGING,
    Degradations,
    check_degradations,
    damage_one_by_one,
    shrink,
)
from bvsrpp_jax.data.sources import ClipSource, PictureClips
from bvsrpp_jax.data.videos import VideoClips
from bvsrpp_jax.errors import InputError
from bvsrpp_jax.evaluation.protocols import Protocol

Pair = tuple[np.ndarray | None, np.ndarray]  # lq, gt
Span = tuple[int, int, int]  # start, stop, and 1, or -1 for backward
_AT_A_TIME = 8  # frames that are read together


@dataclass(frozen=True)
class EvaluationClip:
    """One clip: its input and its ground truth.

    Attributes:
      source, index: where it is read from.
      scale: how often larger the ground truth is than the input; None without input.
      degradations: how the input is made; empty: it is stored.
      mirrored: played forward, then backward.
    """

    source: ClipSource
    index: int
    scale: int | None
    degradations: Degradations = ()
    mirrored: bool = False

    @property
    def name(self) -> str:
        """The clip's name in its data set."""
        return self.source.clips[self.index].name

    @property
    def num_frames(self) -> int:
        """Frames that are stored: half of those of a mirrored clip."""
        return self.source.clips[self.index].num_frames

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the ground truth, from what tells it fastest."""
        if isinstance(self.source, PictureClips | VideoClips):
            return self.source.size(self.index)[0]
        return self.source.read(self.index, 0, 1)["gt"].shape[1:3]

    @property
    def num_shown(self) -> int:
        """Frames that the network sees."""
        return self.num_frames * (2 if self.mirrored else 1)

    @property
    def is_noisy(self) -> bool:
        """Whether the input is made float, beyond [0, 1]."""
        return "noise" in self._names

    @property
    def _names(self) -> set[str]:
        return {d if isinstance(d, str) else d[0] for d in self.degradations}

    def pairs(self) -> Iterator[Pair]:
        """Reads the clip.

        Yields:
          lq [h, w, 3] uint8, or float32 after noise, None without input; and gt
          [s*h, s*w, 3] uint8.

        Raises:
          InputError: a file is damaged or missing.
        """
        if not self._names & DAMAGING.keys():
            yield from self._clean(self._spans())
            return
        clean = self._clean(self._spans(mirrored=False))
        first, second = tee(clean)  # as far apart as an encoder needs
        rng = np.random.default_rng(self.index)
        damaged = damage_one_by_one(self.degradations, (lq for lq, _ in first), rng)
        pairs = zip(damaged, (gt for _, gt in second), strict=True)
        if self.mirrored:
            pairs = list(pairs)
            pairs += pairs[::-1]
        yield from pairs

    def inputs(self) -> Iterator[np.ndarray]:
        """The input of every pair, without the ground truth where that can be."""
        if self.degradations or not isinstance(self.source, PictureClips):
            yield from (lq for lq, _ in self.pairs())
            return
        for start, stop, step in self._spans():
            yield from self.source.read_input(self.index, start, stop)[::step]

    def _spans(self, *, mirrored: bool | None = None) -> Iterator[Span]:
        """The clip a few frames at a time."""
        mirrored = self.mirrored if mirrored is None else mirrored
        starts = range(0, self.num_frames, _AT_A_TIME)
        for step in (1, -1) if mirrored else (1,):
            for start in starts[::step]:
                yield start, min(start + _AT_A_TIME, self.num_frames), step

    def pair(self, frame: int) -> Pair:
        """One frame of `pairs`; without noise or compression where these are added."""
        return self._read(frame, frame + 1)[0]

    def _clean(self, spans: Iterable[Span]) -> Iterator[Pair]:
        """Before noise or compression is added."""
        if isinstance(self.source, VideoClips) and not self.mirrored:
            for frame in self.source.frames(self.index):
                yield from self._pairs_of({k: v[None] for k, v in frame.items()})
            return
        for start, stop, step in spans:
            yield from self._read(start, stop)[::step]

    def _read(self, start: int, stop: int) -> list[Pair]:
        return self._pairs_of(self.source.read(self.index, start, stop))

    def _pairs_of(self, window: dict[str, np.ndarray]) -> list[Pair]:
        gt = window["gt"]
        if not self.degradations:
            return list(zip(window.get("lq", [None] * len(gt)), gt, strict=True))
        height, width = (side // self.scale for side in gt.shape[1:3])
        gt = gt[:, : self.scale * height, : self.scale * width]
        whole = slice(0, height), slice(0, width)
        lq = shrink(self.degradations, gt, whole, scale=self.scale)
        return list(zip(lq, gt, strict=True))


def clips_of(
    protocol: Protocol, source: ClipSource, *, scale: int, needs_input: bool = True
) -> list[EvaluationClip]:
    """The clips of a source, all of them, as the papers evaluate them.

    Args:
      protocol: how.
      source: where they are read from.
      scale: of the network.
      needs_input: whether there must be input of that scale; finished results do
        without.

    Raises:
      InputError: the input is of another scale, or missing.
    """
    if protocol.degradations:
        check_degradations(protocol.degradations, scale=scale, size=64)
    else:
        found = _stored_scale(source)
        if needs_input and found != scale:
            raise InputError(_wrong_input(source.clips[0].name, found, scale))
        scale = found
    return [
        EvaluationClip(source, i, scale, protocol.degradations, protocol.mirrored)
        for i in range(len(source.clips))
    ]


def _stored_scale(source: ClipSource) -> int | None:
    first = source.read(0, 0, 1)
    if "lq" not in first:
        return None
    return first["gt"].shape[1] // first["lq"].shape[1]


def _wrong_input(name: str, found: int | None, scale: int) -> str:
    if found is None:
        return (
            f"{name}: the data set stores no input frames. Make them with python -m"
            " bvsrpp_jax.data.degrade, or say in config.evaluation.degradations how"
            " they are made."
        )
    return (
        f"{name}: the ground truth is {found} times larger than the input, the"
        f" network's output {scale} times. Choose weights or data of the other scale."
    )
