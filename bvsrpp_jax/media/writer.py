"""Writes a video file that appears under its name when it is complete."""

from collections.abc import Iterable
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
from bvsrpp_jax.partial import PartialFile

_WHOLE = Excerpt()


class VideoWriter:
    """Encodes frames, and copies everything else of the source.

    A context manager: leaving it without `commit` removes what was written.

    Args:
      path: the output; its suffix decides the container.
      info: what the frames to be written are.
      codec: FFmpeg's name of the encoder, None for the container's usual one.
      crf: constant quality, lower is better; None for `codecs.DEFAULT_CRF`.
      pixel_format: FFmpeg's name of it, None for what suits the frames.
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
        copy_from: Path | None = None,
        excerpt: Excerpt = _WHOLE,
    ):
        muxer, usual = container_of(path, deep=is_deep(pixel_format, deep=info.deep))
        encoder = find_encoder(codec or usual)
        options = _merged(
            quality_options(encoder.name, crf), light_options(encoder.name, info.light)
        )
        self._path, self._time_base = path, info.time_base
        self._num_frames = self._num_packets = 0
        self._container = self._copier = None
        self._durations = {}  # timestamp -> duration, of frames inside the encoder
        with told_as(path, "cannot be written here", "Choose another folder."):
            self._partial = PartialFile(path)
        try:
            self._container = av.open(self._partial.handle, "w", format=muxer)
            self._stream = _add_video(
                self._container, path, info, encoder, options, pixel_format
            )
            self._to_yuv = YuvEncoder(
                info.width,
                info.height,
                color=info.color.for_video(info.height),
                format=self._stream.pix_fmt,
                deep=info.deep,
            )
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
        picture = self._to_yuv(frame.pixels)
        picture.pts, picture.time_base = frame.pts, self._time_base
        self._durations[frame.pts] = frame.duration
        with self._told_as("cannot be written"):
            self._mux(self._stream.encode(picture))
        self._num_frames += 1

    def commit(self) -> None:
        """Completes the file and gives it its name.

        Raises:
          InputError: the disk is full.
        """
        with self._told_as("cannot be completed"):
            self._mux(self._last_packets())
            if self._copier is not None:
                self._copier.finish()
            self._container.close()
            if self._num_packets != self._num_frames:
                raise RuntimeError(
                    f"{self._path}: {self._num_frames} frames went into the encoder,"
                    f" {self._num_packets} came out"
                )
            self._partial.publish()

    def _last_packets(self) -> list[av.Packet]:
        """x265 leaves the decoding times of one or two frames to chance.

        So few have no B-frame among them: they are decoded as they are shown.
        """
        packets = self._stream.encode(None)
        if self._num_frames <= 2:
            for packet in packets:
                packet.dts = packet.pts
        return packets

    def _mux(self, packets: Iterable[av.Packet]) -> None:
        for packet in packets:
            now = packet.dts * as_fraction(packet.time_base)
            packet.duration = self._durations.pop(packet.pts, 0)
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
