"""File to file: decoding, the network and encoding side by side.

The output is made segment by segment (`job.py`), so that a run may end at any moment
and the next one goes on; it is joined at the end.
"""

import json
import os
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import partial
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from bvsrpp_jax.background import Background
from bvsrpp_jax.errors import InputError
from bvsrpp_jax.media import (
    ClipInfo,
    Frame,
    Segments,
    Sink,
    Source,
    create_clip,
    open_clip,
)
from bvsrpp_jax.media.outputs import check_output
from bvsrpp_jax.media.segments import Damaged
from bvsrpp_jax.media.writer import encoder_threads
from bvsrpp_jax.restoration.crew import Crew
from bvsrpp_jax.restoration.job import JobFolder
from bvsrpp_jax.restoration.manifest import describe, from_json, to_json
from bvsrpp_jax.restoration.plan import Plan
from bvsrpp_jax.restoration.window import Window

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
      done: frames that an earlier run has restored.
    """

    source: ClipInfo
    result: ClipInfo
    plan: Plan
    done: int = 0


def restore_video(
    restorer: "Restorer",
    src: str | os.PathLike,
    dst: str | os.PathLike,
    *,
    start: float | Fraction | None,
    duration: float | Fraction | None,
    fps: float | Fraction | None,
    codec: str | None,
    crf: int | None,
    overwrite: bool,
    restart: bool,
    multihost: bool,
    on_start: Callable[[Job], None] | None,
    on_progress: Callable[[int, int | None], None] | None,
    on_work: Callable[[float], None] | None,
) -> int:
    """`Restorer.restore_video`."""
    part = {"start": start, "duration": duration, "fps": fps}
    coding = {"codec": codec, "crf": crf}
    with Crew(multihost=multihost) as crew, open_clip(src, **part) as source:
        info, scale = source.info, restorer.model.scale
        result = replace(info, width=scale * info.width, height=scale * info.height)
        create = partial(
            create_clip, dst, source, result, **coding, overwrite=overwrite
        )
        check_output(Path(dst), source=source.path, overwrite=overwrite)
        with JobFolder(Path(dst), is_owner=crew.is_main) as folder:
            # Tells at once what cannot be; a helper does not wait for the folder.
            with create(folder=folder.path if crew.is_main else None) as sink:
                pass
            description = describe(restorer, source.path, {**part, **coding})
            choose = partial(_choose, restorer, info)
            _begin(crew, folder, description, choose, restart=restart)
            threads = folder.manifest["threads"]
            plan = from_json(Plan, folder.manifest["plan"])
            job = Job(info, result, plan, folder.num_done)
            if on_start is not None:
                on_start(job)
            if not folder.is_complete:
                _restore(
                    restorer,
                    source,
                    sink.segments(threads=threads),
                    folder,
                    job,
                    crew,
                    on_progress=on_progress,
                    on_work=on_work,
                )
            crew.wait("restored")
            if crew.is_main:
                create = partial(create, folder=folder.path, threads=threads)
                _publish(create, folder, crew)
            crew.hear("published", 0)
    return folder.num_frames


def _begin(
    crew: Crew,
    folder: JobFolder,
    description: dict,
    choose: Callable[[], dict],
    *,
    restart: bool,
) -> None:
    """Process 0 starts the job or takes it up, the others follow."""
    if crew.is_main:
        folder.begin(description, choose, restart=restart)
        if crew.count > 1:
            token = crew.share_token(folder.path)
            crew.say("begun", json.dumps({"token": token, **folder.state()}))
    else:
        state = json.loads(crew.hear("begun", 0))
        crew.check_shared(folder.path, state["token"])
        folder.follow(description, state)
    crew.wait("ready")


def _publish(create: Callable[[], Sink], folder: JobFolder, crew: Crew) -> None:
    """Joins the segments, gives the output its name and removes the job."""
    crew.await_files(folder.is_all_there)
    if not folder.is_complete:
        raise RuntimeError(f"{folder.num_done} of {folder.num_frames} frames came out")
    with (
        warnings.catch_warnings(action="ignore"),  # told already
        create() as sink,
    ):
        try:
            sink.join(folder.segments())
        except Damaged as error:
            raise InputError(
                f"{folder.path}: a segment was damaged meanwhile: {error}. Start the"
                " same command again, which makes it anew."
            ) from error
        sink.commit()
    folder.remove()
    crew.say("published")


class _Restored(NamedTuple):
    """A frame that has come out of the network.

    Attributes:
      first, count: number of the first frame of its segment, and how many that has.
      frame: the frame.
    """

    first: int
    count: int
    frame: Frame


class _Decoding:
    """Iterates over the pixels of a clip, and keeps what else a frame has.

    Attributes:
      length: how many frames the clip has, None until its end is reached.
    """

    def __init__(self, source: Source):
        self._source, self._frames = source, {}
        self.length: int | None = None

    def __iter__(self) -> Iterator[np.ndarray]:
        index = -1
        for index, frame in enumerate(self._source):
            self._frames[index] = frame._replace(pixels=None)
            yield frame.pixels
        self.length = index + 1

    def take(self, index: int, pixels: np.ndarray) -> Frame:
        """A frame with other pixels; it is forgotten here."""
        return self._frames.pop(index)._replace(pixels=pixels)

    def drop(self, indices: Iterable[int]) -> None:
        """Forgets frames that are not wanted."""
        for index in indices:
            del self._frames[index]


def _choose(restorer: "Restorer", info: ClipInfo) -> dict:
    """What a new manifest holds of the machine's making."""
    # An estimate may be far too low, and would leave frames without neighbours.
    counted = info.num_frames if info.is_counted else None
    size = info.height, info.width
    plan = restorer.plan(size, dtype=info.dtype, num_frames=counted)
    return {"plan": to_json(plan), "threads": encoder_threads()}


def _restore(
    restorer: "Restorer",
    source: Source,
    segments: Segments,
    folder: JobFolder,
    job: Job,
    crew: Crew,
    *,
    on_progress: Callable[[int, int | None], None] | None,
    on_work: Callable[[float], None] | None,
) -> None:
    """Makes the segments that are missing."""
    decoding, plan, count = _Decoding(source), job.plan, job.done

    def on_frame() -> None:
        nonlocal count
        count += 1
        if on_progress is not None:
            on_progress(count, job.source.num_frames)

    with Background(decoding, ahead=_DECODED_AHEAD) as decoded:
        windows = restorer.windows(decoded, plan)
        missing = _share(_missing(windows, decoding, folder), decoding, crew)
        stream = _restored(restorer, missing, plan, decoding, crew.of_all(on_work))
        kept = plan.window - 2 * plan.overlap
        with (
            closing(Background(stream, ahead=kept)) as restored,
            crew.watching(restored.close),
        ):
            for first, frames in _by_segment(restored, on_frame):
                if decoding.length is not None:
                    folder.note_end(decoding.length)
                folder.write(segments, first, frames)
    if decoding.length is not None:
        folder.note_end(decoding.length)


def _missing(
    windows: Iterator[Window], decoding: _Decoding, folder: JobFolder
) -> Iterator[Window]:
    """The windows whose segments are not done; reads no further than the last one."""
    done = dict(folder.done)
    left = None if folder.num_frames is None else folder.num_frames - folder.num_done
    for window in windows:
        kept = _kept(window)
        if kept and kept[0] not in done:
            yield window
            left = None if left is None else left - len(kept)
        else:
            decoding.drop(kept)
        if left == 0:
            return


def _share(
    windows: Iterator[Window], decoding: _Decoding, crew: Crew
) -> Iterator[Window]:
    """Every so-manieth window: those that this process restores."""
    for number, window in enumerate(windows):
        if number % crew.count == crew.index:
            yield window
        else:
            decoding.drop(_kept(window))


def _restored(
    restorer: "Restorer",
    windows: Iterator[Window],
    plan: Plan,
    decoding: _Decoding,
    on_work: Callable[[float], None] | None,
) -> Iterator[_Restored]:
    for window, results in restorer.restore_windows(windows, plan, on_work=on_work):
        kept = _kept(window)
        for index, pixels in zip(kept, results, strict=True):
            yield _Restored(kept[0], len(kept), decoding.take(index, pixels))


def _kept(window: Window) -> range:
    """Numbers, in the clip, of the frames whose results are kept."""
    return range(window.start, window.start + len(window.frames))[window.keep]


def _by_segment(
    restored: Iterator[_Restored], on_frame: Callable[[], None]
) -> Iterator[tuple[int, Iterator[Frame]]]:
    """Number of the first frame, and the frames, of every segment.

    Knows where a segment ends before the next one begins: that may be minutes later.

    Args:
      restored: frames of whole segments.
      on_frame: called when a frame is written.
    """
    for item in restored:
        rest = islice(restored, item.count - 1)
        yield item.first, _frames(chain([item], rest), on_frame)


def _frames(
    restored: Iterator[_Restored], on_frame: Callable[[], None]
) -> Iterator[Frame]:
    for item in restored:
        yield item.frame
        on_frame()
