"""Frames too large for memory, restored in tiles whose overlaps are blended.

All tiles have one size, so that one set of programs serves them, and cover the frame
evenly. Towards the edge of a tile the network has seen less than it would in the whole
frame. So where two tiles overlap, the later one fades in over the middle half of the
overlap, and neither's outermost pixels are used:

    left tile    ----------------|
    right tile           |----------------
    weight       0   0   0 . ' 1   1   1
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np


class Tile(NamedTuple):
    """A part of a frame, in input pixels.

    Attributes:
      top, left: of its first pixel.
      above, before: how far it overlaps with the tiles above it and to its left.
    """

    top: int
    left: int
    above: int
    before: int


def tiles(
    frame: tuple[int, int], tile: tuple[int, int], *, overlap: int, multiple: int
) -> list[Tile]:
    """Where the tiles of a frame lie, row by row.

    Args:
      frame: (h, w) of the frame.
      tile: (h, w) of a tile, of `part_of`.
      overlap: pixels, at least, that neighbours have in common.
      multiple: they begin at multiples of this.

    Raises:
      ValueError: a tile is no larger than its overlap, or does not fit the multiple.
    """
    rows, columns = (
        _starts(side, part, overlap=overlap, multiple=multiple)
        for side, part in zip(frame, tile, strict=True)
    )
    return [
        Tile(top, left, above, before)
        for top, above in _with_overlap(rows, tile[0])
        for left, before in _with_overlap(columns, tile[1])
    ]


def part_of(side: int, count: int, *, overlap: int, multiple: int) -> int:
    """The smallest side of a tile of which no more than `count` cover `side`.

    It differs from `side` by a `multiple`, so that all tiles begin at multiples: the
    features of a same-size network are blocks of pixels.
    """
    part = side
    while part > overlap + 2 * multiple and (
        len(_starts(side, part - multiple, overlap=overlap, multiple=multiple)) <= count
    ):
        part -= multiple
    return part


def _starts(side: int, part: int, *, overlap: int, multiple: int) -> list[int]:
    """Starts of the least number of parts, spread evenly; the last ends at the end."""
    if part >= side:
        return [0]
    step, (span, rest) = (part - overlap) // multiple, divmod(side - part, multiple)
    if step < 1 or rest:
        raise ValueError(
            f"tile: {part} of {side} pixels with an overlap of {overlap} in multiples"
            f" of {multiple}"
        )
    count = -(-span // step)
    return [multiple * (i * span // count) for i in range(count + 1)]


def _with_overlap(starts: list[int], part: int) -> Iterator[tuple[int, int]]:
    end = starts[0]
    for start in starts:
        yield start, end - start
        end = start + part


def cut(
    frames: Sequence[np.ndarray], tile: Tile, size: tuple[int, int]
) -> list[np.ndarray]:
    """A tile of every frame."""
    rows = slice(tile.top, tile.top + size[0])
    columns = slice(tile.left, tile.left + size[1])
    return [np.asarray(frame)[rows, columns] for frame in frames]


def blend(canvas: np.ndarray, output: np.ndarray, tile: Tile, *, scale: int) -> None:
    """Lays a restored tile over those before it, row by row from the top left.

    Args:
      canvas: [t, scale * h, scale * w, 3], changed in place.
      output: [t, scale * tile height, scale * tile width, 3], of the same type.
      tile: where it lies.
      scale: output pixels per input pixel.
    """
    _, h, w, _ = output.shape
    top, left = scale * tile.top, scale * tile.left
    part = canvas[:, top : top + h, left : left + w]
    above, before = scale * tile.above, scale * tile.before
    down, across = _fade_in(h, above), _fade_in(w, before)
    weight = (down[:, None] * across)[..., None]
    part[:, above:, before:] = output[:, above:, before:]
    for strip in (np.s_[:above], np.s_[above:, :before]):
        for earlier, later in zip(part, output, strict=True):
            base = earlier[strip].astype(np.float32)
            mixed = base + weight[strip] * (later[strip] - base)
            is_codes = np.issubdtype(canvas.dtype, np.integer)
            earlier[strip] = np.rint(mixed) if is_codes else mixed


def _fade_in(size: int, overlap: int) -> np.ndarray:
    """[size] weights of the later tile: 0, a ramp over the middle half, 1."""
    if not overlap:
        return np.ones(size, np.float32)
    centers = np.arange(size, dtype=np.float32) + 0.5
    return np.clip(2 * centers / overlap - 0.5, 0, 1)
