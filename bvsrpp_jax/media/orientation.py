"""Display matrices: how a player turns the stored pixels before it shows them.

Pixels are turned once, when they are read, and the output carries no matrix: folders of
pictures and containers without such a tag then come out upright as well.
"""

from typing import NamedTuple

import numpy as np


class Orientation(NamedTuple):
    """Swap rows and columns first, then mirror. Covers all eight right-angled turns."""

    transpose: bool = False
    flip_x: bool = False
    flip_y: bool = False

    def apply(self, pixels: np.ndarray) -> np.ndarray:
        """[h, w, c] as stored -> [h, w, c] or [w, h, c] as shown."""
        if self == UPRIGHT:
            return pixels
        if self.transpose:
            pixels = pixels.swapaxes(0, 1)
        step_x, step_y = (-1 if flip else 1 for flip in (self.flip_x, self.flip_y))
        return np.ascontiguousarray(pixels[::step_y, ::step_x])


UPRIGHT = Orientation()


def from_display_matrix(data: bytes) -> Orientation:
    """Reads the 3x3 matrix of 16.16 numbers that containers store.

    Row vectors, (x', y') = (x, y) [[a, b], [c, d]]: x stays horizontal when a and d
    carry the weight, becomes vertical when b and c do.

    Args:
      data: nine int32 of the machine's byte order, or nothing.

    Raises:
      ValueError: the turn is not a multiple of a right angle.
    """
    if not data:
        return UPRIGHT
    a, b, _, c, d, *_ = np.frombuffer(data, np.int32, count=9) / 65536
    straight, crossed = min(abs(a), abs(d)), min(abs(b), abs(c))
    if max(abs(b), abs(c)) < 0.01 * straight:
        return Orientation(flip_x=bool(a < 0), flip_y=bool(d < 0))
    if max(abs(a), abs(d)) < 0.01 * crossed:
        return Orientation(transpose=True, flip_x=bool(c < 0), flip_y=bool(b < 0))
    raise ValueError("the frames are turned by an angle that is not a right one")
