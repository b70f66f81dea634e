"""Restores clips of any length and size: frames in, frames out, or file to file."""

import os
from collections.abc import Callable, Iterable, Iterator
from fractions import Fraction
from itertools import chain
from typing import Any

import jax
import numpy as np

from bvsrpp_jax.errors import InputError
from bvsrpp_jax.models.basicvsrpp import BasicVSRPlusPlus
from bvsrpp_jax.restoration.chunks import PASSES, make_programs, restore_in_chunks
from bvsrpp_jax.restoration.codes import check_frames
from bvsrpp_jax.restoration.plan import Plan, make_plan
from bvsrpp_jax.restoration.video import Job, restore_video
from bvsrpp_jax.restoration.window import Window, windows


class Restorer:
    """A network ready to restore clips, its programs compiled once for a frame size.

    A clip that is no longer than a window has the network's exact result, computed
    chunk by chunk; a longer one is restored window by window.

    Args:
      model: the network.
      params: its parameters.
      window: frames that are restored together, None for as many as memory allows up
        to 96.
      overlap: frames at either cut of a window that are restored but not kept, None
        for 6, or fewer in short windows.
      chunk: frames that the device holds at a time, None for 8, or fewer where memory
        is short.
    """

    def __init__(
        self,
        model: BasicVSRPlusPlus,
        params: Any,
        *,
        window: int | None = None,
        overlap: int | None = None,
        chunk: int | None = None,
    ):
        self.model, self.params = model, params
        self.window, self.overlap, self.chunk = window, overlap, chunk
        self._programs = make_programs(model)

    def __repr__(self) -> str:
        count = sum(leaf.size for leaf in jax.tree.leaves(self.params))
        return (
            f"Restorer(scale={self.model.scale}, {count:,} parameters,"
            f" mid_channels={self.model.mid_channels},"
            f" num_blocks={self.model.num_blocks},"
            f" window={self.window}, overlap={self.overlap}, chunk={self.chunk})"
        )

    def plan(
        self,
        size: tuple[int, int],
        *,
        dtype: np.dtype = np.uint8,
        num_frames: int | None = None,
    ) -> Plan:
        """How frames of a size (h, w) will be run.

        Raises:
          InputError: they do not fit into memory.
        """
        return make_plan(
            self.model,
            size,
            dtype=np.dtype(dtype),
            num_frames=num_frames,
            window=self.window,
            overlap=self.overlap,
            chunk=self.chunk,
        )

    def stream(
        self,
        frames: Iterable[np.ndarray],
        *,
        plan: Plan | None = None,
        on_work: Callable[[float], None] | None = None,
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
        cut = self.windows(chain([first], frames), plan)
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
        codec: str | None = None,
        crf: int | None = None,
        overwrite: bool = False,
        restart: bool = False,
        multihost: bool = False,
        on_start: Callable[[Job], None] | None = None,
        on_progress: Callable[[int, int | None], None] | None = None,
        on_work: Callable[[float], None] | None = None,
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
          codec, crf: encoder and its constant quality, None for good ones.
          overwrite: replace `dst` once the new one is complete.
          restart: forget what an interrupted call has done.
          multihost: all processes of the program, joined by `jax.distributed`, call
            this alike and share the work; `dst` is on a file system of all of them.
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
            codec=codec,
            crf=crf,
            overwrite=overwrite,
            restart=restart,
            multihost=multihost,
            on_start=on_start,
            on_progress=on_progress,
            on_work=on_work,
        )

    def windows(self, frames: Iterable[np.ndarray], plan: Plan) -> Iterator[Window]:
        """Cuts a clip into the windows of a plan, reading no more than it must.

        Raises:
          ValueError: a frame has another shape or type than the first.
        """
        frames = iter(frames)
        first = next(frames, None)
        if first is None:
            return
        checked = check_frames(np.asarray(first), frames)
        yield from windows(checked, size=plan.window, overlap=plan.overlap)

    def restore_windows(
        self,
        windows: Iterable[Window],
        plan: Plan,
        *,
        on_work: Callable[[float], None] | None = None,
    ) -> Iterator[tuple[Window, Iterator[np.ndarray]]]:
        """Restores windows, any of a clip's, in the order in which they come.

        Yields:
          A window and its kept frames, restored, as for `stream`; they are to be used
          up before the next window is asked for.

        Raises:
          InputError: the network's output is not finite.
        """
        for window in windows:
            yield window, self._restore_window(window, plan.chunk, on_work)

    def _restore_window(
        self, window: Window, length: int, on_work: Callable[[float], None] | None
    ) -> Iterator[np.ndarray]:
        count = len(window.frames)
        kept = range(count)[window.keep]

        def on_pass(frames: int) -> None:
            if on_work is not None:
                on_work(frames / PASSES * len(kept) / count)

        chunks = restore_in_chunks(
            self._programs, self.params, window.frames, length=length, on_pass=on_pass
        )
        restored = (pair for chunk in chunks for pair in zip(*chunk, strict=True))
        for i, (frame, finite) in enumerate(restored):
            if i not in kept:
                continue
            if not finite:
                raise InputError(
                    f"frame {window.start + i}: the network's output is not finite."
                    " Check the weights."
                )
            yield frame
