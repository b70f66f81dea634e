"""PSNR and SSIM as the published BasicVSR++ tables measure them.

Both take uint8 frames, because the tables round every frame to 8 bits before they
compare it, and both give one value per frame: average over a clip's frames first,
then over clips.

Y is the luma of ITU-R BT.601 in studio range (16 to 235), kept unrounded.
SSIM is that of Wang et al., "Image quality assessment: from error visibility to
structural similarity" (2004): an 11x11 Gaussian window of standard deviation 1.5,
only windows that lie wholly inside the frame, colour channels averaged.

Everything is float64 NumPy: the variances of SSIM are differences of nearly equal
numbers, and float32 loses four digits of them.
"""

from typing import Literal

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

Channel = Literal["rgb", "y"]

PEAK = 255.0
LUMA_WEIGHTS = np.array([65.481, 128.553, 24.966]) / 255  # of R, G, B in 0..255
LUMA_OFFSET = 16.0

SSIM_WINDOW = 11
SSIM_SIGMA = 1.5
SSIM_C1 = (0.01 * PEAK) ** 2
SSIM_C2 = (0.03 * PEAK) ** 2


def psnr(
    a: np.ndarray, b: np.ndarray, *, channel: Channel = "rgb", border: int = 0
) -> np.ndarray:
    """Peak signal-to-noise ratio of each frame.

    Args:
      a: [t, h, w, 3] uint8, RGB.
      b: [t, h, w, 3] uint8, RGB.
      channel: "rgb" for the error over all three channels, "y" for luma only.
      border: pixels left out along each of the four sides.

    Returns:
      [t] float64, decibels; infinite where the frames are equal.

    Raises:
      ValueError: the frames are not such arrays or `border` leaves nothing.
    """
    _check(a, b, border, min_side=1)
    errors = [
        np.mean((x - y) ** 2) for x, y in _frame_pairs(a, b, channel, border)
    ]  # frame by frame: a whole clip in float64 would be eight times its size
    with np.errstate(divide="ignore"):
        return 10 * np.log10(PEAK**2 / np.array(errors))


def ssim(
    a: np.ndarray, b: np.ndarray, *, channel: Channel = "rgb", border: int = 0
) -> np.ndarray:
    """Structural similarity of each frame.

    Args:
      a: [t, h, w, 3] uint8, RGB.
      b: [t, h, w, 3] uint8, RGB.
      channel: "rgb" for the mean of the three channels' values, "y" for luma only.
      border: pixels left out along each of the four sides.

    Returns:
      [t] float64, at most 1; exactly 1 where the frames are equal.

    Raises:
      ValueError: the frames are not such arrays or `border` leaves less than
        one window of 11x11 pixels.
    """
    _check(a, b, border, min_side=SSIM_WINDOW)
    return np.array([_ssim(x, y) for x, y in _frame_pairs(a, b, channel, border)])


def luma(frames: np.ndarray) -> np.ndarray:
    """The Y of BT.601 in studio range, not rounded.

    Args:
      frames: [..., 3] RGB in 0..255.

    Returns:
      [...] float64 in 16..235.
    """
    return frames @ LUMA_WEIGHTS + LUMA_OFFSET


def _ssim(a: np.ndarray, b: np.ndarray) -> float:
    """SSIM of two planes [h, w, c], averaged over windows and channels."""
    mean_a, mean_b = _blur(a), _blur(b)
    means = mean_a**2 + mean_b**2
    product = mean_a * mean_b
    variances = _blur(a * a + b * b) - means  # their sum is all the formula needs
    covariance = _blur(a * b) - product
    luminance = (2 * product + SSIM_C1) / (means + SSIM_C1)
    structure = (2 * covariance + SSIM_C2) / (variances + SSIM_C2)
    return float(np.mean(luminance * structure))


def _blur(plane: np.ndarray) -> np.ndarray:
    """Gaussian average over each whole window: [h, w, c] -> [h-10, w-10, c]."""
    distance = np.arange(SSIM_WINDOW) - SSIM_WINDOW // 2
    weights = np.exp(-(distance**2) / (2 * SSIM_SIGMA**2))
    weights /= weights.sum()
    for axis in (0, 1):  # the window is a product of two
        plane = sliding_window_view(plane, SSIM_WINDOW, axis=axis) @ weights
    return plane


def _frame_pairs(a, b, channel, border):
    """Yields the two planes [h, w, c] in float64 of every frame."""
    if channel not in ("rgb", "y"):
        raise ValueError(f'channel is {channel!r}; need "rgb" or "y"')
    inside = slice(border, -border or None)
    for pair in zip(a, b, strict=True):
        x, y = (frame[inside, inside].astype(np.float64) for frame in pair)
        yield (x, y) if channel == "rgb" else (luma(x)[..., None], luma(y)[..., None])


def _check(a: np.ndarray, b: np.ndarray, border: int, min_side: int) -> None:
    for name, frames in (("a", a), ("b", b)):
        if frames.dtype != np.uint8 or frames.ndim != 4 or frames.shape[-1] != 3:
            raise ValueError(
                f"{name} is {frames.dtype} {frames.shape}; need uint8 [t, h, w, 3]"
            )
    if a.shape != b.shape:
        raise ValueError(f"a is {a.shape} but b is {b.shape}; need equal shapes")
    if border < 0:
        raise ValueError(f"border is {border}; need 0 or more")
    if min(a.shape[1:3]) - 2 * border < min_side:
        raise ValueError(
            f"frames of {a.shape[1]}x{a.shape[2]} less a border of {border}; "
            f"need {min_side} pixels a side"
        )
