"""File to file: decoding, the network and encoding side by side."""

import os
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING

from bvsrpp_jax.background import Background
from bvsrpp_jax.media import ClipInfo, Frame, Source, create_clip, open_clip
from bvsrpp_jax.media.codecs import is_deep
from bvsrpp_jax.media.resizing import resize, sized
from bvsrpp_jax.restoration.plan import Plan

if TYPE_CHECKING:
    from bvsrpp_jax.restoration.restorer import Restorer

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


def restore_video(
    restorer: "Restorer",
    src: str | os.PathLike,
    dst: str | os.PathLike,
    *,
    start: float | Fraction | None,
    duration: float | Fraction | None,
    fps: float | Fraction | None,
    deinterlace: bool,
    codec: str | None,
    crf: int | None,
    pixel_format: str | None,
    size: tuple[int | None, int | None] | None,
    overwrite: bool,
    max_pixels: int,
    on_start: Callable[[Job], None] | None,
    on_progress: Callable[[int, int | None], None] | None,
    on_work: Callable[[float], None] | None,
) -> int:
    """`Restorer.restore_video`."""
    part = {"start": start, "duration": duration, "fps": fps}
    coding = {"codec": codec, "crf": crf, "pixel_format": pixel_format}
    deep = is_deep(pixel_format, deep=False)
    reading = {"deinterlace": deinterlace, "deep": deep, "max_pixels": max_pixels}
    with open_clip(src, **part, **reading) as source:
        job = _job(restorer, source, size)
        sink = create_clip(dst, source, job.result, **coding, overwrite=overwrite)
        with sink:
            if on_start is not None:
                on_start(job)
            count = 0
            for frame in _restored(restorer, source, job.plan, on_work):
                sink.write(resize(frame, job.result))
                count += 1
                if on_progress is not None:
                    on_progress(count, job.source.num_frames)
            sink.commit()
    return count


def _job(restorer: "Restorer", source: Source, wanted) -> Job:
    info, scale = source.info, restorer.model.scale
    # An estimate may be far too low, and would leave frames without neighbours.
    counted = info.num_frames if info.is_counted else None
    size = info.height, info.width
    plan = restorer.plan(size, dtype=info.dtype, num_frames=counted)
    result = replace(info, width=scale * info.width, height=scale * info.height)
    return Job(info, result if wanted is None else sized(result, wanted), plan)


def _restored(
    restorer: "Restorer", source: Source, plan: Plan, on_work
) -> Iterator[Frame]:
    times = deque()

    def pixels():
        for frame in source:
            times.append((frame.pts, frame.duration))
            yield frame.pixels

    with Background(pixels(), ahead=_DECODED_AHEAD) as decoded:
        stream = restorer.stream(decoded, plan=plan, on_work=on_work)
        with closing(Background(stream, ahead=2 * plan.chunk)) as restored:
            for output in restored:
                yield Frame(output, *times.popleft())
    if times:
        raise RuntimeError(f"{len(times)} frames went in and did not come out")
