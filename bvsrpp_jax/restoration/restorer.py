"""Restores clips of any length and size: frames in, frames out, or file to file."""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import jax
import numpy as np

from bvsrpp_jax.background import Background
from bvsrpp_jax.errors import InputError
from bvsrpp_jax.media import (
    MAX_PIXELS,
    ClipInfo,
    Frame,
    Source,
    create_clip,
    open_clip,
)
from bvsrpp_jax.models.basicvsrpp import BasicVSRPlusPlus
from bvsrpp_jax.restoration.chunks import PASSES, make_programs, restore_in_chunks
from bvsrpp_jax.restoration.codes import check_frames
from bvsrpp_jax.restoration.plan import Plan, make_plan
from bvsrpp_jax.restoration.window import Window, windows

_DECODED_AHEAD = 4


@dataclass(frozen=True)
class Job:
    """A file about to be restored.

    Attributes:
      source: what the input is.
      result: what the output will be.
      plan: how the network is run.
    """

    source: ClipInfo
    result: ClipInfo
    plan: Plan


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
        checked = check_frames(first, frames)
        for window in windows(checked, size=plan.window, overlap=plan.overlap):
            yield from self._restore_window(window, plan.chunk, on_work)

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
        max_pixels: int = MAX_PIXELS,
        on_start: Callable[[Job], None] | None = None,
        on_progress: Callable[[int, int | None], None] | None = None,
        on_work: Callable[[float], None] | None = None,
    ) -> int:
        """Restores a video file or a folder of pictures into another.

        Sound, subtitles, timestamps and colour tags are kept. The output appears under
        its name when it is complete; otherwise nothing is left.

        Args:
          src: a video file, a folder of pictures or a picture.
          dst: a video file by its suffix, a `.png`, or a folder.
          start, duration: the part to restore, in seconds.
          fps: frames a second of pictures, None is 25.
          codec, crf: encoder and its constant quality, None for good ones.
          overwrite: replace `dst` once the new one is complete.
          max_pixels: of an input frame; larger ones are refused undecoded.
          on_start: called once, before anything is compiled.
          on_progress: called with the number of frames written and how many are
            expected (an estimate for some containers, None if not known).
          on_work: as for `stream`; called from another thread.

        Returns:
          The number of frames.

        Raises:
          InputError: the input or the settings do not allow it; one line says why.
        """
        part = {"start": start, "duration": duration, "fps": fps}
        with open_clip(src, **part, max_pixels=max_pixels) as source:
            job = self._job(source)
            sink = create_clip(
                dst, source, job.result, codec=codec, crf=crf, overwrite=overwrite
            )
            with sink:
                if on_start is not None:
                    on_start(job)
                count = 0
                for frame in self._restored(source, job.plan, on_work):
                    sink.write(frame)
                    count += 1
                    if on_progress is not None:
                        on_progress(count, job.source.num_frames)
                sink.commit()
        return count

    def _job(self, source: Source) -> Job:
        info, scale = source.info, self.model.scale
        # An estimate may be far too low, and would leave frames without neighbours.
        counted = info.num_frames if info.is_counted else None
        size = info.height, info.width
        plan = self.plan(size, dtype=info.dtype, num_frames=counted)
        result = replace(info, width=scale * info.width, height=scale * info.height)
        return Job(info, result, plan)

    def _restored(self, source: Source, plan: Plan, on_work) -> Iterator[Frame]:
        """Decoding, the network and the caller's encoding run side by side."""
        times = deque()

        def pixels():
            for frame in source:
                times.append(frame.pts)
                yield frame.pixels

        kept = plan.window - 2 * plan.overlap
        with Background(pixels(), ahead=_DECODED_AHEAD) as decoded:
            stream = self.stream(decoded, plan=plan, on_work=on_work)
            with closing(Background(stream, ahead=kept)) as restored:
                for output in restored:
                    yield Frame(output, times.popleft())
        if times:
            raise RuntimeError(f"{len(times)} frames went in and did not come out")

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
