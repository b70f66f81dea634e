"""Geometric augmentation: one draw a clip, the same for all of its frames.

The paper flips and transposes with probability one half each (no time reversal).
What is drawn is kept apart from what is done, so that input and ground truth get the
same.
"""

from typing import NamedTuple

import numpy as np


class Flips(NamedTuple):
    """Which of the flips are done, in this order."""

    horizontal: bool
    vertical: bool
    transpose: bool
    backward: bool = False


def draw_flips(rng: np.random.Generator, *, time_reversal: bool = False) -> Flips:
    """Draws each flip with probability 1/2.

    Args:
      rng: source of the draws.
      time_reversal: also reverse the order of the frames. The paper does not.
    """
    *flips, backward = (rng.random(4) < 0.5).tolist()
    return Flips(*flips, time_reversal and backward)


def flip(frames: np.ndarray, flips: Flips) -> np.ndarray:
    """Flips, transposes and reverses a clip.

    Args:
      frames: [t, h, w, c].
      flips: what to do.

    Returns:
      [t, h, w, c], or [t, w, h, c] after a transpose; a view.
    """
    if flips.horizontal:
        frames = frames[:, :, ::-1]
    if flips.vertical:
        frames = frames[:, ::-1]
    if flips.transpose:
        frames = frames.swapaxes(1, 2)
    return frames[::-1] if flips.backward else frames


def mirror(frames: np.ndarray) -> np.ndarray:
    """Appends a clip's frames in reverse order: [t, ...] -> [2t, ...].

    How the paper makes 14 frames of Vimeo-90K's 7.
    """
    return np.concatenate([frames, frames[::-1]])


def draw_window(
    height: int, width: int, size: int, rng: np.random.Generator
) -> tuple[slice, slice]:
    """Draws a square, every position equally likely.

    Args:
      height, width: of the frames.
      size: side of the square in pixels.
      rng: source of the position.

    Returns:
      Its rows and its columns.

    Raises:
      ValueError: the frames are smaller than the square.
    """
    if min(height, width) < size:
        raise ValueError(f"frames are {width}x{height}; need {size}x{size} to crop")
    y = int(rng.integers(height - size + 1))
    x = int(rng.integers(width - size + 1))
    return slice(y, y + size), slice(x, x + size)


def scale_window(window: tuple[slice, slice], scale: int) -> tuple[slice, slice]:
    """The pixels of frames `scale` times as large that a window covers."""
    rows, columns = (slice(scale * s.start, scale * s.stop) for s in window)
    return rows, columns
