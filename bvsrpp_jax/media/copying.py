"""Sound, subtitles and chapters go from the input to the output untouched.

The input is opened a second time for them, so that the packets can be laid beside the
video as it grows: nothing of theirs is held in memory, however long a window of frames
takes.
"""

import warnings
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path

import av
from av.stream import Discard

from bvsrpp_jax.errors import InputError
from bvsrpp_jax.media.container import main_video, open_container, seek_before
from bvsrpp_jax.media.decoding import Excerpt
from bvsrpp_jax.media.failures import told_as
from bvsrpp_jax.media.holding import held

_CONTAINER_TAGS = {"major_brand", "minor_version", "compatible_brands", "encoder"}
_RENAMED = {"name": "title"}  # of a track, as MP4 is read and as it is written
_COPIED = ("audio", "subtitle", "attachment")


class StreamCopier:
    """Copies the packets of all streams but the video.

    Args:
      source: the input file.
      output: where to; its video stream exists already, its header is not written.
      target: the output's name, for messages.
      excerpt: the part to keep.
      on_packet: called for every packet that is read.

    Raises:
      InputError: the output's container cannot hold a sound track. Subtitles and
        attachments that it cannot hold are left out with a warning.
    """

    def __init__(
        self,
        source: Path,
        output: av.container.OutputContainer,
        *,
        target: Path,
        excerpt: Excerpt,
        on_packet: Callable[[], None],
    ):
        self._source, self._target, self._output = source, target, output
        self._excerpt, self._on_packet = excerpt, on_packet
        self._input = open_container(source)
        self._streams = {}  # index in the input -> stream of the output
        copied = [s.index for s in self._input.streams if s.type in _COPIED]
        self._held = held(output.format.name, source, copied)
        for stream in self._input.streams:
            self._add(stream)
        _copy_tags(self._input, output)
        self._copy_chapters()
        self._packets = self._kept_packets()
        self._next = next(self._packets, None)

    def copy_until(self, seconds: Fraction) -> None:
        """Writes every packet due before a moment of the output's clock."""
        while self._next is not None and _seconds(self._next) <= seconds:
            self._write_next()

    def finish(self) -> None:
        """Writes what is left."""
        while self._next is not None:
            self._write_next()

    def close(self) -> None:
        """Closes the input."""
        self._input.close()

    def _write_next(self) -> None:
        packet = self._next
        packet.stream = self._streams[packet.stream.index]
        self._output.mux(packet)
        self._next = next(self._packets, None)

    def _add(self, stream) -> None:
        is_chapters = stream.type == "data" and stream.discard == Discard.all
        if stream is main_video(self._input, self._source) or is_chapters:
            return
        kind, name = stream.type, _codec_name(stream)
        if kind not in _COPIED:
            self._leave_out(stream, name, "only sound, subtitles and fonts are copied")
            return
        if stream.index not in self._held:
            if kind == "audio":
                raise InputError(
                    f"{self._target}: {self._target.suffix} cannot hold the input's"
                    f" {name} sound. Name the output"
                    f" {self._target.with_suffix('.mkv').name} instead."
                )
            self._leave_out(stream, name, f"{self._target.suffix} cannot hold it")
            return
        copy = self._output.add_stream_from_template(stream)
        _copy_tags(stream, copy)
        copy.disposition = stream.disposition
        self._streams[stream.index] = copy

    def _leave_out(self, stream, name: str, reason: str) -> None:
        warnings.warn(
            f"{self._source}: stream {stream.index} ({stream.type}, {name}) is left"
            f" out: {reason}",
            stacklevel=2,
        )

    def _kept_packets(self) -> Iterator[av.Packet]:
        """Packets of the excerpt, moved to the output's clock."""
        start, stop = self._excerpt
        kept = [self._input.streams[index] for index in self._streams]
        if not kept:
            return
        for packet in self._read(kept):
            self._on_packet()
            if packet.dts is None and packet.pts is None:  # the end of a stream
                continue
            now = _seconds(packet)
            if (start is not None and now < start) or (
                stop is not None and now >= stop
            ):
                continue
            if start is not None:
                shift = round(start / packet.time_base)
                packet.pts = None if packet.pts is None else packet.pts - shift
                packet.dts = None if packet.dts is None else packet.dts - shift
            yield packet

    def _read(self, streams: list) -> Iterator[av.Packet]:
        with told_as(
            self._source, "its sound cannot be read", "The file may be damaged."
        ):
            if self._excerpt.start is not None:
                seek_before(self._input, self._excerpt.start)
            yield from self._input.demux(*streams)

    def _copy_chapters(self) -> None:
        start, stop = self._excerpt
        chapters = [_cut(chapter, start, stop) for chapter in self._input.chapters()]
        self._output.set_chapters([chapter for chapter in chapters if chapter])


def _seconds(packet: av.Packet) -> Fraction:
    time = packet.dts if packet.pts is None else packet.pts
    base = packet.time_base
    return time * Fraction(base.numerator, base.denominator)


def _codec_name(stream) -> str:
    context = stream.codec_context
    return "unknown" if context is None else context.codec.canonical_name


def _copy_tags(source, target) -> None:
    """Metadata such as titles and languages, without the old container's own marks."""
    for key, value in source.metadata.items():
        if key.lower() not in _CONTAINER_TAGS | {"duration"}:
            target.metadata[_RENAMED.get(key, key)] = value


def _cut(chapter: dict, start: Fraction | None, stop: Fraction | None) -> dict | None:
    """A chapter within the excerpt, on its clock; None when it lies outside."""
    base = chapter["time_base"]
    base = Fraction(base.numerator, base.denominator)
    first, last = chapter["start"], chapter["end"]
    if stop is not None:
        last = min(last, round(stop / base))
    if start is not None:
        shift = round(start / base)
        first, last = max(first, shift) - shift, last - shift
    return {**chapter, "start": first, "end": last} if first < last else None
