"""Batches by grain: the same for any number of threads, workers and processes.

grain counts the samples of this process from the first step on and makes sample k
whenever it likes; what sample k shows is a pure function of the run's seed and of k, so
nothing needs to be saved to continue.

Threads suffice while the work is decoding pictures, which runs without Python's lock;
worker processes help where Python itself is the limit. They are started afresh
("spawn"), so a script that uses them needs `if __name__ == "__main__"`.
"""

import multiprocessing
import os
import pickle
import signal
import sys
import threading
import weakref
from collections.abc import Callable, Iterator
from functools import partial
from typing import NamedTuple, Self

import grain
import numpy as np
from absl import flags

from bvsrpp_jax.data.samples import Sample, Samples
from bvsrpp_jax.errors import InputError

Batch = dict[str, np.ndarray]


class Share(NamedTuple):
    """Which samples of every step are this process's.

    Attributes:
      first_step: of the run, where to begin.
      first: number of this process's first sample in the global batch.
      count: how many of it this process makes.
    """

    first_step: int
    first: int
    count: int


def batches(
    samples: Samples,
    *,
    batch_size: int,
    first_step: int,
    num_steps: int,
    process_index: int = 0,
    process_count: int = 1,
    num_threads: int = 2,
    num_workers: int = 0,
) -> "Batches":
    """Opens a run's sequence of batches at any step.

    Args:
      samples: what is in them.
      batch_size: of the whole step, over all processes.
      first_step: where to begin; a resumed run sees what an uninterrupted one would.
      num_steps: how many batches come.
      process_index, process_count: this process makes the samples from
        `process_index * batch_size / process_count` on, its share, in order.
      num_threads: threads that make samples, in this process or in every worker.
      num_workers: worker processes, 0 for none.

    Returns:
      An iterator, to be used as a context manager.

    Raises:
      InputError: the batch cannot be shared evenly, or a number is out of range.
    """
    _check(batch_size, process_count, num_threads, num_workers)
    count = batch_size // process_count
    share = Share(first_step, process_index * count, count)
    if num_workers:
        return _by_workers(samples, share, num_steps, num_threads, num_workers)
    return _by_threads(samples, share, num_steps, num_threads)


class Batches(Iterator[Batch]):
    """{"lq": [n, t, h, w, 3], "gt": [n, t, s*h, s*w, 3]} float32, n of this process.

    A context manager: leaving it waits for threads and workers. Whoever reads it in a
    thread of its own ends that first. What goes wrong in threads and workers is raised
    by `next`: an `InputError` as one, and for other exceptions a note says which sample
    it was.
    """

    def __init__(
        self, items: grain.DatasetIterator, count: int, threads: set[threading.Thread]
    ):
        self._held, self._count, self._threads = [items], count, threads
        # Also at the end of the interpreter, while grain can still close itself.
        self._stop = weakref.finalize(self, _let_go, self._held)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_) -> None:
        self.close()

    def __next__(self) -> Batch:
        if not self._stop.alive:
            raise RuntimeError("the batches are closed")
        batch: Batch = {}
        for place in range(self._count):
            _put(self._next(), batch, place, self._count)
        return batch

    def close(self) -> None:
        """Stops threads and workers and waits for them."""
        self._stop()
        while self._threads:
            self._threads.pop().join()

    def _next(self) -> Sample:
        try:
            return next(self._held[0])
        except RuntimeError as error:
            if "terminated unexpectedly" not in str(error):
                raise
            raise InputError(
                f"num_workers: a worker process was killed ({error}), most often for"
                " want of memory. Lower num_workers, or take threads, num_workers 0."
            ) from error


def _put(sample: Sample, batch: Batch, place: int, count: int) -> None:
    """Copies a sample to its place; the first one decides the batch's shape.

    One by one, so that no more than one sample is there twice.
    """
    for key, value in sample.items():
        if key not in batch:
            batch[key] = np.empty((count, *value.shape), value.dtype)
        batch[key][place] = value


def _let_go(held: list[grain.DatasetIterator]) -> None:
    """Closes the iterator and drops it: it would close itself again, too late."""
    while held:
        held.pop().close()


def _by_threads(
    samples: Samples, share: Share, num_steps: int, num_threads: int
) -> Batches:
    threads: set[threading.Thread] = set()

    def draw(k: int) -> Sample:
        threads.add(threading.current_thread())  # grain does not wait for its threads
        return _draw(k, samples=samples, share=share)

    items = _dataset(draw, share, num_steps, num_threads)
    return Batches(iter(items), share.count, threads)


def _by_workers(
    samples: Samples, share: Share, num_steps: int, num_threads: int, num_workers: int
) -> Batches:
    if not flags.FLAGS.is_parsed():
        flags.FLAGS.mark_as_parsed()  # grain reads flags of its own, outside of app.run
    draw = partial(_draw_in_worker, samples=samples, share=share)
    items = _dataset(draw, share, num_steps, num_threads)
    # Samples come through pipes, at 20 ms of this process for one of the paper's.
    # Shared memory holds 64 MB in a container, where the third ends the worker.
    options = grain.experimental.DatasetOptions(min_shm_size=sys.maxsize)
    items = grain.experimental.WithOptionsIterDataset(items, options).mp_prefetch(
        grain.MultiprocessingOptions(num_workers, per_worker_buffer_size=1),
        worker_init_fn=_start_worker,
    )
    return Batches(iter(items), share.count, set())


def _dataset(
    draw: Callable[[int], Sample], share: Share, num_steps: int, num_threads: int
) -> grain.IterDataset:
    """The samples of this process, one by one."""
    options = grain.ReadOptions(
        num_threads, prefetch_buffer_size=num_threads + share.count
    )
    numbers = grain.MapDataset.range(num_steps * share.count)
    return numbers.map(draw).to_iter_dataset(options)


def _draw(k: int, *, samples: Samples, share: Share) -> Sample:
    """The k-th sample of this process; a failure says what it was."""
    step, place = divmod(k, share.count)
    step, i = share.first_step + step, share.first + place
    try:
        return samples.draw(step, i)
    except InputError:
        raise
    except Exception as error:
        error.add_note(f"in sample {i} of step {step}: {samples.describe(step, i)}")
        raise


def _draw_in_worker(k: int, **options) -> Sample:
    """As `_draw`; what cannot be pickled would never arrive, so it is told in words."""
    try:
        return _draw(k, **options)
    except Exception as error:
        try:
            pickle.loads(pickle.dumps(error))
        except Exception:
            text = "\n".join([repr(error), *getattr(error, "__notes__", ())])
            raise RuntimeError(text) from None
        raise


def _start_worker(index: int, count: int) -> None:
    """Leaves signals to the parent, which stops its workers, and ends with it.

    Ctrl-C and a cluster's SIGTERM reach every process: a worker that died of it would
    look like a failure while the run is being saved.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    multiprocessing.parent_process().join()
    os._exit(1)


def _check(
    batch_size: int, process_count: int, num_threads: int, num_workers: int
) -> None:
    if batch_size < 1 or batch_size % process_count:
        raise InputError(
            f"batch_size: {batch_size} is no multiple of the number of processes,"
            f" {process_count}. Give one that is."
        )
    if num_threads < 1 or num_workers < 0:
        raise InputError(
            f"num_threads, num_workers: are {num_threads} and {num_workers}. Give at"
            " least 1 and 0."
        )
