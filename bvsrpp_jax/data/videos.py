"""Windows out of video files.

A window starts at its frame exactly, told by timestamps. MP4, MOV, Matroska and WebM
are entered a second before it, at the key frame there; other containers have no index
to trust and are read from their beginning each time.
"""

from collections.abc import Iterator, Sequence
from contextlib import closing
from fractions import Fraction
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import numpy as np

from bvsrpp_jax.data.frame_files import VideoFiles
from bvsrpp_jax.data.sources import Clip, check_scale, check_window, scale_between
from bvsrpp_jax.errors import InputError
from bvsrpp_jax.media.color import UNSPECIFIED, assumed
from bvsrpp_jax.media.container import decodable_video, open_container
from bvsrpp_jax.media.failures import as_fraction, told_as
from bvsrpp_jax.media.reader import VideoReader


class Video(NamedTuple):
    """A video file and when each of its frames is shown.

    Attributes:
      path: the file.
      num_frames: how many it has.
      zero: when it starts, in seconds of the file's clock.
      times: when each frame is shown, on that clock; None where packets do not tell.
      matrix: of its colours (ITU-T H.273), assumed by its height if it is not tagged.
      is_tagged: whether the file says so itself.
    """

    path: Path
    num_frames: int
    zero: Fraction = Fraction(0)
    times: tuple[Fraction, ...] | None = None
    matrix: int = UNSPECIFIED
    is_tagged: bool = True


class IndexedVideos(NamedTuple):
    """A clip: the video of its ground truth, and that of its input if stored."""

    name: str
    gt: Video
    lq: Video | None


class VideoClips:
    """Clips that are stored as video files.

    Args:
      videos: the clips, from `index_videos`.

    Attributes:
      clips: their names and lengths.

    Raises:
      InputError: ground truth and input do not fit together.
    """

    def __init__(self, videos: Sequence[IndexedVideos]):
        self._videos = tuple(videos)
        self.clips = tuple(Clip(v.name, v.gt.num_frames) for v in self._videos)
        for _, gt, lq in self._videos:
            if lq is not None and lq.num_frames != gt.num_frames:
                raise InputError(
                    f"{lq.path}: has {lq.num_frames} frames, its ground truth"
                    f" {gt.num_frames}. They must be the same frames."
                )
            if lq is not None:
                _check_colors(gt, lq)
        _, self._scale = self.size(0)

    def read(self, clip: int, start: int, stop: int) -> dict[str, np.ndarray]:
        """See `ClipSource.read`."""
        check_window(self.clips[clip], start, stop)
        _, gt, lq = self._videos[clip]
        window = {"gt": _read_window(gt, start, stop)}
        if lq is not None:
            window["lq"] = _read_window(lq, start, stop)
            sizes = window["gt"].shape[1:3], window["lq"].shape[1:3]
            check_scale(self._scale, *sizes, name=lq.path)
        return window

    def frames(self, clip: int) -> Iterator[dict[str, np.ndarray]]:
        """All frames in order, each [h, w, 3] as of `read`, with every file read once.

        Windows one after the other would be decoded from a key frame on each.
        """
        _, gt, lq = self._videos[clip]
        if lq is None:
            yield from ({"gt": frame} for frame in _read_all(gt))
            return
        with closing(_read_all(lq)) as inputs:
            for truth in _read_all(gt):
                degraded = next(inputs)
                check_scale(
                    self._scale, truth.shape[:2], degraded.shape[:2], name=lq.path
                )
                yield {"gt": truth, "lq": degraded}

    def size(self, clip: int) -> tuple[tuple[int, int], int | None]:
        """See `StoredClips.size`; decodes the first frame."""
        _, gt, lq = self._videos[clip]
        size = _read_window(gt, 0, 1).shape[1:3]
        if lq is None:
            return size, None
        lq_size = _read_window(lq, 0, 1).shape[1:3]
        return size, scale_between(size, lq_size, name=lq.path)

    def only(self, clip: int) -> "VideoClips":
        """A source of one of the clips."""
        return VideoClips(self._videos[clip : clip + 1])


def index_videos(files: Sequence[VideoFiles]) -> list[IndexedVideos]:
    """Reads every file once, without decoding where its packets have timestamps.

    Raises:
      InputError: a file is no video, or has no frames.
    """
    return [IndexedVideos(f.name, _index(f.gt), f.lq and _index(f.lq)) for f in files]


def _index(path: Path) -> Video:
    with open_container(path) as container:
        stream = decodable_video(container, path)
        unit = as_fraction(stream.time_base)
        zero = (stream.start_time or 0) * unit
        tag = int(stream.codec_context.colorspace)
        matrix = assumed(stream.height).matrix if tag == UNSPECIFIED else tag
        colors = {"matrix": matrix, "is_tagged": tag != UNSPECIFIED}
        pts = _shown_at(container, stream, path)
    if pts is None:  # raw and program streams: only decoding tells
        with VideoReader(path) as reader:
            return Video(path, sum(1 for _ in reader), **colors)
    if not pts:
        raise InputError(f"{path}: has no video frames. Give another file.")
    times = tuple(moment * unit for moment in pts)
    return Video(path, len(pts), zero, times, **colors)


def _check_colors(gt: Video, lq: Video) -> None:
    """A pair that is decoded with two matrices, one of them a guess, is no pair."""
    if gt.matrix != lq.matrix and not (gt.is_tagged and lq.is_tagged):
        untagged, other = (lq, gt) if gt.is_tagged else (gt, lq)
        raise InputError(
            f"{untagged.path}: does not say which matrix its colours have, and by its"
            f" height it is another than that of {other.path.name}. Tag both alike, or"
            " extract their pictures."
        )


def _shown_at(container, stream, path: Path) -> list[int] | None:
    """Sorted timestamps of the packets that are shown; None if one has none."""
    pts = []
    with told_as(path, "is damaged", "Get an undamaged copy."):
        for packet in container.demux(stream):
            if packet.size and packet.pts is None:
                return None
            if packet.size and not packet.is_discard:
                pts.append(packet.pts)
    return sorted(pts)


def _read_window(video: Video, start: int, stop: int) -> np.ndarray:
    seek = None
    if start and video.times is not None:
        seek = video.times[start] - video.zero
    with VideoReader(video.path, start=seek) as reader:
        _check_depth(video, reader)
        skipped = start if seek is None else 0
        frames = list(islice(reader, skipped, skipped + stop - start))
        first = Fraction(0) if seek is None else reader.excerpt.start
        times = [first + frame.pts * reader.info.time_base for frame in frames]
    _check_times(video, start, stop, times)
    return np.stack([frame.pixels for frame in frames])


def _read_all(video: Video) -> Iterator[np.ndarray]:
    times = []
    with VideoReader(video.path) as reader:
        _check_depth(video, reader)
        for frame in islice(reader, video.num_frames):
            times.append(frame.pts * reader.info.time_base)
            yield frame.pixels
    _check_times(video, 0, video.num_frames, times)


def _check_depth(video: Video, reader: VideoReader) -> None:
    if reader.info.deep:
        raise InputError(
            f"{video.path}: has more than 8 bits a sample. Convert it to 8 bits."
        )


def _check_times(video: Video, start: int, stop: int, times: list[Fraction]) -> None:
    """A seek that lands elsewhere would pair the wrong frames in silence."""
    if len(times) < stop - start:
        raise InputError(
            f"{video.path}: ends after {start + len(times)} frames, not"
            f" {video.num_frames}. Get an undamaged copy."
        )
    wanted = times if video.times is None else video.times[start:stop]
    for number, (found, expected) in enumerate(zip(times, wanted, strict=True), start):
        if found != expected:
            raise InputError(
                f"{video.path}: frame {number} is not where the file's index has it."
                " Remux the file, or extract its pictures."
            )
