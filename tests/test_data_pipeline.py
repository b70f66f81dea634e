"""Batches do not depend on threads, workers or processes, and failures have names."""

import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from bvsrpp_jax.data.pipeline import batches
from bvsrpp_jax.data.samples import ClipSamples
from bvsrpp_jax.data.sources import Clip
from bvsrpp_jax.errors import InputError

PAPER = {"batch_size": 4, "first_step": 0, "num_steps": 5}


@dataclass
class Counted:
    """Samples that say where they belong, or fail in a given way at step 2, sample 1.

    Lengths change from step to step, as those of the `lite` recipe do.
    """

    failure: str = ""

    def draw(self, step, i):
        time.sleep(0.001 * ((7 * step + 3 * i) % 5))  # finished in another order
        if (step, i) == (2, 1):
            self.fail()
        frames = np.zeros((1 + step // 2, 2, 2, 3), np.float32)
        return {"lq": frames + np.float32([step, i, 0]), "gt": frames.repeat(2, 1) + i}

    def fail(self):
        if self.failure == "input":
            raise InputError("a.png: is damaged. Replace it.")
        if self.failure == "bug":
            raise ZeroDivisionError("a bug")
        if self.failure == "unpicklable":
            raise Unpicklable(1, 2)
        if self.failure == "killed":
            os.kill(os.getpid(), signal.SIGKILL)

    def describe(self, step, i):
        return f"clip {i}, frames {step} on"


class Unpicklable(Exception):
    def __init__(self, one, two):
        super().__init__("one argument where two are needed")


@dataclass
class NoiseClips:
    """A source that makes its frames of their number."""

    clips: tuple = (Clip("a", 4), Clip("b", 6), Clip("c", 5))

    def read(self, clip, start, stop):
        frames = [
            np.random.default_rng([clip, t]).integers(0, 256, (32, 40, 3), np.uint8)
            for t in range(start, stop)
        ]
        return {"gt": np.stack(frames)}


def clip_samples():
    return ClipSamples(
        NoiseClips(),
        batch_size=4,
        seed=3,
        num_frames=3,
        crop_size=16,
        scale=1,
        degradations=("noise",),
    )


def all_of(samples, **options):
    with batches(samples, **{**PAPER, **options}) as opened:
        return list(opened)


def assert_equal(some, others):
    for one, other in zip(some, others, strict=True):
        assert one.keys() == other.keys()
        for key in one:
            assert one[key].tobytes() == other[key].tobytes()


@pytest.fixture(scope="module")
def one_thread():
    return all_of(clip_samples(), num_threads=1)


def test_a_batch_holds_the_samples_of_its_step_in_order():
    for step, batch in enumerate(all_of(Counted())):
        assert batch["lq"].shape == (4, 1 + step // 2, 2, 2, 3)
        assert batch["gt"].shape == (4, 1 + step // 2, 4, 2, 3)
        assert batch["lq"].dtype == np.float32
        for i, frames in enumerate(batch["lq"]):
            assert (frames == [step, i, 0]).all()


def test_a_finished_run_has_no_batches_left():
    assert all_of(Counted(), first_step=5, num_steps=0) == []


@pytest.mark.parametrize("num_threads", [2, 5])
def test_any_number_of_threads_gives_the_same_batches(one_thread, num_threads):
    assert_equal(all_of(clip_samples(), num_threads=num_threads), one_thread)


@pytest.mark.parametrize("process_count", [2, 4])
def test_the_shares_of_all_processes_are_the_global_batch(one_thread, process_count):
    shares = [
        all_of(clip_samples(), process_index=p, process_count=process_count)
        for p in range(process_count)
    ]
    together = [
        {key: np.concatenate([part[key] for part in parts]) for key in parts[0]}
        for parts in zip(*shares, strict=True)
    ]
    assert_equal(together, one_thread)


def test_a_resumed_run_sees_what_comes_next(one_thread):
    rest = all_of(clip_samples(), first_step=2, num_steps=3)
    assert_equal(rest, one_thread[2:])


def test_worker_processes_give_the_same_batches_and_end(one_thread):
    # Two workers for the two samples a step of the second of two processes.
    share = {"process_index": 1, "process_count": 2, "first_step": 1, "num_steps": 4}
    with batches(clip_samples(), **{**PAPER, **share}, num_workers=2) as opened:
        made = [next(opened)]
        for worker in multiprocessing.active_children():
            # Ctrl-C and a cluster's SIGTERM reach workers too; the run may be saving.
            os.kill(worker.pid, signal.SIGINT)
            os.kill(worker.pid, signal.SIGTERM)
        made += opened
    assert_equal(made, [{k: x[2:] for k, x in b.items()} for b in one_thread[1:]])
    assert not multiprocessing.active_children()


def test_workers_end_with_a_parent_that_is_killed():
    program = (
        f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r})\n"
        "import test_data_pipeline as test; test.die_while_a_worker_works()"
    )
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60
    )
    assert run.returncode == -signal.SIGKILL
    deadline = time.monotonic() + 10
    while is_worker(run.stdout.strip()):
        assert time.monotonic() < deadline
        time.sleep(0.1)


def is_worker(pid):
    """Whether the process is there and no other (Linux; elsewhere always False)."""
    try:
        return "spawn_main" in Path("/proc", pid, "cmdline").read_text()
    except OSError:
        return False


def die_while_a_worker_works():
    """Prints the worker's number, then ends like a process out of memory."""
    opened = batches(Counted(), **{**PAPER, "num_steps": 10**6}, num_workers=1)
    next(opened)
    print(multiprocessing.active_children()[0].pid, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)


def test_closing_early_leaves_no_thread_behind():
    before = set(threading.enumerate())
    with batches(Counted(), **{**PAPER, "num_steps": 10**6}) as opened:
        next(opened)
        assert set(threading.enumerate()) > before
    assert set(threading.enumerate()) == before
    with pytest.raises(RuntimeError, match="closed"):
        next(opened)


def test_a_bad_file_is_reported_as_it_is():
    with (
        pytest.raises(InputError) as caught,
        batches(Counted("input"), **PAPER) as opened,
    ):
        list(opened)
    assert str(caught.value) == "a.png: is damaged. Replace it."


def test_a_bug_is_reported_with_the_sample_it_showed_in():
    with (
        pytest.raises(ZeroDivisionError) as caught,
        batches(Counted("bug"), **PAPER) as opened,
    ):
        list(opened)
    assert "in sample 1 of step 2: clip 1, frames 2 on" in caught.value.__notes__


def test_batches_before_a_failure_arrive():
    with batches(Counted("input"), **PAPER) as opened:
        assert next(opened)["lq"][0, 0, 0, 0, 0] == 0
        assert next(opened)["lq"][0, 0, 0, 0, 0] == 1
        with pytest.raises(InputError):
            next(opened)


@pytest.mark.parametrize(
    ("failure", "kind", "message"),
    [
        ("input", InputError, r"^a\.png: is damaged\. Replace it\."),
        ("unpicklable", RuntimeError, "(?s)Unpicklable.*sample 1 of step 2: clip 1"),
        ("killed", InputError, "num_workers: a worker process was killed .*code -9"),
    ],
)
def test_failures_of_workers_arrive_and_nothing_hangs(failure, kind, message):
    with (
        pytest.raises(kind, match=message),
        batches(Counted(failure), **PAPER, num_workers=1) as opened,
    ):
        list(opened)
    assert not multiprocessing.active_children()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"process_count": 3}, "batch_size: 4 is no multiple of .* processes, 3"),
        ({"batch_size": 0}, "batch_size: 0"),
        ({"num_threads": 0}, "num_threads, num_workers: are 0 and 0"),
        ({"num_workers": -1}, "num_threads, num_workers: are 2 and -1"),
    ],
)
def test_impossible_numbers_are_told(options, message):
    with pytest.raises(InputError, match=message):
        batches(Counted(), **{**PAPER, **options})
