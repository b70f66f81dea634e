"""Finds truncated files from their outermost structure, before hours are spent on them.

Containers state how many bytes they have; a cut-off copy has fewer. Decoders cannot be
relied on for this: a truncated Matroska file simply ends early.
"""

import os
from pathlib import Path

from bvsrpp_jax.errors import InputError

_MATROSKA_HEADER = b"\x1a\x45\xdf\xa3"
_MATROSKA_SEGMENT = b"\x18\x53\x80\x67"
_MP4_BOXES = (b"moov", b"mdat", b"moof")
_MOST_BOXES = 1_000_000  # a day of fragments has fewer; a file of boxes alone, more


def check_whole(path: Path) -> None:
    """Raises an `InputError` when the file is shorter than its container says.

    Knows MP4 and MOV, Matroska and WebM, AVI; other formats make no such promise.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        promised = _promised_size(file)
    if promised > size:
        raise InputError(
            f"{path}: truncated: the file has {size} bytes, its header promises"
            f" {promised}. Get the whole file."
        )


def _promised_size(file) -> int:
    head = file.read(12)
    file.seek(0)
    if head[:4] == _MATROSKA_HEADER:
        return _matroska_size(file)
    if head[:4] == b"RIFF" and head[8:12] == b"AVI ":
        return 8 + int.from_bytes(head[4:8], "little")
    if head[4:8] in (b"ftyp", *_MP4_BOXES):
        return _mp4_size(file)
    return 0


def _mp4_size(file) -> int:
    """End of the furthest of the boxes that hold the video; size 0 is "to the end"."""
    end = position = 0
    for _ in range(_MOST_BOXES):
        head = _read_at(file, position, 16)
        if len(head) < 8:
            break
        size, kind = int.from_bytes(head[:4], "big"), head[4:8]
        if size == 1:  # the size did not fit and follows in eight bytes
            size = int.from_bytes(head[8:16], "big")
        if size < 8:
            break
        position += size
        if kind in _MP4_BOXES:
            end = position
    return end


def _matroska_size(file) -> int:
    """End of the segment, which follows the header element."""
    file.seek(4)
    header = _vint(file)
    segment = file.tell() + (header or 0)
    if header is None or _read_at(file, segment, 4) != _MATROSKA_SEGMENT:
        return 0
    length = _vint(file)
    return 0 if length is None else file.tell() + length


def _vint(file) -> int | None:
    """An EBML number: the leading zeros say its width; all ones is "not known"."""
    first = file.read(1)
    if not first or not first[0]:
        return None
    width = 9 - first[0].bit_length()
    rest = file.read(width - 1)
    value = int.from_bytes(first + rest, "big") & (1 << 7 * width) - 1
    return None if value == (1 << 7 * width) - 1 else value


def _read_at(file, position: int, count: int) -> bytes:
    if position >= os.fstat(file.fileno()).st_size:  # perhaps too far to seek
        return b""
    file.seek(position)
    return file.read(count)
