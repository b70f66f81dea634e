"""Segments: stretches of an output, encoded apart and joined without encoding again.

A segment is a file of its own, complete and checked or not there at all:

    a line that says what it is
    packet by packet, in decoding order: timestamp, duration, size, is it a key; bytes
    the seal, as JSON; its length
    BLAKE2b of everything before

A container of FFmpeg's would not do: NUT drops durations, Matroska rounds timestamps.
Decoding times are not kept, because those of segments encoded apart do not fit
together: `decoding_times` makes them for the whole clip.
"""

import hashlib
import json
import os
import struct
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from fractions import Fraction
from pathlib import Path

import av

from bvsrpp_jax.partial import PartialFile

SUFFIX = ".segment"
_MAGIC = b"bvsrpp segment 1\n"
_PACKET = struct.Struct("<qqQ?")
_LENGTH = struct.Struct("<Q")
_DIGEST = 32  # bytes


class Damaged(Exception):
    """A file is not what was written; the message says how."""


@dataclass(frozen=True)
class Seal:
    """What a segment is.

    Attributes:
      job: digest of the settings that it was made with.
      first: number of its first frame in the clip.
      num_frames: how many frames it has.
      pts: timestamp of every packet, in decoding order; none for pictures.
      extradata: what the encoder wants to stand before all packets, in hexadecimal.
      files: pictures that lie beside it, and the digest of each.
    """

    job: str
    first: int
    num_frames: int
    pts: list[int] = field(default_factory=list)
    extradata: str = ""
    files: dict[str, str] = field(default_factory=dict)


class SegmentFile:
    """A segment on its way to the disk; a context manager, like `PartialFile`."""

    def __init__(self, path: Path):
        self._partial = PartialFile(path)
        self._hash = hashlib.blake2b(digest_size=_DIGEST)
        self._pts: list[int] = []
        self._write(_MAGIC)

    def __enter__(self):
        return self

    def __exit__(self, *_) -> None:
        self._partial.discard()

    def add(self, packets: Iterable[av.Packet]) -> None:
        """Writes packets as the encoder gives them."""
        for packet in packets:
            data = bytes(packet)
            key = packet.is_keyframe
            self._write(_PACKET.pack(packet.pts, packet.duration or 0, len(data), key))
            self._write(data)
            self._pts.append(packet.pts)

    @property
    def num_packets(self) -> int:
        """How many there are so far."""
        return len(self._pts)

    def publish(self, **seal) -> None:
        """Completes the file: `seal` is what there is to say of it besides packets."""
        text = json.dumps(asdict(Seal(pts=self._pts, **seal))).encode()
        self._write(text + _LENGTH.pack(len(text)))
        self._partial.handle.write(self._hash.digest())
        self._partial.publish()

    def _write(self, data: bytes) -> None:
        self._partial.handle.write(data)
        self._hash.update(data)


def segment_name(first: int) -> str:
    """The file of the segment that begins with a frame."""
    return f"{first:08d}{SUFFIX}"


def read_seal(path: Path) -> Seal:
    """What a segment is, once every byte of it has been checked.

    Raises:
      Damaged: it, or a picture of it, is not what was written.
    """
    try:
        seal = _checked_seal(path)
        for name, digest in seal.files.items():
            if file_digest(path.parent / name) != digest:
                raise Damaged(f"{name} has changed since it was written")
    except OSError as error:
        raise Damaged(error.strerror or str(error)) from error
    return seal


def read_packets(path: Path, time_base: Fraction) -> Iterator[av.Packet]:
    """The packets of a segment that was checked; without decoding times."""
    with path.open("rb") as file:
        seal_at = _seal_at(file)
        file.seek(len(_MAGIC))
        while file.tell() < seal_at:
            pts, duration, size, key = _PACKET.unpack(file.read(_PACKET.size))
            packet = av.Packet(file.read(size))
            packet.pts, packet.duration, packet.time_base = pts, duration, time_base
            packet.is_keyframe = key
            yield packet


def decoding_times(segments: Sequence[Sequence[int]]) -> Iterator[int]:
    """Decoding times for all packets of a clip: growing, none later than it is shown.

    Packet i is decoded when picture i - d is shown, d being the furthest that any
    picture of a segment is decoded before its turn; the first d go before the clip, at
    the distances of its first pictures. For one segment that is what x264 does.

    Args:
      segments: the timestamps of each segment's packets, in decoding order. Segments
        follow one another.
    """
    delay = max(_reorder_delay(pts) for pts in segments)
    shown = [time for pts in segments for time in sorted(pts)]
    for time in shown[:delay]:
        yield time - (shown[delay] - shown[0])
    yield from shown[: len(shown) - delay]


def file_digest(path: Path) -> str:
    """BLAKE2b of a file, about a gigabyte a second."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, _blake2b).hexdigest()


def _blake2b():
    return hashlib.blake2b(digest_size=_DIGEST)


def _reorder_delay(pts: Sequence[int]) -> int:
    turn = {time: i for i, time in enumerate(sorted(pts))}
    return max(i - turn[time] for i, time in enumerate(pts))


def _checked_seal(path: Path) -> Seal:
    with path.open("rb") as file:
        if file.read(len(_MAGIC)) != _MAGIC:
            raise Damaged("it does not begin like a segment")
        left = file.seek(0, os.SEEK_END) - _DIGEST
        file.seek(0)
        hash_ = _blake2b()
        while left > 0 and (data := file.read(min(left, 1 << 20))):
            hash_.update(data)
            left -= len(data)
        if file.read() != hash_.digest():
            raise Damaged("it has changed since it was written")
        start = _seal_at(file)
        file.seek(start)
        return Seal(**json.loads(file.read()[: -_LENGTH.size - _DIGEST]))


def _seal_at(file) -> int:
    end = file.seek(-_LENGTH.size - _DIGEST, os.SEEK_END)
    return end - _LENGTH.unpack(file.read(_LENGTH.size))[0]
