"""Tells how a restoration gets on: a bar on a terminal, plain lines elsewhere."""

import time
from typing import Self, TextIO

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
)

from bvsrpp_jax.restoration.restorer import Job

_INTERVAL = 10  # seconds between plain lines


class Reporter:
    """Callbacks for `Restorer.restore_video` that write to a stream.

    A context manager: leaving it clears the bar away.

    Args:
      weights: what the network is called.
      target: what the output is called.
      stream: where to write, usually stderr.
    """

    def __init__(self, *, weights: str, target: str, stream: TextIO):
        self._weights, self._target, self._stream = weights, target, stream
        self._bar = self._task = None
        self._began = self._told = time.monotonic()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_) -> None:
        if self._bar is not None:
            self._bar.stop()

    def on_start(self, job: Job) -> None:
        """Says what will be done."""
        source, result, plan = job.source, job.result, job.plan
        frames = f"{source.num_frames} frames" if source.num_frames else "all frames"
        print(
            f"{source.name} ({source.width}x{source.height}, {frames}) ->"
            f" {self._target} ({result.width}x{result.height}), weights"
            f" {self._weights}, windows of {plan.window} frames overlapping by"
            f" {plan.overlap}, about {plan.needed / 2**30:.1f} GiB",
            file=self._stream,
            flush=True,
        )
        self._began = self._told = time.monotonic()
        if self._stream.isatty():
            self._start_bar(source.num_frames)

    def on_progress(self, done: int, expected: int | None) -> None:
        """Says how far it is."""
        now = time.monotonic()
        if self._bar is not None:
            speed = f"{done / (now - self._began):.2f} frames/s"
            total = None if expected is None else max(done, expected)
            self._bar.update(self._task, completed=done, total=total, speed=speed)
        elif now - self._told >= _INTERVAL:
            self._told = now
            self._print_line(done, expected, now - self._began)

    def on_end(self, count: int) -> None:
        """Says that it is done."""
        if self._bar is not None:
            self._bar.stop()
        seconds = time.monotonic() - self._began
        print(
            f"{self._target}: {count} frames in {clock(seconds)}"
            f" ({count / seconds:.2f} frames/s)",
            file=self._stream,
        )

    def _start_bar(self, expected: int | None) -> None:
        self._bar = Progress(
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[speed]}"),
            TimeRemainingColumn(),
            console=Console(file=self._stream),
            transient=True,
        )
        self._task = self._bar.add_task("", total=expected, speed="compiling")
        self._bar.start()

    def _print_line(self, done: int, expected: int | None, seconds: float) -> None:
        of, left = "", ""
        if expected:
            of = f" of {max(done, expected)}"
            left = f", {clock(seconds / done * max(0, expected - done))} left"
        print(
            f"{done}{of} frames, {done / seconds:.2f} frames/s{left}",
            file=self._stream,
            flush=True,
        )


def clock(seconds: float) -> str:
    """Seconds as m:ss or h:mm:ss."""
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"
