"""What a run tells: progress lines, `metrics.jsonl`, TensorBoard.

Losses are means over the steps since the last line, skipped steps left out; times are
true, because a step counts only when its metrics have arrived.
"""

import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from tensorboardX import SummaryWriter

from bvsrpp_jax.partial import write_whole

COUNTS = ("skipped", "skipped_in_a_row")  # the last value, not the mean
SUMS = ("flow_nonfinite", "offset_nonfinite")


class RunLog:
    """The log of a run; a context manager.

    Args:
      workdir: where the files go; None, on all processes but the first, writes and
        prints nothing.
      first_step: steps already taken. Records of later steps, from a run that was
        killed after its last checkpoint, are removed: those steps come again.
      num_steps: the last step.
      rates: group -> learning rate by number of updates.
    """

    def __init__(
        self,
        workdir: Path | None,
        *,
        first_step: int,
        num_steps: int,
        rates: Mapping[str, Callable],
    ):
        self._rates, self._num_steps, self._first = rates, num_steps, first_step
        self._file = self._board = None
        if workdir is not None:
            path = workdir / "metrics.jsonl"
            _cut_after(path, first_step)
            self._file = open(path, "a", buffering=1)  # noqa: SIM115
            # TensorBoard, too, forgets what was logged after the checkpoint.
            folder = str(workdir / "tensorboard")
            self._board = SummaryWriter(folder, purge_step=first_step + 1)
        self._steps: list[Mapping[str, float]] = []
        self._since, self._waited = time.monotonic(), 0.0

    def __enter__(self):
        return self

    def __exit__(self, *_) -> None:
        if self._file is not None:
            self._file.close()
            self._board.close()

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Around waiting for data: its share of the time is logged."""
        began = time.monotonic()
        yield
        self._waited += time.monotonic() - began

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Around what is no step (validation, saving): left out of steps a second."""
        began = time.monotonic()
        yield
        self._since += time.monotonic() - began

    def add(self, metrics: Mapping[str, float]) -> None:
        """Takes the metrics of one finished step."""
        self._steps.append(metrics)

    def progress(self, step: int) -> None:
        """Logs the steps since the last call, of which `step` is the last one."""
        seconds = max(time.monotonic() - self._since, 1e-9)
        last = self._steps[-1]
        record = {"step": step, **self._means()}
        updates = step - 1 - int(last["skipped"])
        for group, rate in self._rates.items():
            record[f"rate_{group}"] = float(rate(max(updates, 0)))
        record["steps_per_s"] = len(self._steps) / seconds
        record["data_wait_share"] = self._waited / seconds
        self._write(record)
        self._say(_progress_line(record, self._num_steps))
        self._steps, self._since, self._waited = [], time.monotonic(), 0.0

    def validation(
        self,
        step: int,
        scores: Mapping[str, float],
        pictures: Mapping[str, np.ndarray],
    ) -> None:
        """Logs a validation: its scores, and pictures [h, w, 3] uint8 by name."""
        self._write({"step": step, **scores})
        if self._board is not None:
            for name, picture in pictures.items():
                self._board.add_image(name, picture, step, dataformats="HWC")
        told = "  ".join(f"{name} {value:.4f}" for name, value in scores.items())
        self._say(f"step {step}  validation  {told}")

    def _means(self) -> dict[str, float | None]:
        rows, last = self._steps, self._steps[-1]
        taken = [row for row in rows if row["skipped_in_a_row"] == 0]
        means = {}
        for name in last:
            if name in COUNTS:
                means[name] = int(last[name])
            elif name in SUMS:
                means[name] = int(sum(row[name] for row in rows))
            else:
                values = [row[name] for row in taken]
                means[name] = float(np.mean(values)) if values else None
        return means

    def _write(self, record: Mapping[str, float | None]) -> None:
        if self._file is None:
            return
        self._file.write(json.dumps(record) + "\n")
        for name, value in record.items():
            if name != "step" and value is not None:
                self._board.add_scalar(name, value, record["step"])

    def _say(self, line: str) -> None:
        if self._file is not None:
            print(line, flush=True)


def _progress_line(record: Mapping[str, float | None], num_steps: int) -> str:
    step, speed = record["step"], record["steps_per_s"]
    loss = "-" if record["loss"] is None else f"{record['loss']:.5f}"
    rates = " ".join(
        f"{value:.2e}" for name, value in record.items() if name.startswith("rate_")
    )
    parts = [
        f"step {step}/{num_steps}",
        f"loss {loss}",
        f"rate {rates}",
        f"{speed:.2f} steps/s" if speed >= 1 else f"{1 / speed:.2f} s/step",
        f"data {record['data_wait_share']:.0%}",
        f"{_duration((num_steps - step) / speed)} left",
    ]
    parts += [f"{record['skipped']} skipped"] if record["skipped"] else []
    nonfinite = sum(record.get(name) or 0 for name in SUMS)
    parts += [f"{nonfinite} flows or offsets not finite"] if nonfinite else []
    return "  ".join(parts)


def _duration(seconds: float) -> str:
    """4 d 3 h, 3 h 12 min, 12 min 5 s or 5 s."""
    units = (("d", 86400), ("h", 3600), ("min", 60), ("s", 1))
    seconds = round(seconds)
    for i, (unit, size) in enumerate(units):
        if seconds >= size and unit != "s":
            next_unit, next_size = units[i + 1]
            rest = seconds % size // next_size
            return f"{seconds // size} {unit} {rest} {next_unit}"
    return f"{seconds} s"


def _cut_after(path: Path, step: int) -> None:
    """Removes the records of later steps, and a last line that is not whole."""
    if not path.exists():
        return
    kept = []
    for line in path.read_text().splitlines():
        try:
            record = json.loads(line)
        except json.JSONDecodeError:
            continue  # the process was killed while it wrote this line
        if record["step"] <= step:
            kept.append(f"{line}\n")
    write_whole(path, "".join(kept).encode())
