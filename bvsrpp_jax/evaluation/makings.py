"""Ways in which low-resolution frames are made by mistake, by name.

Each is a separable kernel and the pixel it begins at: what OpenCV, Pillow, other papers
or a shifted MATLAB script make of the same ground truth at a quarter of its size.
"""

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

from bvsrpp_jax.data.degradations import BD_PHASE, BD_SIGMA, BD_SIZE, cubic_kernel

STEP = 4  # ground-truth pixels a side of an input pixel
_CENTRE = (STEP - 1) / 2  # of the first input pixel


def sampled(gt: np.ndarray, first: int, weights: Sequence[float]) -> np.ndarray:
    """Every fourth pixel of a frame under a separable kernel.

    Args:
      gt: [h, w, 3] uint8; beyond its border the border pixel is repeated.
      first: row and column of the kernel's first weight for the first pixel.
      weights: of the kernel along one axis; they are normalised.

    Returns:
      [h // 4, w // 4, 3] uint8.
    """
    weights = np.asarray(weights) / np.sum(weights)
    frame = gt.astype(np.float64)
    for axis in (0, 1):
        size = frame.shape[axis]
        starts = first + STEP * np.arange(size // STEP)
        frame = sum(
            weight * frame.take((starts + tap).clip(0, size - 1), axis=axis)
            for tap, weight in enumerate(weights)
        )
    return np.clip(np.floor(frame + 0.5), 0, 255).astype(np.uint8)


def _gaussian(size: int) -> np.ndarray:
    distance = np.arange(size) - (size - 1) / 2
    return np.exp(-(distance**2) / (2 * BD_SIGMA**2))


def _bicubic(shift: int) -> tuple[int, np.ndarray]:
    """MATLAB's kernel, moved by some pixels."""
    taps = np.arange(-2 * STEP + 2, 2 * STEP + 2)
    return int(taps[0]) + shift, cubic_kernel((taps - _CENTRE) / STEP)


def _sharp_cubic() -> np.ndarray:
    """OpenCV's: constant -3/4, four pixels, whatever the scale."""
    x = np.abs(np.arange(STEP) - _CENTRE)
    near = (1.25 * x - 2.25) * x**2 + 1
    far = ((-0.75 * x + 3.75) * x - 6) * x + 3
    return np.where(x <= 1, near, far)


def _table() -> dict[str, tuple[int, Sequence[float]]]:
    """Name -> first tap and weights."""
    triangle = 1 - np.abs(np.arange(-2, 6) - _CENTRE) / STEP
    table = {
        "bicubic without antialiasing (OpenCV's)": (0, _sharp_cubic()),
        "bilinear without antialiasing (OpenCV's)": (1, (1, 1)),
        "bilinear with antialiasing (Pillow's)": (-2, triangle),
        "the mean of 4x4 pixels (area)": (0, (1, 1, 1, 1)),
    }
    for phase in range(STEP):
        table[f"every 4th pixel from {phase} on (nearest)"] = (phase, (1,))
        if phase != BD_PHASE:
            name = (
                f"blur of the right kernel, then every 4th pixel from {phase} on, not"
            )
            first = phase - BD_SIZE // 2 + 1
            table[f"{name} {BD_PHASE}"] = first, _gaussian(BD_SIZE)
        name = f"blur of a 13x13 Gaussian (DUF's), then every 4th pixel from {phase} on"
        table[name] = phase - 6, _gaussian(13)
    for shift in (-2, -1, 1, 2):
        table[f"MATLAB's bicubic, shifted by {shift:+d} pixels"] = _bicubic(shift)
    return table


WRONG_MAKINGS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    name: partial(sampled, first=first, weights=weights)
    for name, (first, weights) in _table().items()
}
