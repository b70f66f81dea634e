"""Tells how a restoration gets on: a bar on a terminal, plain lines elsewhere."""

import time
from collections.abc import Callable
from typing import Self, TextIO

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from bvsrpp_jax.restoration.memory import size_text
from bvsrpp_jax.restoration.plan_text import plan_text
from bvsrpp_jax.restoration.video import Job

_INTERVAL = 10  # seconds between plain lines


class Reporter:
    """Callbacks for `Restorer.restore_video` that write to a stream.

    A context manager: leaving it clears the bar away.

    Args:
      weights: what the network is called.
      target: what the output is called.
      stream: where to write, usually stderr.
      asked: tells what the compiled programs ask for: `Restorer.bytes_asked`.
    """

    def __init__(
        self,
        *,
        weights: str,
        target: str,
        stream: TextIO,
        asked: Callable[[], int | None],
    ):
        self._weights, self._target, self._stream = weights, target, stream
        self._asked, self._plan = asked, None
        self._expected = self._bar = self._task = None
        self._began = self._told = self._done = self._resumed = 0.0
        self._worked: tuple[float, float] | None = None  # when, and how much by then

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_) -> None:
        if self._bar is not None:
            self._bar.stop()

    def on_start(self, job: Job) -> None:
        """Says what will be done."""
        source, result = job.source, job.result
        self._plan = job.plan
        self._expected = source.num_frames
        frames = f"{source.num_frames} frames" if source.num_frames else "all frames"
        self._print(
            f"{source.name} ({source.width}x{source.height}, {frames}) ->"
            f" {self._target} ({result.width}x{result.height}), weights"
            f" {self._weights}, {plan_text(job.plan, source.num_frames)}"
            f"{_expected_text(job)}"
        )
        if job.done:
            expected = source.num_frames or "an unknown number of"
            self._print(f"resuming: {job.done} of {expected} frames are done")
        self._done = self._resumed = job.done
        self._began = self._told = time.monotonic()
        if self._stream.isatty():
            self._start_bar(source.num_frames)

    def on_work(self, frames: float) -> None:
        """Counts work that was done, and says how far it is."""
        self._done += frames
        self._confirm_memory()
        now = time.monotonic()
        if self._worked is None:  # what was compiled until then says nothing of speed
            self._worked = now, self._done
        if self._bar is None and now - self._told < _INTERVAL:
            return
        self._told = now
        expected = self._expected
        total = None if expected is None else max(int(self._done), expected)
        text = self._state(total, now)
        if self._bar is None:
            self._print(text)
        else:
            self._bar.update(self._task, completed=self._done, total=total, text=text)

    def _confirm_memory(self) -> None:
        """Says once what the programs ask for, when they are compiled."""
        asked = self._asked() if self._asked is not None else None
        if asked is not None:
            self._asked = None
            self._print(
                f"compiled: the programs ask for {size_text(asked)} of a device's"
                f" memory, planned were {size_text(self._plan.needed.device)}"
            )

    def on_end(self, count: int) -> None:
        """Says that it is done."""
        if self._bar is not None:
            self._bar.stop()
        seconds = max(time.monotonic() - self._began, 1e-3)
        speed = (count - self._resumed) / seconds
        self._print(
            f"{self._target}: {count} frames in {clock(seconds)} ({speed:.2f} frames/s)"
        )

    def _print(self, line: str) -> None:
        """One line, whatever characters a file's name has."""
        shown = (c if c.isprintable() else ascii(c)[1:-1] for c in line)
        text = "".join(shown)
        if self._bar is None:
            print(text, file=self._stream, flush=True)
        else:  # above the bar
            self._bar.console.print(text, markup=False, highlight=False)

    def _start_bar(self, expected: int | None) -> None:
        self._bar = Progress(
            BarColumn(),
            TextColumn("{task.fields[text]}"),
            console=Console(file=self._stream),
            transient=True,
        )
        self._task = self._bar.add_task("", total=expected, text="compiling")
        self._bar.start()

    def _state(self, total: int | None, now: float) -> str:
        since, before = self._worked
        speed = (self._done - before) / max(now - since, 1e-3)
        done = f"{self._done:.0f}" if total is None else f"{self._done:.0f} of {total}"
        if not speed:
            return f"{done} frames"
        text = f"{done} frames, {speed:.2f} frames/s"
        if total is None:
            return text
        return f"{text}, {clock(max(0, total - self._done) / speed)} left"


def clock(seconds: float) -> str:
    """Seconds as m:ss or h:mm:ss."""
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def _expected_text(job: Job) -> str:
    """How long what is left will take, as far as it is known."""
    if not job.seconds_per_frame:
        return ""
    if job.source.num_frames is None:
        return f", about {job.seconds_per_frame:.2g} s a frame"
    left = max(0, job.source.num_frames - job.done)
    return f", about {clock(left * job.seconds_per_frame)} to go"
