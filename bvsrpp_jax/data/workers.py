"""Jobs spread over processes of this machine, which end together.

Not forked: video decoders have threads by now. A worker leaves between two frames when
another one has failed or Ctrl-C is pressed, and at once when its parent is gone.
"""

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from itertools import islice
from multiprocessing.connection import wait as wait_for
from typing import TypeVar

from bvsrpp_jax.errors import InputError, Stopped

Job = TypeVar("Job")
OnFrame = Callable[[], None]
Work = Callable[[Job, OnFrame], None]
Report = Callable[[int, int], None]
_POLL = 1.0  # seconds between reports while nothing ends


def run_jobs(
    work: Work,
    jobs: Sequence[Job],
    *,
    processes: int,
    report: Callable[[int, int], None],
) -> None:
    """Does all jobs; in this process where one is enough.

    Args:
      work: does a job; a function of a module. It calls its second argument for every
        frame.
      jobs: what is given to it.
      processes: how many work at a time.
      report: told how many jobs and frames are done, again and again.

    Raises:
      InputError: of a job; the others are stopped. Or a process died.
    """
    if min(processes, len(jobs)) > 1:
        _run_in_pool(work, jobs, min(processes, len(jobs)), report)
        return
    frames = 0
    for done, job in enumerate(jobs):

        def on_frame(done=done) -> None:
            nonlocal frames
            frames += 1
            report(done, frames)

        work(job, on_frame)
    report(len(jobs), frames)


def _run_in_pool(
    work: Work, jobs: Sequence[Job], processes: int, report: Report
) -> None:
    context = multiprocessing.get_context("spawn")
    stop, frames = context.Event(), context.Value("Q")
    pool = ProcessPoolExecutor(processes, context, _begin, (stop, frames))
    waiting, running, done = iter(jobs), set(), 0
    try:
        while done < len(jobs):
            # Few at a time: each look at a future costs, and sets have 60 000 clips.
            for job in islice(waiting, 2 * processes - len(running)):
                with _ctrl_c_held():  # workers are started here
                    running.add(pool.submit(_do, work, job))
            ended, running = wait(running, _POLL, FIRST_COMPLETED)
            for future in ended:
                future.result()
            done += len(ended)
            report(done, frames.value)
    except BrokenProcessPool as error:
        raise InputError(
            "--processes: one of them died, killed or out of memory. Give fewer; the"
            " same command goes on with what is done."
        ) from error
    finally:
        stop.set()
        pool.shutdown(cancel_futures=True)


_stop = _frames = None  # of a worker, shared with all others


def _begin(stop, frames) -> None:
    global _stop, _frames
    _stop, _frames = stop, frames
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    wait_for([multiprocessing.parent_process().sentinel])
    os._exit(1)


def _do(work: Work, job: Job) -> None:
    work(job, _on_frame)


def _on_frame() -> None:
    if _stop.is_set():
        raise Stopped
    with _frames.get_lock():
        _frames.value += 1


@contextmanager
def _ctrl_c_held() -> Iterator[None]:
    """Ctrl-C waits; processes that are started meanwhile never get it.

    They inherit which signals are blocked. In this process another thread may take it.
    """
    main = threading.current_thread() is threading.main_thread()
    if not main or not hasattr(signal, "pthread_sigmask"):  # Windows has none
        yield
        return
    pressed = []
    handler = signal.signal(signal.SIGINT, lambda *_: pressed.append(True))
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        signal.signal(signal.SIGINT, handler)
        if pressed:
            signal.raise_signal(signal.SIGINT)
