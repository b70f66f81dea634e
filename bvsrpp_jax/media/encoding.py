"""Frames become packets: one after another, or in segments that are encoded apart."""

import io
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Self

import av

from bvsrpp_jax.media.clip import Frame
from bvsrpp_jax.media.coding import Coding, add_video
from bvsrpp_jax.media.failures import told_as
from bvsrpp_jax.media.pixels import YuvEncoder
from bvsrpp_jax.media.segments import SegmentFile


class Encoder:
    """Frames in, packets out; a context manager.

    Args:
      path: the output, for messages.
      coding: how it is coded.
      to_yuv: what makes the encoder's frames, None for a new one.

    Raises:
      InputError: the container cannot hold what it encodes.
    """

    def __init__(self, path: Path, coding: Coding, to_yuv: YuvEncoder | None = None):
        # Encoders ask what their packets are for, also when they do not go there.
        self._container = av.open(io.BytesIO(), "w", format=coding.muxer)
        self._stream = add_video(self._container, path, coding)
        self._time_base, self._num_frames = coding.info.time_base, 0
        self._durations = {}  # timestamp -> duration, of frames inside the encoder
        self._to_yuv = to_yuv or yuv_encoder(coding)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_) -> None:
        self.close()

    def close(self) -> None:
        """Closes the encoder, with what may still be in it."""
        self._container.close()

    @property
    def extradata(self) -> str:
        """What stands before all packets, in hexadecimal; after the first frame."""
        return (self._stream.codec_context.extradata or b"").hex()

    def encode(self, frame: Frame) -> Iterator[av.Packet]:
        """The packets that are ready once the encoder has this frame."""
        picture = self._to_yuv(frame.pixels)
        picture.pts, picture.time_base = frame.pts, self._time_base
        self._durations[frame.pts] = frame.duration
        self._num_frames += 1
        yield from self._timed(self._stream.encode(picture))

    def flush(self) -> Iterator[av.Packet]:
        """The last packets.

        x265 leaves the decoding times of one or two frames to chance. So few have no
        B-frame among them: they are decoded as they are shown.
        """
        if not self._num_frames:  # encoders that were never fed may not be flushed
            return
        for packet in self._timed(self._stream.encode(None)):
            if self._num_frames <= 2:
                packet.dts = packet.pts
            yield packet

    def _timed(self, packets: Iterable[av.Packet]) -> Iterator[av.Packet]:
        for packet in packets:
            packet.duration = self._durations.pop(packet.pts, 0)
            yield packet


class VideoSegments:
    """Encodes stretches of a clip, each with an encoder of its own.

    Every segment begins with a key frame and refers to no other; settings, number of
    threads and so the bytes are the same whoever encodes it, and when.
    """

    def __init__(self, path: Path, coding: Coding):
        self._path, self._coding = path, coding
        # It has threads, and lives until the garbage collector comes by.
        self._to_yuv = yuv_encoder(coding)

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
        with segment, Encoder(self._path, self._coding, self._to_yuv) as encoder:
            count = 0
            for frame in frames:  # whose failures are not ours to tell
                with self._told_as():
                    segment.add(encoder.encode(frame))
                count += 1
            with self._told_as():
                segment.add(encoder.flush())
                check_count(self._path, count, segment.num_packets)
                segment.publish(
                    job=job, first=first, num_frames=count, extradata=encoder.extradata
                )

    def _told_as(self):
        return told_as(self._path, "cannot be written", "Make room.")


def yuv_encoder(coding: Coding) -> YuvEncoder:
    """What makes an encoder's frames of RGB."""
    info = coding.info
    return YuvEncoder(
        info.width,
        info.height,
        color=info.color.for_video(info.height),
        format=coding.pixel_format,
        deep=info.deep,
    )


def check_count(path: Path, num_frames: int, num_packets: int) -> None:
    """Raises a `RuntimeError` unless every frame has become a packet."""
    if num_packets != num_frames:
        raise RuntimeError(
            f"{path}: {num_frames} frames went into the encoder, {num_packets} came out"
        )
