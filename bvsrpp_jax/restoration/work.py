"""A window's way through the engine: in tiles, under symmetries, on every device."""

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import nullcontext
from functools import partial
from itertools import islice
from pathlib import Path

import jax
import numpy as np

from bvsrpp_jax.errors import InputError
from bvsrpp_jax.restoration.chunks import num_passes
from bvsrpp_jax.restoration.devices import Devices
from bvsrpp_jax.restoration.engine import Engine
from bvsrpp_jax.restoration.ensemble import restore_ensemble
from bvsrpp_jax.restoration.plan import Plan
from bvsrpp_jax.restoration.spool import Spool
from bvsrpp_jax.restoration.tiles import Tile, blend, cut, tiles
from bvsrpp_jax.restoration.window import Window

Restored = Iterator[tuple[np.ndarray, np.ndarray]]  # chunks, and which are finite


class _Stopped(Exception):
    """Nobody wants the result any more."""


class WindowWork:
    """What restores the windows of a clip.

    Args:
      engine: the network's.
      plan: how.
      scratch: the folder of what waits on disk, None for a temporary one.
      on_work: called with the work done since it was called last, in frames.
    """

    def __init__(
        self,
        engine: Engine,
        plan: Plan,
        scratch: Path | None,
        on_work: Callable[[float], None] | None,
    ):
        self._engine, self._plan, self._scratch = engine, plan, scratch
        self._on_work = on_work
        self._counting, self._stopped = threading.Lock(), threading.Event()

    def one_by_one(
        self, windows: Iterable[Window], device: jax.Device
    ) -> Iterator[tuple[Window, Iterator[np.ndarray]]]:
        """Windows and their kept frames, as the chunks come from one device."""
        for window in windows:
            yield window, self._streamed(window, device)

    def live(
        self, shots: Iterable[Iterable[np.ndarray]], device: jax.Device
    ) -> Iterator[np.ndarray]:
        """The frames of every shot, each when the plan's lookahead has come."""
        index, plan = 0, self._plan
        for shot in shots:
            for frame, finite in self._engine.restore_live(
                shot,
                device=device,
                dtype=plan.dtype,
                lookahead=plan.lookahead,
                memory=plan.available.device,
            ):
                _check_finite(index, finite)
                self._count(1)
                yield frame
                index += 1

    def spread(
        self, windows: Iterable[Window], devices: Sequence[jax.Device]
    ) -> Iterator[tuple[Window, Iterator[np.ndarray]]]:
        """Windows and their kept frames, restored by all devices at the same time.

        A window is handed over when there is work behind it for every device, so that
        none is idle while the window's last tiles are at work; and no sooner than that
        the next one is read.
        """
        waiting = deque()
        with Devices(devices) as pool:
            try:
                for window in windows:
                    waiting.append((window, self._submit(pool, window)))
                    behind = sum(len(parts) for _, parts in islice(waiting, 1, None))
                    if behind >= len(devices):
                        window, parts = waiting.popleft()
                        yield window, self._joined(window, parts)
                while waiting:
                    window, parts = waiting.popleft()
                    yield window, self._joined(window, parts)
            finally:
                self._stopped.set()

    def _streamed(self, window: Window, device: jax.Device) -> Iterator[np.ndarray]:
        kept = range(len(window.frames))[window.keep]
        start = 0
        for output, finite in self._restore(device, window, window.frames, share=1):
            for index, frame in enumerate(output, start):
                if index in kept:
                    _check_finite(window.start + index, finite[index - start])
                    yield frame
            start += len(output)

    def _submit(self, pool: Devices, window: Window) -> deque[tuple[Tile, Future]]:
        """Hands out the tiles of a window."""
        size, plan = window.frames[0].shape[:2], self._plan
        places = [Tile(0, 0, 0, 0)]
        if plan.tile is not None:
            places = tiles(
                size,
                plan.tile,
                overlap=plan.tile_overlap,
                multiple=self._engine.model.feature_stride,
            )
        share = 1 / len(places)
        return deque(
            (tile, pool.submit(self._part, window, tile, share)) for tile in places
        )

    def _part(
        self, device: jax.Device, window: Window, tile: Tile, share: float
    ) -> tuple[np.ndarray, np.ndarray]:
        """A tile of a window's kept frames, and whether they are finite."""
        frames = window.frames
        if self._plan.tile is not None:
            frames = cut(frames, tile, self._plan.tile)
        chunks = list(self._restore(device, window, frames, share=share))
        outputs, finite = zip(*chunks, strict=True)
        return (
            np.concatenate(outputs)[window.keep],
            np.concatenate(finite)[window.keep],
        )

    def _joined(
        self, window: Window, parts: deque[tuple[Tile, Future]]
    ) -> Iterator[np.ndarray]:
        """The kept frames, when all their tiles are there."""
        h, w, _ = window.frames[0].shape
        scale, canvas, is_whole = self._engine.model.scale, None, len(parts) == 1
        while parts:
            tile, future = parts.popleft()  # what is blended need not wait any longer
            output, finite = future.result()
            for index, good in enumerate(finite, window.start + window.keep.start):
                _check_finite(index, good)
            if canvas is None and is_whole:
                canvas = output
            elif canvas is None:
                canvas = np.zeros((len(output), scale * h, scale * w, 3), output.dtype)
            if not is_whole:
                blend(canvas, output, tile, scale=scale)
        yield from canvas

    def _restore(
        self, device: jax.Device, window: Window, frames: Sequence, *, share: float
    ) -> Restored:
        """A window or a tile of it; `share` is its part of the window's work."""
        plan = self._plan
        kept = len(range(len(frames))[window.keep]) / len(frames)
        passes = num_passes(self._engine.model.branches)
        unit = share * kept / passes / plan.ensemble

        def on_pass(count: int) -> None:
            if self._stopped.is_set():
                raise _Stopped
            self._count(count * unit)

        restore = partial(self._restore_once, device, on_pass)
        if plan.ensemble > 1:
            restore = partial(restore_ensemble, restore, count=plan.ensemble)
        yield from restore(frames)

    def _restore_once(
        self, device: jax.Device, on_pass: Callable[[int], None], frames: Sequence
    ) -> Restored:
        """One result; what waits on disk goes with it."""
        plan = self._plan
        with Spool(self._scratch) if plan.on_disk else nullcontext() as spool:
            yield from self._engine.restore(
                frames,
                device=device,
                dtype=plan.dtype,
                chunk=plan.chunk,
                memory=plan.available.device,
                on_pass=on_pass,
                **({"hold": spool.hold} if plan.on_disk else {}),
            )

    def _count(self, frames: float) -> None:
        if self._on_work is not None:
            with self._counting:
                self._on_work(frames)


def _check_finite(index: int, finite: bool) -> None:
    if not finite:
        raise InputError(
            f"frame {index}: the network's output is not finite. Check the weights."
        )
