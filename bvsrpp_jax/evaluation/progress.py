"""Tells how far an evaluation is, a line now and then."""

import threading
import time
from collections.abc import Callable, Sequence

from bvsrpp_jax.evaluation.clips import EvaluationClip
from bvsrpp_jax.evaluation.record import ClipScores

_INTERVAL = 30.0  # seconds between lines


class Progress:
    """Counts clips and frames; called from the threads of all devices.

    Args:
      say: prints a line.
    """

    def __init__(self, say: Callable[[str], None]):
        self._say, self._lock = say, threading.Lock()
        self._clips = self._num_clips = 0
        self._frames = self._num_frames = 0.0
        self._began = self._told = 0.0

    def begin(self, clips: Sequence[EvaluationClip]) -> None:
        """Starts the clock over the clips of this process."""
        self._num_clips = len(clips)
        self._num_frames = sum(clip.num_shown for clip in clips)
        self._began = self._told = time.monotonic()

    def on_work(self, frames: float) -> None:
        """Some frames' worth of the network is done."""
        with self._lock:
            self._frames += frames
            now = time.monotonic()
            if now - self._told < _INTERVAL:
                return
            self._told = now
            left = (now - self._began) * (self._num_frames / self._frames - 1)
            self._say(
                f"{self._frames:.0f} of {self._num_frames:.0f} frames,"
                f" {_duration(left)} left"
            )

    def on_clip(self, clip: EvaluationClip, scores: ClipScores, known: bool) -> None:
        """A clip is measured, or, if it is known, was in an earlier run."""
        with self._lock:
            self._clips += 1
            self._num_frames -= clip.num_shown if known else 0
            means = ", ".join(f"{m} {scores.mean(m):.4f}" for m in scores.values)
            before = " (done before)" if known else ""
            self._say(
                f"[{self._clips}/{self._num_clips}] {scores.name}: {means}{before}"
            )


def _duration(seconds: float) -> str:
    minutes = round(seconds / 60)
    if minutes < 1:
        return f"{seconds:.0f} s"
    return f"{minutes} min" if minutes < 120 else f"{minutes / 60:.1f} h"
