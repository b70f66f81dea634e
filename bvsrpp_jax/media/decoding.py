"""Decodes the video of a file completely and in order, or says which frame is wrong."""

import math
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

import av

from bvsrpp_jax.errors import InputError
from bvsrpp_jax.media.allowed import MAX_PIXELS, decoding_options
from bvsrpp_jax.media.container import (
    check_size,
    decodable_video,
    open_container,
    seek_before,
)
from bvsrpp_jax.media.failures import as_fraction, told_as


class Excerpt(NamedTuple):
    """A part of a file's time, in seconds of the file's own clock.

    Attributes:
      start: what becomes time zero; None keeps everything from the beginning on and
        leaves every timestamp alone.
      stop: nothing from here on; None is the end.
    """

    start: Fraction | None = None
    stop: Fraction | None = None


class Decoder:
    """The main video stream of a file.

    Args:
      path: the file.
      max_pixels: of a frame; larger ones are refused before they are decoded.
      on_packet: called for every packet, also of frames that are skipped.

    Attributes:
      path: the file.
      stream: PyAV's stream.
      rate: average frames a second.
      time_base: seconds in one unit of a timestamp.
      first_time: when the first frame is shown, in seconds of the file's clock.
      num_frames: how many frames the header promises, None when it does not say.
      is_counted: the header counts frames; elsewhere the number is an estimate.
    """

    def __init__(
        self,
        path: Path,
        *,
        max_pixels: int = MAX_PIXELS,
        on_packet: Callable[[], None] | None = None,
    ):
        self.path = path
        self._max_pixels, self._on_packet = max_pixels, on_packet or (lambda: None)
        self._container = open_container(path, max_pixels=max_pixels)
        self.stream = decodable_video(self._container, path, max_pixels=max_pixels)
        self.stream.thread_type = "AUTO"
        self.stream.codec_context.options = decoding_options(max_pixels)
        rates = (self.stream.average_rate, self.stream.guessed_rate)
        self.rate = next(filter(None, map(as_fraction, rates)), Fraction(25))
        self.time_base = as_fraction(self.stream.time_base)
        self.first_time = (self.stream.start_time or 0) * self.time_base
        formats = set(self._container.format.name.split(","))
        self._num_packets = self._num_decoded = 0
        self._awaited: set[int] = set()  # timestamps of packets, not of frames yet
        self._first_pts = -math.inf
        self._is_stream, self._seen_key = bool({"mpegts", "mpeg"} & formats), False
        self._indexed = "mov" in formats
        self.is_counted = bool(self._indexed and self.stream.frames)
        self.num_frames = self._promised()

    def close(self) -> None:
        """Closes the file."""
        self._container.close()

    def frames(self, excerpt: Excerpt) -> Iterator[tuple[av.VideoFrame, int]]:
        """Decodes the frames of an excerpt.

        Yields:
          frame, its timestamp on the file's clock in units of `time_base`.

        Raises:
          InputError: a frame is damaged or missing, or timestamps run backwards.
        """
        if excerpt.start is not None:
            seek_before(self._container, excerpt.start)
        for frame, pts in self._timed():
            now = pts * self.time_base
            if excerpt.stop is not None and now >= excerpt.stop:
                return
            if excerpt.start is None or now >= excerpt.start:
                yield frame, pts
        if excerpt.start is None and self._indexed:
            self._check_complete()

    def _timed(self) -> Iterator[tuple[av.VideoFrame, int]]:
        """Raw streams have no timestamps; their frames follow at the average rate."""
        step = max(1, round(1 / (self.rate * self.time_base)))
        last = None
        for frame in self._decoded():
            following = 0 if last is None else last + step
            pts = following if frame.pts is None else frame.pts
            if last is not None and pts <= last:
                raise InputError(
                    f"{self.path}: frame {self._num_decoded - 1} is not later than the"
                    f" one before it ({float(pts * self.time_base):.3f} s). Remux the"
                    " file with regular timestamps."
                )
            yield frame, pts
            last = pts

    def _decoded(self) -> Iterator[av.VideoFrame]:
        problem = f"decoded {{}}{self._of_promised()} frames, then the video is damaged"
        packets = self._container.demux(self.stream)
        while True:
            so_far = problem.format(self._num_decoded)
            with told_as(self.path, so_far, "Get an undamaged copy."):
                packet = next(packets, None)
                decoded = []
                if packet is not None and not self._is_cut_off(packet):
                    decoded = packet.decode()
            self._on_packet()
            if packet is not None and packet.size:
                self._num_packets += 1
                if packet.pts is not None and not packet.is_discard:
                    self._awaited.add(packet.pts)
            for frame in decoded:
                self._check_sound(frame)
                self._note(frame)
                yield frame
            if packet is None:
                return

    def _is_cut_off(self, packet: av.Packet) -> bool:
        """Whether a recording that begins anywhere does not hold its references."""
        self._seen_key |= packet.is_keyframe
        return self._is_stream and bool(packet.size) and not self._seen_key

    def _note(self, frame: av.VideoFrame) -> None:
        if not self._num_decoded and frame.pts is not None:
            self._first_pts = frame.pts
        self._num_decoded += 1
        self._awaited.discard(frame.pts)

    def _check_sound(self, frame: av.VideoFrame) -> None:
        size = frame.width, frame.height
        check_size(self.path, *size, max_pixels=self._max_pixels)
        if frame.is_corrupt:
            raise InputError(
                f"{self.path}: frame {self._num_decoded}{self._of_promised()} is"
                " damaged. Get an undamaged copy."
            )

    def _check_complete(self) -> None:
        """In MP4 a packet is a frame, and decoders may drop a damaged one in silence.

        Frames before the first that can be decoded (an open GOP) are not missed.
        """
        lost = sorted(pts for pts in self._awaited if pts > self._first_pts)
        if self._num_packets == len(self.stream.index_entries) and not lost:
            return
        where = f"the one at {float(lost[0] * self.time_base):.3f} s is" if lost else ""
        raise InputError(
            f"{self.path}: decoded {self._num_decoded}{self._of_promised()} frames,"
            f" {where or 'those at the end are'} missing. Get an undamaged copy."
        )

    def _of_promised(self) -> str:
        return "" if self.num_frames is None else f" of {self.num_frames}"

    def _promised(self) -> int | None:
        """Counts of MP4 are exact; elsewhere the duration is the better witness."""
        if self.is_counted:
            return len(self.stream.index_entries)
        seconds = (self.stream.duration or 0) * self.time_base
        if not seconds and self._container.duration:
            seconds = Fraction(self._container.duration, av.time_base)
        return round(seconds * self.rate) or None
