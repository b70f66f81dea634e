"""Geometric augmentation: one draw a clip, the same for all of its frames.

The paper flips and transposes with probability one half each (no time reversal);
degradation comes after, so that input and ground truth cannot drift apart.
"""

import numpy as np


def random_crop(frames: np.ndarray, size: int, rng: np.random.Generator) -> np.ndarray:
    """Cuts the same random square out of all frames.

    Args:
      frames: [t, h, w, c].
      size: side of the square in pixels.
      rng: source of the position.

    Returns:
      [t, size, size, c], a view.

    Raises:
      ValueError: the frames are smaller than the crop.
    """
    height, width = frames.shape[1:3]
    if min(height, width) < size:
        raise ValueError(f"frames are {width}x{height}; need {size}x{size} to crop")
    y = rng.integers(height - size + 1)
    x = rng.integers(width - size + 1)
    return frames[:, y : y + size, x : x + size]


def random_flips(
    frames: np.ndarray, rng: np.random.Generator, *, time_reversal: bool = False
) -> np.ndarray:
    """Flips, transposes and optionally reverses a clip, each with probability 1/2.

    Args:
      frames: [t, s, s, c], square, because a transpose swaps the sides.
      rng: source of the draws.
      time_reversal: also reverse the order of the frames. The paper does not.

    Returns:
      [t, s, s, c], a view.
    """
    horizontal, vertical, transpose, backward = rng.random(4) < 0.5
    if horizontal:
        frames = frames[:, :, ::-1]
    if vertical:
        frames = frames[:, ::-1]
    if transpose:
        frames = frames.swapaxes(1, 2)
    return frames[::-1] if time_reversal and backward else frames
