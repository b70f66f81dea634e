"""Overlapping tiles of a frame, so that a training crop needs little decoding.

The geometry is that of `crop_sub_images` in mmagic and BasicSR: squares of 480 pixels
every 240, and one more at the far border where a rest remains. A frame of 1280x720 has
two rows of five.
"""

from typing import NamedTuple

import numpy as np

SIDE, STEP = 480, 240


class Tile(NamedTuple):
    """A rectangle in pixels of the ground truth.

    Attributes:
      name: "tile_<row>_<column>", or "" for a whole frame.
      y, x: its upper left corner.
      height, width: its size.
    """

    name: str
    y: int
    x: int
    height: int
    width: int


def whole(height: int, width: int) -> tuple[Tile, ...]:
    """The frame as the only tile."""
    return (Tile("", 0, 0, height, width),)


def tiles_of(height: int, width: int) -> tuple[Tile, ...]:
    """The tiles of a frame, row by row; a side shorter than a tile is not cut."""
    return tuple(
        Tile(f"tile_{row:02d}_{column:02d}", y, x, min(SIDE, height), min(SIDE, width))
        for row, y in enumerate(_starts(height))
        for column, x in enumerate(_starts(width))
    )


def cut(frame: np.ndarray, tile: Tile, *, scale: int = 1) -> np.ndarray:
    """Cuts a tile out of a frame [h, w, 3] that is `scale` times smaller."""
    y, x, height, width = (side // scale for side in tile[1:])
    return frame[y : y + height, x : x + width]


def _starts(length: int) -> list[int]:
    if length <= SIDE:
        return [0]
    starts = list(range(0, length - SIDE + 1, STEP))
    last = length - SIDE
    return starts if starts[-1] == last else [*starts, last]
