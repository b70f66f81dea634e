"""Tells how a restoration gets on: a bar on a terminal, plain lines elsewhere."""

import time
from typing import Self, TextIO

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from bvsrpp_jax.restoration.plan import Plan
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
        self._plan = self._bar = self._task = None
        self._began = self._told = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_) -> None:
        if self._bar is not None:
            self._bar.stop()

    def on_start(self, job: Job) -> None:
        """Says what will be done."""
        source, result, self._plan = job.source, job.result, job.plan
        frames = f"{source.num_frames} frames" if source.num_frames else "all frames"
        self._print(
            f"{source.name} ({source.width}x{source.height}, {frames}) ->"
            f" {self._target} ({result.width}x{result.height}), weights"
            f" {self._weights}, {_told(job.plan, source.num_frames)}"
        )
        self._began = self._told = time.monotonic()
        if self._stream.isatty():
            self._start_bar(source.num_frames)

    def on_progress(self, done: int, expected: int | None) -> None:
        """Says how far it is."""
        now = time.monotonic()
        if self._bar is None and now - self._told < _INTERVAL:
            return
        self._told = now
        total = None if expected is None else max(done, expected)
        text = self._state(done, total, now - self._began)
        if self._bar is None:
            self._print(text)
        else:
            self._bar.update(self._task, completed=done, total=total, text=text)

    def on_end(self, count: int) -> None:
        """Says that it is done."""
        if self._bar is not None:
            self._bar.stop()
        seconds = max(time.monotonic() - self._began, 1e-3)
        self._print(
            f"{self._target}: {count} frames in {clock(seconds)}"
            f" ({count / seconds:.2f} frames/s)"
        )

    def _print(self, line: str) -> None:
        """One line, whatever characters a file's name has."""
        shown = (c if c.isprintable() else ascii(c)[1:-1] for c in line)
        print("".join(shown), file=self._stream, flush=True)

    def _start_bar(self, expected: int | None) -> None:
        self._bar = Progress(
            BarColumn(),
            TextColumn("{task.fields[text]}"),
            console=Console(file=self._stream),
            transient=True,
        )
        self._task = self._bar.add_task("", total=expected, text="compiling")
        self._bar.start()

    def _state(self, done: int, total: int | None, seconds: float) -> str:
        """How far it is, as fast as what has been restored, not only written."""
        restored = _restored_with(done, self._plan)
        if total is None:
            return f"{done} frames, {restored / seconds:.2f} frames/s"
        speed = min(restored, total) / seconds
        left = clock(max(0, total - restored) / speed)
        return f"{done} of {total} frames, {speed:.2f} frames/s, {left} left"


def clock(seconds: float) -> str:
    """Seconds as m:ss or h:mm:ss."""
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def _told(plan: Plan, num_frames: int | None) -> str:
    memory = f"about {plan.needed / 2**30:.1f} GiB"
    if num_frames is not None and num_frames <= plan.window:
        return f"in one window, {memory}"
    return (
        f"windows of {plan.window} frames overlapping by {plan.overlap} either side,"
        f" {memory}"
    )


def _restored_with(done: int, plan: Plan) -> int:
    """How many frames are restored when so many are: windows are kept at once."""
    first, step = plan.window - plan.overlap, plan.window - 2 * plan.overlap
    return first + -(-max(0, done - first) // step) * step
