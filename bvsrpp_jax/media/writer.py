"""Writes a video file that appears under its name when it is complete.

Frames are encoded as they come (`VideoWriter.write`), or segment by segment with an
encoder for each (`VideoSegments`), and joined at the end (`VideoWriter.join`).
"""

import io
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Self

import av

from bvsrpp_jax.errors import InputError
from bvsrpp_jax.media.clip import ClipInfo, Frame
from bvsrpp_jax.media.codecs import (
    choose_pixel_format,
    container_of,
    find_encoder,
    is_deep,
    quality_options,
)
from bvsrpp_jax.media.copying import StreamCopier
from bvsrpp_jax.media.decoding import Excerpt
from bvsrpp_jax.media.failures import as_fraction, told_as
from bvsrpp_jax.media.hdr import light_options
from bvsrpp_jax.media.pixels import YuvEncoder
from bvsrpp_jax.media.segments import (
    SegmentFile,
    decoding_times,
    read_packets,
    read_seal,
)
from bvsrpp_jax.partial import PartialFile

_WHOLE = Excerpt()
_MOST_THREADS = 16  # what x265 takes; more gain little within one picture


class VideoWriter:
    """Encodes frames, and copies everything else of the source.

    A context manager: leaving it without `commit` removes what was written.

    Args:
      path: the output; its suffix decides the container.
      info: what the frames to be written are.
      codec: FFmpeg's name of the encoder, None for the container's usual one.
      crf: constant quality, lower is better; None for `codecs.DEFAULT_CRF`.
      pixel_format: FFmpeg's name of it, None for what suits the frames.
      threads: of the encoder, None for one a processor. The bytes of x264 and the
        header of x265 depend on it.
      folder: where the file lies until it is complete, None is beside `path`.
      copy_from: the file whose sound, subtitles and chapters are copied, if any.
      excerpt: the part of it that is kept.

    Raises:
      InputError: the encoder or the container cannot hold this, or nothing can be
        written there.
    """

    def __init__(
        self,
        path: Path,
        info: ClipInfo,
        *,
        codec: str | None = None,
        crf: int | None = None,
        pixel_format: str | None = None,
        threads: int | None = None,
        folder: Path | None = None,
        copy_from: Path | None = None,
        excerpt: Excerpt = _WHOLE,
    ):
        muxer, usual = container_of(path, deep=is_deep(pixel_format, deep=info.deep))
        encoder = find_encoder(codec or usual)
        options = _merged(
            quality_options(encoder.name, crf), light_options(encoder.name, info.light)
        )
        self._settings = path, info, encoder, options, pixel_format
        self._path, self._info, self._muxer = path, info, muxer
        self._num_frames = self._num_packets = 0
        self._container = self._copier = None
        with told_as(path, "cannot be written here", "Choose another folder."):
            self._partial = PartialFile(path, folder)
        try:
            self._container = av.open(self._partial.handle, "w", format=muxer)
            self._encoder = _Encoder(self._container, *self._settings, threads)
            if copy_from is not None:
                self._copier = StreamCopier(
                    copy_from, self._container, target=path, excerpt=excerpt
                )
            with self._told_as(f"{encoder.name} refuses these settings"):
                self._container.start_encoding()
        except BaseException:
            self._discard()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_) -> None:
        self._discard()

    def write(self, frame: Frame) -> None:
        """Encodes one frame; timestamps must grow.

        Raises:
          InputError: the disk is full, or the encoder fails.
        """
        with self._told_as("cannot be written"):
            self._mux(self._encoder.encode(frame))
        self._num_frames += 1

    def segments(self, *, threads: int) -> "VideoSegments":
        """Encodes parts of this output, also after the writer is closed."""
        return VideoSegments(self._muxer, self._settings, self._encoder.to_yuv, threads)

    def join(self, paths: Sequence[Path]) -> None:
        """Writes all frames of a clip from its segments, in their order.

        Raises:
          InputError: the disk is full, or a segment is of another encoder.
          Damaged: a segment is not what was written.
        """
        seals = [read_seal(path) for path in paths]
        for path, seal in zip(paths, seals, strict=True):
            if seal.extradata != self._encoder.extradata:
                raise InputError(
                    f"{path}: is of another encoder or version. Pass --restart."
                )
        times = decoding_times([seal.pts for seal in seals])
        with self._told_as("cannot be written"):
            for path in paths:
                for packet in read_packets(path, self._info.time_base):
                    packet.dts, packet.stream = next(times), self._encoder.stream
                    self._mux([packet])
        self._num_frames += sum(seal.num_frames for seal in seals)

    def commit(self) -> None:
        """Completes the file and gives it its name.

        Raises:
          InputError: the disk is full.
        """
        with self._told_as("cannot be completed"):
            self._mux(self._encoder.flush())
            if self._copier is not None:
                self._copier.finish()
            self._container.close()
            _check_count(self._path, self._num_frames, self._num_packets)
            self._partial.publish()

    def _mux(self, packets: Iterable[av.Packet]) -> None:
        for packet in packets:
            now = packet.dts * as_fraction(packet.time_base)
            self._container.mux(packet)
            self._num_packets += 1
            if self._copier is not None:
                self._copier.copy_until(now)

    def _told_as(self, problem: str):
        return told_as(self._path, problem, "Nothing is left behind.")

    def _discard(self) -> None:
        """Does nothing after `commit`."""
        if self._copier is not None:
            self._copier.close()
        self._partial.discard()  # first, so that closing writes no trailer
        if self._container is not None:
            self._container.close()


class VideoSegments:
    """Encodes stretches of a clip, each with an encoder of its own.

    Every segment begins with a key frame and refers to no other; settings, number of
    threads and so the bytes are the same whoever encodes it, and when.
    """

    def __init__(self, muxer: str, settings: tuple, to_yuv: YuvEncoder, threads: int):
        self._muxer, self._path = muxer, settings[0]
        self._settings = *settings, threads, to_yuv

    def write(
        self, path: Path, frames: Iterable[Frame], *, job: str, first: int
    ) -> None:
        """Writes a segment.

        Args:
          path: its file.
          frames: its frames, at least one.
          job: digest of the settings.
          first: number of the first frame.

        Raises:
          InputError: the disk is full, or the encoder fails.
        """
        with self._told_as():
            segment = SegmentFile(path)
        with segment, av.open(io.BytesIO(), "w", format=self._muxer) as container:
            encoder = _Encoder(container, *self._settings)
            count = 0
            for frame in frames:  # whose failures are not ours to tell
                with self._told_as():
                    segment.add(encoder.encode(frame))
                count += 1
            with self._told_as():
                segment.add(encoder.flush())
                _check_count(self._path, count, segment.num_packets)
                segment.publish(
                    job=job, first=first, num_frames=count, extradata=encoder.extradata
                )

    def _told_as(self):
        return told_as(self._path, "cannot be written", "Make room.")


class _Encoder:
    """Frames in, packets out.

    Args:
      container: what the packets are for, also when they do not go there.
      path, info, encoder, options, pixel_format: as for `_add_video`.
      threads: None for one a processor.
      to_yuv: what makes the encoder's frames. It has threads, and lives until the
        garbage collector comes by, so that segments share one.
    """

    def __init__(
        self,
        container,
        path,
        info,
        encoder,
        options,
        pixel_format,
        threads=None,
        to_yuv=None,
    ):
        self.stream = _add_video(container, path, info, encoder, options, pixel_format)
        self.stream.codec_context.thread_count = threads or encoder_threads()
        self._time_base, self._num_frames = info.time_base, 0
        self._durations = {}  # timestamp -> duration, of frames inside the encoder
        self.to_yuv = to_yuv or YuvEncoder(
            info.width,
            info.height,
            color=info.color.for_video(info.height),
            format=self.stream.pix_fmt,
            deep=info.deep,
        )

    @property
    def extradata(self) -> str:
        """What stands before all packets, in hexadecimal."""
        return (self.stream.codec_context.extradata or b"").hex()

    def encode(self, frame: Frame) -> Iterator[av.Packet]:
        """The packets that are ready once the encoder has this frame."""
        picture = self.to_yuv(frame.pixels)
        picture.pts, picture.time_base = frame.pts, self._time_base
        self._durations[frame.pts] = frame.duration
        self._num_frames += 1
        yield from self._timed(self.stream.encode(picture))

    def flush(self) -> Iterator[av.Packet]:
        """The last packets.

        x265 leaves the decoding times of one or two frames to chance. So few have no
        B-frame among them: they are decoded as they are shown.
        """
        if not self._num_frames:  # encoders that were never fed may not be flushed
            return
        for packet in self._timed(self.stream.encode(None)):
            if self._num_frames <= 2:
                packet.dts = packet.pts
            yield packet

    def _timed(self, packets: Iterable[av.Packet]) -> Iterator[av.Packet]:
        for packet in packets:
            packet.duration = self._durations.pop(packet.pts, 0)
            yield packet


def encoder_threads() -> int:
    """One for every processor that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return min(len(os.sched_getaffinity(0)), _MOST_THREADS)
    return min(os.cpu_count() or 1, _MOST_THREADS)


def _check_count(path: Path, num_frames: int, num_packets: int) -> None:
    if num_packets != num_frames:
        raise RuntimeError(
            f"{path}: {num_frames} frames went into the encoder, {num_packets} came out"
        )


def _add_video(
    container: av.container.OutputContainer,
    path: Path,
    info: ClipInfo,
    encoder: av.Codec,
    options: dict[str, str],
    pixel_format: str | None,
):
    """Adds the video stream, with every tag that players look at."""
    format = choose_pixel_format(
        encoder,
        width=info.width,
        height=info.height,
        deep=info.deep,
        asked=pixel_format,
    )
    try:
        stream = container.add_stream(encoder.name, rate=info.rate, options=options)
    except ValueError as error:
        raise InputError(
            f"{path}: {path.suffix} cannot hold what {encoder.name} encodes. Name the"
            f" output {path.with_suffix('.mkv').name} or choose another codec."
        ) from error
    stream.width, stream.height, stream.pix_fmt = info.width, info.height, format
    context, color = stream.codec_context, info.color.for_video(info.height)
    context.time_base = stream.time_base = info.time_base
    context.sample_aspect_ratio = info.sample_aspect_ratio
    context.colorspace, context.color_primaries = color.matrix, color.primaries
    context.color_trc = color.transfer
    context.color_range = 2 if color.full_range else 1
    if encoder.name == "libx265" and container.format.name in ("mp4", "mov"):
        context.codec_tag = "hvc1"  # the tag that QuickTime plays
    return stream


def _merged(options: dict[str, str], more: dict[str, str]) -> dict[str, str]:
    """Both; an encoder's own settings, which are one option, are joined."""
    shared = options.keys() & more.keys()
    return {**options, **more, **{k: f"{options[k]}:{more[k]}" for k in shared}}
