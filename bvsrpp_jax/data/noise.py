"""Gaussian noise as the denoising recipe adds it."""

from collections.abc import Iterable, Iterator

import numpy as np


def add_noise(
    frames: Iterable[np.ndarray],
    rng: np.random.Generator,
    *,
    sigma: tuple[float, float] = (0.0, 50.0),
) -> Iterator[np.ndarray]:
    """Adds white noise of one strength a clip, drawn anew for every frame.

    The sum is neither clipped nor rounded, as in the official code: the network sees
    values outside [0, 1].

    Args:
      frames: [h, w, 3] each, uint8, or float32 in [0, 1].
      rng: source of the strength and of the noise.
      sigma: lowest and highest standard deviation, in eight-bit levels; what lies
        between is equally likely.

    Yields:
      [h, w, 3] float32.

    Raises:
      ValueError: `sigma` is not an ascending pair of numbers from 0 on.
    """
    lowest, highest = sigma
    if not 0 <= lowest <= highest:
        raise ValueError(f"sigma is {sigma}; need 0 <= lowest <= highest")
    strength = np.float32(rng.uniform(lowest, highest) / 255)
    for lq in frames:
        noisy = rng.standard_normal(lq.shape, np.float32)
        noisy *= strength
        noisy += lq / np.float32(255) if lq.dtype == np.uint8 else lq
        yield noisy
