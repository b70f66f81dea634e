"""Restores clips of any length and size: frames in, frames out, or file to file."""

import os
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from copy import copy
from dataclasses import replace
from fractions import Fraction
from itertools import chain, repeat
from pathlib import Path
from typing import Any

import jax
import numpy as np

from bvsrpp_jax.errors import InputError
from bvsrpp_jax.media import MAX_PIXELS
from bvsrpp_jax.models.basicvsrpp import BasicVSRPlusPlus
from bvsrpp_jax.restoration.codes import check_frames
from bvsrpp_jax.restoration.engine import Engine
from bvsrpp_jax.restoration.memory import Memory, available_memory
from bvsrpp_jax.restoration.plan import Clip, Plan, Wishes, devices_for, make_plan
from bvsrpp_jax.restoration.shots import shots
from bvsrpp_jax.restoration.speed import seconds_per_frame
from bvsrpp_jax.restoration.spool import Spool
from bvsrpp_jax.restoration.video import Job, restore_video
from bvsrpp_jax.restoration.window import Window, by_shot, windows_of_shots
from bvsrpp_jax.restoration.work import WindowWork

OnWork = Callable[[float], None]


class Restorer:
    """A network ready to restore clips, its programs compiled once for a frame size.

    A clip that is no longer than a window has the network's exact result, computed
    chunk by chunk; a longer one is restored window by window, frames that are too large
    for memory tile by tile.

    Args:
      model: the network.
      params: its parameters.
      window: frames that are restored together, None for as many as memory allows up
        to 96.
      overlap: frames at either cut of a window that are restored but not kept, None
        for 6, or fewer in short windows.
      chunk: frames that a device holds at a time, None for 8, or fewer where memory is
        short.
      exact: restore whole clips, whatever their length; on disk if need be.
      tile: longest side of a tile in pixels, 0 for whole frames, None for as large as
        memory allows.
      dtype: "float32" or "bfloat16" for the computation, None for the network's own.
      lookahead: restore each frame as soon as so many after it have come, for live
        use: the backward branches see no further. None is no such bound.
      shots: whether cuts are found and nothing is carried across them.
      ensemble: the mean of how many results: 8 flips and transpositions, 2 directions
        of time, 16 both, 1 none.
      memory: bytes of a device that may be used, None for what is free.
      scratch: a folder where frames and features may wait, None for a temporary one
        that is used for `exact` alone.
      devices: which share the work, None for all of this process.

    Raises:
      InputError: options contradict each other, or `scratch` is no folder.
    """

    def __init__(
        self,
        model: BasicVSRPlusPlus,
        params: Any,
        *,
        window: int | None = None,
        overlap: int | None = None,
        chunk: int | None = None,
        exact: bool = False,
        tile: int | None = None,
        dtype: str | None = None,
        lookahead: int | None = None,
        shots: bool = True,
        ensemble: int = 1,
        memory: int | None = None,
        scratch: str | os.PathLike | None = None,
        devices: Sequence[jax.Device] | None = None,
    ):
        self.model, self.params = model, params
        self.wishes = Wishes(
            window=window,
            overlap=overlap,
            chunk=chunk,
            exact=exact,
            tile=tile,
            dtype=dtype,
            lookahead=lookahead,
            shots=shots,
            ensemble=ensemble,
            disk=exact or scratch is not None,
        )
        self.wishes.check()
        self._memory = memory
        self._scratch = None if scratch is None else Path(scratch)
        if scratch is not None and not self._scratch.is_dir():
            raise InputError(f"{scratch}: is no folder. Create it or name another.")
        self._devices = list(devices or jax.local_devices())
        self._engine = Engine(model, params)

    def __repr__(self) -> str:
        count = sum(leaf.size for leaf in jax.tree.leaves(self.params))
        chosen = "".join(
            f", {name}={value}"
            for name, value in vars(self.wishes).items()
            if value != getattr(Wishes, name)
        )
        return (
            f"Restorer(scale={self.model.scale}, {count:,} parameters,"
            f" mid_channels={self.model.mid_channels},"
            f" num_blocks={self.model.num_blocks}{chosen})"
        )

    def exactly(self) -> "Restorer":
        """The same network and precision over whole shots and frames."""
        exact = copy(self)
        exact.wishes = Wishes(
            chunk=self.wishes.chunk,
            exact=True,
            dtype=self.wishes.dtype,
            shots=self.wishes.shots,
            ensemble=self.wishes.ensemble,
            disk=True,
        )
        return exact

    def plan(
        self,
        size: tuple[int, int],
        *,
        dtype: np.dtype = np.uint8,
        num_frames: int | None = None,
    ) -> Plan:
        """How frames of a size (h, w) and type will be restored.

        Raises:
          InputError: they do not fit into memory.
        """
        return make_plan(
            self.model,
            Clip(tuple(size), np.dtype(dtype), num_frames),
            self.wishes,
            num_devices=len(self._devices),
            available=self._available_memory(),
        )

    def here(self, plan: Plan) -> Plan:
        """A plan that was made elsewhere or earlier, with the devices of today."""
        available, most = self._available_memory(), len(self._devices)
        if plan.on_disk or plan.lookahead is not None:
            most = 1
        if not available.holds(plan.needed):
            warnings.warn(
                "the plan of the earlier run needs more memory than there is now;"
                " --restart makes another",
                stacklevel=2,
            )
        return replace(plan, devices=devices_for(plan.needed, available, most))

    def _available_memory(self) -> Memory:
        return available_memory(self._memory, self._scratch or Spool.usual_folder())

    def seconds_per_frame(self, plan: Plan, size: tuple[int, int]) -> float:
        """How long a frame of a size (h, w) is expected to take, without compiling."""
        return seconds_per_frame(self.model, self.params, plan, size, self._devices[0])

    def bytes_asked(self) -> int | None:
        """What the compiled programs ask for on a device; None before compiling."""
        return self._engine.bytes_asked()

    def stream(
        self,
        frames: Iterable[np.ndarray],
        *,
        plan: Plan | None = None,
        on_work: OnWork | None = None,
    ) -> Iterator[np.ndarray]:
        """Restores frames as they come; memory does not grow with their number.

        Args:
          frames: [h, w, 3] RGB, all of one size and type: uint8 or uint16 over the
            whole range of the type, or floating point in [0, 1].
          plan: how to run them, None to plan by the first frame.
          on_work: called now and then with the work done since it was called last, in
            frames: a window's results come late, after most of its work.

        Yields:
          [scale * h, scale * w, 3] for every frame: of the same integer type, rounded
          and clipped; or float32 as the network gives it, not clipped.

        Raises:
          ValueError: a frame has another shape or type than the first.
          InputError: the frames do not fit into memory, or the network's output is not
            finite.
        """
        frames = iter(frames)
        first = next(frames, None)
        if first is None:
            return
        first = np.asarray(first)
        if plan is None:
            plan = self.plan(first.shape[:2], dtype=first.dtype)
        frames = chain([first], frames)
        if plan.lookahead is not None:
            yield from self._restore_live(frames, plan, on_work)
            return
        cut = self.windows(frames, plan)
        for _, restored in self.restore_windows(cut, plan, on_work=on_work):
            yield from restored

    def restore_video(
        self,
        src: str | os.PathLike,
        dst: str | os.PathLike,
        *,
        start: float | Fraction | None = None,
        duration: float | Fraction | None = None,
        fps: float | Fraction | None = None,
        deinterlace: bool = False,
        codec: str | None = None,
        crf: int | None = None,
        pixel_format: str | None = None,
        size: tuple[int | None, int | None] | None = None,
        overwrite: bool = False,
        restart: bool = False,
        multihost: bool = False,
        max_pixels: int = MAX_PIXELS,
        on_start: Callable[[Job], None] | None = None,
        on_progress: Callable[[int, int | None], None] | None = None,
        on_work: OnWork | None = None,
    ) -> int:
        """Restores a video file or a folder of pictures into another.

        Sound, subtitles, timestamps and colour tags are kept. The output appears under
        its name when it is complete. Meanwhile finished windows are kept in a hidden
        folder beside it, `.<name>.job`: the same call after an interruption goes on
        from there, with the same result.

        Args:
          src: a video file, a folder of pictures or a picture.
          dst: a video file by its suffix, a `.png`, or a folder.
          start, duration: the part to restore, in seconds.
          fps: frames a second of pictures, None is 25.
          deinterlace: make frames of one moment of interlaced ones.
          codec, crf, pixel_format: encoder, its constant quality and what it encodes,
            None for good ones.
          size: width and height of the output, None for the network's; one of them
            None for what keeps the shape.
          overwrite: replace `dst` once the new one is complete.
          restart: forget what an interrupted call has done.
          multihost: all processes of the program, joined by `jax.distributed`, call
            this alike and share the work; `dst` is on a file system of all of them.
          max_pixels: of an input frame; larger ones are refused undecoded.
          on_start: called once, before anything is compiled.
          on_progress: called with the number of frames written and how many are
            expected (an estimate for some containers, None if not known).
          on_work: as for `stream`; called from another thread.

        Returns:
          The number of frames.

        Raises:
          InputError: the input or the settings do not allow it, or are not those of an
            interrupted call; one line says why.
        """
        return restore_video(
            self,
            src,
            dst,
            start=start,
            duration=duration,
            fps=fps,
            deinterlace=deinterlace,
            codec=codec,
            crf=crf,
            pixel_format=pixel_format,
            size=size,
            overwrite=overwrite,
            restart=restart,
            multihost=multihost,
            max_pixels=max_pixels,
            on_start=on_start,
            on_progress=on_progress,
            on_work=on_work,
        )

    def windows(self, frames: Iterable[np.ndarray], plan: Plan) -> Iterator[Window]:
        """Cuts a clip into the windows of a plan, reading no more than it must.

        Raises:
          ValueError: a frame has another shape or type than the first.
        """
        marked = self._marked(frames, plan)
        if plan.on_disk:
            # Not closed here: devices may read when the last window is handed out.
            spool = Spool(self._scratch)
            marked = ((spool.hold(frame), begins) for frame, begins in marked)
        yield from windows_of_shots(marked, size=plan.window, overlap=plan.overlap)

    def restore_windows(
        self,
        windows: Iterable[Window],
        plan: Plan,
        *,
        on_work: OnWork | None = None,
    ) -> Iterator[tuple[Window, Iterator[np.ndarray]]]:
        """Restores windows, any of a clip's, in the order in which they come.

        Several devices work at different windows or tiles at the same time, and so a
        few windows ahead.

        Yields:
          A window and its kept frames, restored, as for `stream`; they are to be used
          up before the next window is asked for.

        Raises:
          InputError: the network's output is not finite.
        """
        work = WindowWork(self._engine, plan, self._scratch, on_work)
        if plan.devices == 1 and plan.tile is None:
            for window in windows:
                yield window, work.streamed(window, self._devices[0])
        else:
            yield from work.spread(windows, self._devices[: plan.devices])

    def _marked(
        self, frames: Iterable[np.ndarray], plan: Plan
    ) -> Iterator[tuple[np.ndarray, bool]]:
        """Every frame, checked, and whether a shot begins with it."""
        frames = iter(frames)
        first = next(frames, None)
        if first is None:
            return
        checked = check_frames(np.asarray(first), frames)
        if plan.shots:
            yield from shots(checked)
        else:
            yield from zip(checked, chain([True], repeat(False)), strict=False)

    def _restore_live(
        self, frames: Iterable[np.ndarray], plan: Plan, on_work: OnWork | None
    ) -> Iterator[np.ndarray]:
        work, start = WindowWork(self._engine, plan, self._scratch, on_work), 0
        for shot in by_shot(self._marked(frames, plan)):
            for frame in work.live(shot, self._devices[0], start=start):
                yield frame
                start += 1
