"""Tells how a restoration gets on: a bar on a terminal, plain lines elsewhere."""

import time
from typing import Self, TextIO

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from bvsrpp_jax.restoration.memory import size_text
from bvsrpp_jax.restoration.plan import Plan
from bvsrpp_jax.restoration.video import Job

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
        self._expected = self._bar = self._task = None
        self._began = self._told = self._done = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_) -> None:
        if self._bar is not None:
            self._bar.stop()

    def on_start(self, job: Job) -> None:
        """Says what will be done."""
        source, result = job.source, job.result
        self._expected = source.num_frames
        frames = f"{source.num_frames} frames" if source.num_frames else "all frames"
        self._print(
            f"{source.name} ({source.width}x{source.height}, {frames}) ->"
            f" {self._target} ({result.width}x{result.height}), weights"
            f" {self._weights}, {_told(job.plan, source.num_frames)}"
        )
        self._began = self._told = time.monotonic()
        if self._stream.isatty():
            self._start_bar(source.num_frames)

    def on_work(self, frames: float) -> None:
        """Counts work that was done, and says how far it is."""
        self._done += frames
        now = time.monotonic()
        if self._bar is None and now - self._told < _INTERVAL:
            return
        self._told = now
        expected = self._expected
        total = None if expected is None else max(int(self._done), expected)
        text = self._state(total, now - self._began)
        if self._bar is None:
            self._print(text)
        else:
            self._bar.update(self._task, completed=self._done, total=total, text=text)

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

    def _state(self, total: int | None, seconds: float) -> str:
        speed = self._done / seconds
        if total is None:
            return f"{self._done:.0f} frames, {speed:.2f} frames/s"
        left = clock(max(0, total - self._done) / speed)
        return f"{self._done:.0f} of {total} frames, {speed:.2f} frames/s, {left} left"


def clock(seconds: float) -> str:
    """Seconds as m:ss or h:mm:ss."""
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def _told(plan: Plan, num_frames: int | None) -> str:
    """How it is restored, and what that takes."""
    parts = [f"windows of {plan.window} frames overlapping by {plan.overlap}"]
    if plan.window is None or (num_frames is not None and num_frames <= plan.window):
        parts = ["as a whole"]
    if plan.lookahead is not None:
        parts = [f"each frame from those before it and {plan.lookahead} after it"]
    if plan.tile is not None:
        h, w = plan.tile
        parts.append(f"tiles of {w}x{h} overlapping by {plan.tile_overlap}")
    if plan.ensemble > 1:
        parts.append(f"the mean of {plan.ensemble} results")
    if plan.dtype != "float32":
        parts.append(f"in {plan.dtype}")
    on_device, on_host, on_disk = map(size_text, plan.needed)
    waiting = f"{on_disk} on disk" if plan.on_disk else f"{on_host} waiting"
    parts.append(f"{plan.chunk} frames at a time in about {on_device}, {waiting}")
    if plan.devices > 1:
        parts.append(f"{plan.devices} devices")
    return ", ".join(parts)
