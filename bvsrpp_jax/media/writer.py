"""Writes a video file that appears under its name when it is complete.

Frames are encoded as they come (`VideoWriter.write`), or segment by segment with an
encoder for each (`VideoWriter.segments`), and joined at the end (`VideoWriter.join`).
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Self

import av

from bvsrpp_jax.errors import InputError
from bvsrpp_jax.media.assembly import Assembly
from bvsrpp_jax.media.child_assembly import ChildAssembly
from bvsrpp_jax.media.clip import ClipInfo, Frame
from bvsrpp_jax.media.coding import choose_coding
from bvsrpp_jax.media.decoding import Excerpt
from bvsrpp_jax.media.encoding import Encoder, VideoSegments, check_count
from bvsrpp_jax.media.failures import told_as
from bvsrpp_jax.media.segments import decoding_times, read_packets, read_seal
from bvsrpp_jax.partial import PartialFile

_WHOLE = Excerpt()


class VideoWriter:
    """Encodes frames, and copies everything else of the source in a child process.

    A context manager: leaving it without `commit` removes what was written.

    Args:
      path: the output; its suffix decides the container.
      info: what the frames to be written are.
      codec, crf, pixel_format, threads: as for `choose_coding`.
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
        settings = {"codec": codec, "crf": crf, "pixel_format": pixel_format}
        self._coding = choose_coding(path, info, **settings, threads=threads)
        self._path, self._num_frames, self._num_packets = path, 0, 0
        self._encoder = self._assembly = None
        with told_as(path, "cannot be written here", "Choose another folder."):
            self._partial = PartialFile(path, folder)
        try:
            self._assembly = self._assemble(copy_from, excerpt)
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
        if self._encoder is None:
            self._encoder = Encoder(self._path, self._coding)
        with self._told_as("cannot be written"):
            self._mux(self._encoder.encode(frame))
        self._num_frames += 1

    def segments(self, *, threads: int) -> VideoSegments:
        """Encodes parts of this output, also after the writer is closed."""
        return VideoSegments(self._path, replace(self._coding, threads=threads))

    def join(self, paths: Sequence[Path]) -> None:
        """Writes all frames of a clip from its segments, in their order.

        Raises:
          InputError: the disk is full, or a segment is of another encoder.
          Damaged: a segment is not what was written.
        """
        seals = [read_seal(path) for path in paths]
        for path, seal in zip(paths, seals, strict=True):
            if seal.extradata != self._assembly.extradata:
                raise InputError(
                    f"{path}: is of another encoder or version. Pass --restart."
                )
        times = decoding_times([seal.pts for seal in seals])
        with self._told_as("cannot be written"):
            for path in paths:
                for packet in read_packets(path, self._coding.info.time_base):
                    packet.dts = next(times)
                    self._mux([packet])
        self._num_frames += sum(seal.num_frames for seal in seals)

    def commit(self) -> None:
        """Completes the file and gives it its name.

        Raises:
          InputError: the disk is full.
        """
        with self._told_as("cannot be completed"):
            if self._encoder is not None:
                self._mux(self._encoder.flush())
            self._assembly.finish()
            check_count(self._path, self._num_frames, self._num_packets)
            self._partial.publish()

    def _assemble(
        self, copy_from: Path | None, excerpt: Excerpt
    ) -> Assembly | ChildAssembly:
        to = self._partial.handle, self._path, self._coding
        if copy_from is not None:
            return ChildAssembly(*to, source=copy_from, excerpt=excerpt)
        assembly = Assembly(*to)
        try:
            assembly.start()
        except BaseException:
            assembly.close()
            raise
        return assembly

    def _mux(self, packets: Iterable[av.Packet]) -> None:
        for packet in packets:
            self._assembly.mux(packet)
            self._num_packets += 1

    def _told_as(self, problem: str):
        return told_as(self._path, problem, "Nothing is left behind.")

    def _discard(self) -> None:
        """Does nothing after `commit`."""
        self._partial.discard()  # first, so that closing writes no trailer
        for part in (self._encoder, self._assembly):
            if part is not None:
                part.close()
