"""What is evaluated: a network, or the finished results of whatever method."""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import repeat
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from bvsrpp_jax.data.folder_layout import pairs
from bvsrpp_jax.data.sources import source_of
from bvsrpp_jax.errors import InputError
from bvsrpp_jax.evaluation.clips import EvaluationClip
from bvsrpp_jax.evaluation.network import (
    mode_text,
    plan_for,
    restorers_of,
    share_of_memory,
)


class Method(Protocol):
    """A way to come by results.

    Attributes:
      name: for tables.
      facts: what decides the results, for the record.
      workers: each gives the results of one clip at a time.
    """

    name: str
    facts: Mapping[str, Any]
    workers: Sequence[Any]

    def check(self, clips: Sequence[EvaluationClip]) -> None:
        """Raises an `InputError` if there will be no results of a clip."""

    def restore(
        self, worker: Any, clip: EvaluationClip
    ) -> tuple[str, Iterator[np.ndarray]]:
        """How a clip is restored, for people, and its results in order."""


class Network:
    """A network, on every device another clip: whole clips, exact.

    Args:
      name, facts: as of `Method`.
      model, params: the network.
      devices: which are used.
      ensemble: how many results are averaged.
      rounded: whether results of 8-bit input are 8-bit; else they are float.
      on_work: called with the work done since it was called last, in frames.
    """

    def __init__(
        self,
        name: str,
        facts: Mapping[str, Any],
        model: Any,
        params: Any,
        *,
        devices: Sequence[Any],
        ensemble: int = 1,
        rounded: bool = True,
        on_work: Callable[[float], None] | None = None,
    ):
        self.name, self.facts = name, facts
        self.workers = restorers_of(model, params, ensemble=ensemble, devices=devices)
        self._available = share_of_memory(len(devices))
        self._rounded, self._on_work = rounded, on_work

    def check(self, clips: Sequence[EvaluationClip]) -> None:
        """See `Method`; looks whether the first clip's frames fit into memory."""
        self._plan(self.workers[0], clips[0])

    def restore(self, worker, clip):
        """See `Method`."""
        plan, frames = self._plan(worker, clip)
        frames = worker.stream(frames, plan=plan, on_work=self._on_work)
        return mode_text(plan), frames

    def _plan(self, worker, clip: EvaluationClip):
        share = self._available
        return plan_for(worker, clip, rounded=self._rounded, available=share)


class FinishedResults:
    """Results in a folder, a clip as pictures or as a video by the clip's name.

    Args:
      root: the folder, or the video of the only clip.
      workers: how many clips are measured at a time.
      centre: only middle frames are measured; a clip's results may be that one alone.

    Raises:
      InputError: it holds no clips.
    """

    def __init__(self, root: Path, *, workers: int = 1, centre: bool = False):
        self.name, self.workers = root.name, range(workers)
        self.facts = {"results": root.name, "sha256": _digest_of_files(root)}
        self._root, self._source = root, source_of(pairs(root, None))
        self._centre = centre
        self._numbers = {c.name: i for i, c in enumerate(self._source.clips)}

    def check(self, clips: Sequence[EvaluationClip]) -> None:
        """See `Method`."""
        for clip in clips:
            number, place = self._number(clip), self._root / clip.name
            if number is None:
                raise InputError(
                    f"{place}: there are no results of this clip. Name them as the"
                    " ground truth is named."
                )
            found = self._source.clips[number].num_frames
            if found not in (clip.num_frames, 1 if self._centre else clip.num_frames):
                raise InputError(
                    f"{place}: has {found} frames, the clip {clip.num_frames}. Restore"
                    " all of them."
                )

    def restore(self, worker, clip):
        """See `Method`."""
        return "finished results", self._frames(self._number(clip), clip)

    def _number(self, clip: EvaluationClip) -> int | None:
        if len(self._numbers) == len(clip.source.clips) == 1:
            return 0
        return self._numbers.get(clip.name)

    def _frames(self, number: int, clip: EvaluationClip) -> Iterator[np.ndarray]:
        if self._source.clips[number].num_frames != clip.num_frames:
            (only,) = self._source.read(number, 0, 1)["gt"]
            yield from repeat(only, clip.num_shown)
            return
        results = EvaluationClip(
            self._source, number, scale=None, mirrored=clip.mirrored
        )
        yield from (frame for _, frame in results.pairs())


def _digest_of_files(root: Path) -> str:
    """Tells results from others; of names, sizes and times, not of what is inside."""
    digest = hashlib.sha256()
    for path in sorted(root.rglob("*")) or [root]:
        status = path.stat()
        entry = f"{path.relative_to(root)} {status.st_size} {status.st_mtime_ns}\n"
        digest.update(entry.encode(errors="replace"))
    return digest.hexdigest()
