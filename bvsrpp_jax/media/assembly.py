"""A video file is put together: coded frames, and what is copied of another file."""

from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import av

from bvsrpp_jax.media.coding import Coding, add_video
from bvsrpp_jax.media.copying import StreamCopier
from bvsrpp_jax.media.decoding import Excerpt
from bvsrpp_jax.media.failures import as_fraction, told_as


class Assembly:
    """Writes packets into a file, after `start`.

    Args:
      file: where to, open for reading and writing.
      target: the output's name, for messages.
      coding: how the packets are coded. An encoder of that kind is opened for what the
        header says of it, and never fed.

    Raises:
      InputError: the encoder or the container cannot hold this.
    """

    def __init__(self, file: BinaryIO, target: Path, coding: Coding):
        self._file, self._target, self._copier = file, target, None
        self._container = av.open(file, "w", format=coding.muxer)
        try:
            self._stream = add_video(self._container, target, coding)
            with self._told_as(f"{coding.codec} refuses these settings"):
                self._stream.codec_context.open()
        except BaseException:
            self.close()
            raise

    @property
    def extradata(self) -> str:
        """What the encoder wants to stand before all packets, in hexadecimal."""
        return (self._stream.codec_context.extradata or b"").hex()

    def copy_from(
        self, source: Path, excerpt: Excerpt, *, on_packet: Callable[[], None]
    ) -> None:
        """Lays the sound, subtitles and chapters of a file beside the packets.

        Args: as for `StreamCopier`, and its errors.
        """
        self._copier = StreamCopier(
            source,
            self._container,
            target=self._target,
            excerpt=excerpt,
            on_packet=on_packet,
        )

    def start(self) -> None:
        """Writes the header.

        Raises:
          InputError: the container refuses a stream, or the disk is full.
        """
        with self._told_as("its header cannot be written"):
            self._container.start_encoding()

    def mux(self, packet: av.Packet) -> None:
        """Writes a packet, and what is copied up to its decoding time.

        Raises:
          InputError: the disk is full, or the source of the copies is damaged.
        """
        now = packet.dts * as_fraction(packet.time_base)
        packet.stream = self._stream
        with self._told_as("cannot be written"):
            self._container.mux(packet)
            if self._copier is not None:
                self._copier.copy_until(now)

    def finish(self) -> None:
        """Writes the rest of the copies and the index. Raises as `mux` does."""
        with self._told_as("cannot be completed"):
            if self._copier is not None:
                self._copier.finish()
            self._container.close()
            self._file.flush()

    def close(self) -> None:
        """Closes everything but the file."""
        if self._copier is not None:
            self._copier.close()
        self._container.close()

    def _told_as(self, problem: str):
        return told_as(self._target, problem, "Nothing is left behind.")
