"""Tells an animation from a picture of the same suffix, by its first bytes."""

from pathlib import Path

_PNG = b"\x89PNG\r\n\x1a\n"
_MOST_CHUNKS = 1000  # before the pixels, such as texts; honest files have a dozen
_WEBP_ANIMATED = 2  # a flag of the extended header


def is_animation(file: Path) -> bool:
    """Whether a PNG or WebP file says that it has several frames; others never do.

    Raises:
      OSError: it cannot be read.
    """
    with file.open("rb") as opened:
        head = opened.read(21)
        if head[:4] == b"RIFF" and head[8:16] == b"WEBPVP8X":
            return bool(head[20:] and head[20] & _WEBP_ANIMATED)
        return head[:8] == _PNG and _has_animation_chunk(opened)


def _has_animation_chunk(opened) -> bool:
    """An animated PNG has a chunk acTL before the first of its pixels."""
    opened.seek(len(_PNG))
    for _ in range(_MOST_CHUNKS):
        head = opened.read(8)
        if len(head) < 8 or head[4:] in (b"acTL", b"IDAT", b"IEND"):
            return head[4:] == b"acTL"
        opened.seek(int.from_bytes(head[:4], "big") + 4, 1)  # and its checksum
    return False
