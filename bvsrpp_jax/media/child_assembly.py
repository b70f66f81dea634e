"""Puts a video file together in a child process: what `Assembly` does here.

For the copies the source is opened and demuxed, and nobody vouches for it.
"""

from pathlib import Path
from typing import BinaryIO

import av

from bvsrpp_jax.media.child import Child
from bvsrpp_jax.media.coding import Coding
from bvsrpp_jax.media.decoding import Excerpt
from bvsrpp_jax.media.messages import pack, unpack

_MODULE = "bvsrpp_jax.media.assembly_process"
_PATIENCE = 120.0  # seconds


class ChildAssembly:
    """Writes packets, with sound, subtitles and chapters of a file beside them.

    Args:
      file: where to; it is written by the child alone.
      target, coding: as for `Assembly`.
      source, excerpt: as for `StreamCopier`.
      patience: seconds the child may spend on a packet without any sign of work.

    Attributes:
      extradata: as of `Assembly`.

    Raises:
      InputError: as `Assembly`, its `copy_from` and its `start` do, or the child
        crashed or hung over the source.
    """

    def __init__(
        self,
        file: BinaryIO,
        target: Path,
        coding: Coding,
        *,
        source: Path,
        excerpt: Excerpt,
        patience: float = _PATIENCE,
    ):
        request = {
            "file": file.fileno(),
            "target": str(target),
            "coding": pack(coding),
            "source": str(source),
            "excerpt": pack(excerpt),
        }
        self._num_packets = 0
        self._child = Child(
            _MODULE,
            request,
            path=source,
            patience=patience,
            name="copier of its sound",
            files=[file.fileno()],
        )
        try:
            with self._child.listening():
                self.extradata = unpack(self._child.expect("started"), str)
        except BaseException:
            self.close()
            raise

    def mux(self, packet: av.Packet) -> None:
        """As `Assembly.mux`.

        Every packet is answered, so that neither side writes while the other does.

        Raises:
          InputError: as `Assembly.mux` does, or the child crashed or hung.
        """
        data = memoryview(packet)
        times = packet.pts, packet.dts, packet.duration or 0
        what = *times, packet.is_keyframe, len(data)
        self._child.progress = f"after {self._num_packets} frames"
        with self._child.listening():
            self._child.send("packet", what, data)
            self._child.expect("written")
        self._num_packets += 1

    def finish(self) -> None:
        """As `Assembly.finish`. Raises as `mux` does."""
        self._child.progress = f"after all {self._num_packets} frames"
        with self._child.listening():
            self._child.send("finish")
            self._child.expect("finished")
        self._child.close()

    def close(self) -> None:
        """Ends the child."""
        self._child.close()
