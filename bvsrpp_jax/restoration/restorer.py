"""Restores clips of any length and size: frames in, frames out, or file to file."""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from bvsrpp_jax.background import Background
from bvsrpp_jax.errors import InputError
from bvsrpp_jax.media import ClipInfo, Frame, Source, create_clip, open_clip
from bvsrpp_jax.models.basicvsrpp import BasicVSRPlusPlus
from bvsrpp_jax.restoration.codes import check_frames, from_float, to_float
from bvsrpp_jax.restoration.padding import crop, pad
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
    """A network ready to restore clips, one program compiled for every frame size.

    Args:
      model: the network.
      params: its parameters.
      window: frames that go through the network together, None for as many as memory
        allows up to 32.
      overlap: frames at either cut of a window that are restored but not kept, None
        for 6, or fewer in short windows.
    """

    def __init__(
        self,
        model: BasicVSRPlusPlus,
        params: Any,
        *,
        window: int | None = None,
        overlap: int | None = None,
    ):
        self.model, self.params = model, params
        self.window, self.overlap = window, overlap
        self._apply = jax.jit(self._restore)

    def __repr__(self) -> str:
        count = sum(leaf.size for leaf in jax.tree.leaves(self.params))
        return (
            f"Restorer(scale={self.model.scale}, {count:,} parameters,"
            f" mid_channels={self.model.mid_channels},"
            f" num_blocks={self.model.num_blocks},"
            f" window={self.window}, overlap={self.overlap})"
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
        )

    def stream(
        self, frames: Iterable[np.ndarray], *, plan: Plan | None = None
    ) -> Iterator[np.ndarray]:
        """Restores frames as they come; memory does not grow with their number.

        Args:
          frames: [h, w, 3] RGB, all of one size and type: uint8 or uint16 over the
            whole range of the type, or floating point in [0, 1].
          plan: how to run them, None to plan by the first frame.

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
            yield from self._restore_window(window)

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
        on_start: Callable[[Job], None] | None = None,
        on_progress: Callable[[int, int | None], None] | None = None,
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
          on_start: called once, before anything is compiled.
          on_progress: called with the number of frames written and how many are
            expected (an estimate for some containers, None if not known).

        Returns:
          The number of frames.

        Raises:
          InputError: the input or the settings do not allow it; one line says why.
        """
        with open_clip(src, start=start, duration=duration, fps=fps) as source:
            job = self._job(source)
            sink = create_clip(
                dst, source, job.result, codec=codec, crf=crf, overwrite=overwrite
            )
            with sink:
                if on_start is not None:
                    on_start(job)
                count = 0
                for frame in self._restored(source, job.plan):
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

    def _restored(self, source: Source, plan: Plan) -> Iterator[Frame]:
        """Decoding, the network and the caller's encoding run side by side."""
        times = deque()

        def pixels():
            for frame in source:
                times.append(frame.pts)
                yield frame.pixels

        kept = plan.window - 2 * plan.overlap
        with Background(pixels(), ahead=_DECODED_AHEAD) as decoded:
            stream = self.stream(decoded, plan=plan)
            with closing(Background(stream, ahead=kept)) as restored:
                for output in restored:
                    yield Frame(output, times.popleft())
        if times:
            raise RuntimeError(f"{len(times)} frames went in and did not come out")

    def _restore_window(self, window: Window) -> Iterator[np.ndarray]:
        output, finite = self._apply(self.params, np.stack(window.frames))
        finite = np.asarray(finite)[window.keep]
        if not finite.all():
            bad = window.start + window.keep.start + np.flatnonzero(~finite)
            raise InputError(
                f"frames {bad[0]} to {bad[-1]}: the network's output is not finite."
                " Check the weights."
            )
        yield from np.asarray(output)[window.keep]

    def _restore(self, params: Any, frames: jax.Array) -> tuple[jax.Array, jax.Array]:
        """[t, h, w, 3] -> the restored frames of the same kind, [t] finite or not."""
        model = self.model
        lq = pad(
            to_float(frames), min_side=model.min_side, multiple=model.side_multiple
        )
        output = model.apply({"params": params}, lq[None])[0]
        output = crop(output, frames.shape[1:3], scale=model.scale)
        finite = jnp.isfinite(output).all((1, 2, 3))
        return from_float(output, frames.dtype), finite
