"""Clips spread over workers; what is done is kept, and counts only while it is true."""

import errno
import threading
import time

import numpy as np
import pytest

from bvsrpp_jax.data.catalogue import ArrayClips
from bvsrpp_jax.errors import InputError
from bvsrpp_jax.evaluation.clips import clips_of
from bvsrpp_jax.evaluation.finished import FinishedClips
from bvsrpp_jax.evaluation.measures import Measures
from bvsrpp_jax.evaluation.protocols import Protocol
from bvsrpp_jax.evaluation.running import MOST_PICTURES, evaluate
from bvsrpp_jax.restoration.crew import Crew

NUM_CLIPS = 12
BLUR = Protocol("", "", degradations=("bicubic",))


def open_clips(seed=0):
    rng = np.random.default_rng(seed)
    arrays = rng.integers(0, 256, (NUM_CLIPS, 2, 16, 16, 3), dtype=np.uint8)
    return clips_of(BLUR, ArrayClips(list(arrays)), scale=4)


class Noisy:
    """Results that are worse the higher the number of the clip."""

    name, facts = "noisy", {}

    def __init__(self, workers=1, fail_at=None):
        self.workers = [f"worker {i}" for i in range(workers)]
        self.restored, self.used = [], set()
        self._fail_at, self._lock = fail_at, threading.Lock()

    def check(self, clips):
        pass

    def restore(self, worker, clip):
        with self._lock:
            self.restored.append(clip.index)
            self.used.add(worker)
        if clip.index == self._fail_at:
            raise InputError(f"{clip.name}: cannot be restored. Take another.")
        time.sleep(0.01 * (NUM_CLIPS - clip.index) * (len(self.workers) > 1))
        return "in a test", self._outputs(clip)

    def _outputs(self, clip):
        rng = np.random.default_rng(clip.index)
        for _, gt in clip.pairs():
            noise = rng.normal(0, 1 + clip.index, gt.shape)
            yield np.clip(gt + noise, 0, 255).astype(np.uint8)


def run(folder, method, *, clips=None, key="a key", on_clip=None):
    with Crew(multihost=False) as crew:
        return evaluate(
            clips or open_clips(),
            method,
            measures=Measures(),
            centre=False,
            finished=FinishedClips(folder, key),
            crew=crew,
            on_clip=on_clip or (lambda clip, scores, known: None),
        )


def test_values_do_not_depend_on_the_number_of_workers(tmp_path):
    one, three = Noisy(), Noisy(workers=3)
    alone, together = run(tmp_path / "one", one), run(tmp_path / "three", three)
    assert alone.clips == together.clips
    assert [c.scores[0].name for c in together.clips] == [
        f"{i:03d}" for i in range(NUM_CLIPS)
    ]
    assert three.used == {"worker 0", "worker 1", "worker 2"}


def test_an_interrupted_evaluation_goes_on_where_it_was(tmp_path):
    def interrupt(clip, scores, known):
        if clip.index == 4:
            raise KeyboardInterrupt

    first, second, third = Noisy(), Noisy(), Noisy()
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, first, on_clip=interrupt)
    told = {}
    outcome = run(
        tmp_path,
        second,
        on_clip=lambda clip, scores, known: told.update({clip.index: known}),
    )
    assert outcome.clips == run(tmp_path / "whole", third).clips
    assert set(second.restored).isdisjoint(range(4))
    assert told == {i: i not in second.restored for i in range(NUM_CLIPS)}


def test_what_was_done_in_another_way_is_done_again(tmp_path):
    run(tmp_path, Noisy())
    for changes in (
        {"key": "another"},
        {"clips": open_clips(seed=1), "key": "another"},
    ):
        method = Noisy()
        outcome = run(tmp_path, method, **changes)
        assert sorted(method.restored) == list(range(NUM_CLIPS))
        assert outcome.clips == run(tmp_path / "again", Noisy(), **changes).clips


def test_a_renamed_clip_has_its_new_name(tmp_path):
    run(tmp_path, Noisy())
    clips = open_clips()
    clips[3].source.clips[3] = clips[3].source.clips[3]._replace(name="zebra")
    outcome = run(tmp_path, Noisy(), clips=clips)
    assert outcome.clips[3].scores[0].name == "zebra"


def test_pictures_of_another_run_are_not_shown(tmp_path):
    run(tmp_path, Noisy())
    last = tmp_path / f"{NUM_CLIPS - 1:05d}.npz"
    kept = last.read_bytes()
    run(tmp_path, Noisy(), key="another")
    last.write_bytes(kept)  # as if a kill had come between pictures and scores
    assert f"{NUM_CLIPS - 1:03d}" not in run(tmp_path, Noisy(), key="another").pictures


def test_a_full_disk_is_told(tmp_path, monkeypatch):
    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(np, "savez", full)
    with pytest.raises(InputError, match="cannot be written .*No space left"):
        run(tmp_path, Noisy())


def test_a_damaged_file_counts_as_not_done(tmp_path):
    run(tmp_path, Noisy())
    (tmp_path / "00003.json").write_text('{"key":')
    (tmp_path / "00004.json").write_text("[]")
    method = Noisy()
    run(tmp_path, method)
    assert sorted(method.restored) == [3, 4]


def test_pictures_are_those_of_the_worst_clips(tmp_path):
    pictures = run(tmp_path, Noisy(workers=3)).pictures
    worst = [f"{i:03d}" for i in range(NUM_CLIPS)][-MOST_PICTURES:]
    assert list(pictures) == worst
    assert len(list(tmp_path.glob("*.npz"))) == MOST_PICTURES
    assert pictures.keys() == run(tmp_path, Noisy()).pictures.keys()


def test_a_clip_that_fails_ends_the_evaluation(tmp_path):
    method = Noisy(fail_at=3)
    with pytest.raises(InputError, match="003: cannot be restored"):
        run(tmp_path, method)
    time.sleep(0.5)  # far longer than a clip takes
    assert NUM_CLIPS - 1 not in method.restored
    assert not list(tmp_path.glob("*.partial"))
