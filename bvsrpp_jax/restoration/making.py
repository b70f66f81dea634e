"""Makes the segments that are missing: decoding, network and encoding side by side."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from itertools import chain, islice
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from bvsrpp_jax.background import Background
from bvsrpp_jax.media import Frame, Segments, Source
from bvsrpp_jax.media.resizing import resize
from bvsrpp_jax.restoration.crew import Crew
from bvsrpp_jax.restoration.job import JobFolder
from bvsrpp_jax.restoration.plan import Plan
from bvsrpp_jax.restoration.window import Window

if TYPE_CHECKING:
    from bvsrpp_jax.restoration.restorer import Restorer
    from bvsrpp_jax.restoration.video import Job

_DECODED_AHEAD = 4
_LIVE_SEGMENT = 96  # frames of a segment where there are no windows


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


def make_missing(
    restorer: "Restorer",
    source: Source,
    job: "Job",
    segments: Segments,
    folder: JobFolder,
    crew: Crew,
    *,
    on_progress: Callable[[int, int | None], None] | None,
    on_work: Callable[[float], None] | None,
) -> None:
    """Makes the segments that are missing; of several processes, this one's share.

    Args:
      restorer: the network.
      source: the clip.
      job: what is made of it, and how.
      segments: writes them.
      folder: has what is done.
      crew: the processes.
      on_progress, on_work: as for `Restorer.restore_video`.
    """
    decoding, plan, count = _Decoding(source), job.plan, folder.num_done

    def on_frame() -> None:
        nonlocal count
        count += 1
        if on_progress is not None:
            on_progress(count, source.info.num_frames)

    with (
        Background(decoding, ahead=_DECODED_AHEAD) as decoded,
        _closed_on_failure(source),
    ):
        if plan.lookahead is None:
            windows = restorer.windows(decoded, plan)
            missing = _share(_missing(windows, decoding, folder), decoding, crew)
            stream = _restored(restorer, missing, plan, decoding, crew.of_all(on_work))
        else:
            results = restorer.stream(decoded, plan=plan, on_work=on_work)
            stream = _restored_live(results, decoding, folder)
        with (
            closing(Background(stream, ahead=2 * plan.chunk)) as restored,
            crew.watching(restored.close),
        ):
            sized = (r._replace(frame=resize(r.frame, job.result)) for r in restored)
            for first, frames in _by_segment(sized, on_frame):
                if decoding.length is not None:
                    folder.note_end(decoding.length)
                folder.write(segments, first, frames)
    if decoding.length is not None:
        folder.note_end(decoding.length)


@contextmanager
def _closed_on_failure(source: Source) -> Iterator[None]:
    """Ends decoding when nothing more is wanted: nobody waits for a slow decoder."""
    try:
        yield
    except BaseException:
        source.close()
        raise


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


def _restored_live(
    results: Iterator[np.ndarray], decoding: _Decoding, folder: JobFolder
) -> Iterator[_Restored]:
    """Frames that see little ahead, but all that came before: none can be left out.

    What is done is restored again, and not encoded again.
    """
    done = dict(folder.done)
    for index, pixels in enumerate(results):
        first = index - index % _LIVE_SEGMENT
        frame = decoding.take(index, pixels)
        if first not in done:
            yield _Restored(first, _LIVE_SEGMENT, frame)


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
