"""An evaluation: every clip restored and measured, spread over devices and processes.

A clip is the unit: a device restores it whole, so the values do not depend on how many
devices or processes there are.
"""

import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from typing import NamedTuple, TypeVar

from bvsrpp_jax.errors import InputError
from bvsrpp_jax.evaluation.clips import EvaluationClip
from bvsrpp_jax.evaluation.finished import Finished, FinishedClips
from bvsrpp_jax.evaluation.measures import Measures, badness
from bvsrpp_jax.evaluation.methods import Method
from bvsrpp_jax.evaluation.pictures import ClipPictures
from bvsrpp_jax.evaluation.record import ClipScores
from bvsrpp_jax.evaluation.scoring import digest_of, score_clip
from bvsrpp_jax.restoration.crew import Crew

MOST_PICTURES = 8  # clips that are shown, those with the worst frames

Worker = TypeVar("Worker")


class Outcome(NamedTuple):
    """All clips of an evaluation.

    Attributes:
      clips: the values, in the order of the clips.
      pictures: clip name -> pictures, of the clips with the worst frames.
    """

    clips: Sequence[Finished]
    pictures: dict[str, ClipPictures]


def evaluate(
    clips: Sequence[EvaluationClip],
    method: Method,
    *,
    measures: Measures,
    centre: bool,
    finished: FinishedClips,
    crew: Crew,
    on_clip: Callable[[EvaluationClip, ClipScores, bool], None],
) -> Outcome:
    """Restores and measures clips; in a run of several processes all of them call it.

    Args:
      clips: the clips.
      method: what restores them; each of its workers has a thread of its own.
      measures, centre: as of `score_clip`.
      finished: where clips that are done are kept; one folder for all processes.
      crew: the processes, each of which takes its share of the clips.
      on_clip: told each clip of this process with its values, and whether these were
        known already.

    Raises:
      InputError: a clip cannot be read or restored, or another process failed.
      Stopped: another process was told to stop.
    """
    mine = range(crew.index, len(clips), crew.count)
    keeping, left = threading.Lock(), []
    free = queue.SimpleQueue()
    for worker in method.workers:
        free.put(worker)

    def finish(number: int) -> tuple[int, Finished, bool]:
        with _borrowed(free) as worker:
            clip = clips[number]
            known = finished.find(number, clip.name)
            if known is not None and known.digest == digest_of(clip):
                return number, known, True
            mode, outputs = method.restore(worker, clip)
            result = score_clip(clip, outputs, measures=measures, centre=centre)
            done = Finished(result.scores, mode, result.digest)
            with keeping:
                if not left:
                    finished.add(number, done, result.pictures)
            return number, done, False

    pool = ThreadPoolExecutor(len(method.workers))
    shown = {}
    try:
        for job in as_completed([pool.submit(finish, number) for number in mine]):
            number, done, known = job.result()
            shown[number] = _badness(done, measures)
            if len(shown) > MOST_PICTURES:
                best = min(shown, key=lambda n: (shown[n], -n))
                finished.forget_pictures(best)
                del shown[best]
            on_clip(clips[number], done.scores[0], known)
            crew.check()
    finally:  # nobody waits for clips that are half done, or wants them later
        pool.shutdown(wait=False, cancel_futures=True)
        with keeping:
            left.append(True)
    crew.wait("measured")
    return _gathered(clips, finished, measures, crew)


def _gathered(
    clips: Sequence[EvaluationClip],
    finished: FinishedClips,
    measures: Measures,
    crew: Crew,
) -> Outcome:
    """What all processes have left in the folder."""

    def find_all() -> list[Finished | None]:
        return [finished.find(n, clip.name) for n, clip in enumerate(clips)]

    crew.await_files(lambda: None not in find_all())
    found = find_all()
    if None in found:
        raise InputError(
            f"{clips[found.index(None)].name}: another process measured it, but its"
            " file is not there. Choose a --workdir that all processes share."
        )
    numbers = sorted(
        range(len(clips)), key=lambda n: (-_badness(found[n], measures), n)
    )
    pictures = {
        clips[n].name: finished.pictures(n, found[n])
        for n in sorted(numbers[:MOST_PICTURES])
    }
    return Outcome(found, {name: shown for name, shown in pictures.items() if shown})


def _badness(done: Finished, measures: Measures) -> float:
    """Of a clip: that of its worst frame."""
    first = measures.metrics[0]
    return max(badness(first, value) for value in done.scores[0].values[first])


@contextmanager
def _borrowed(free: queue.SimpleQueue) -> Iterator[Worker]:
    worker = free.get()
    try:
        yield worker
    finally:
        free.put(worker)
