"""PSNR and SSIM as the tables of the field measure them.

Both give one value per frame: average over a clip's frames first, then over clips.
There are two protocols, and `prepare` makes a network's output ready for either:

- "uint8": clamped and rounded to eight bits first. The published figures of BasicVSR++,
  like all of their time, are these.
- "none": clamped only, as newer code (MMagic 1.x) does. The last digits differ.

Y is the luma of ITU-R BT.601 in studio range (16 to 235), kept unrounded.
SSIM is that of Wang et al., "Image quality assessment: from error visibility to
structural similarity" (2004): an 11x11 Gaussian window of standard deviation 1.5,
only windows that lie wholly inside the frame, colour channels averaged.

Everything is float64 NumPy: the variances of SSIM are differences of nearly equal
numbers, and float32 loses four digits of them.
"""

from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike

from bvsrpp_jax.data.degradations import to_uint8
from bvsrpp_jax.evaluation.similarity import (
    PEAK,
    SSIM_WINDOW,
    structural_similarity,
)

Channel = Literal["rgb", "y"]
Rounding = Literal["uint8", "none"]

LUMA_WEIGHTS = np.array([65.481, 128.553, 24.966]) / 255  # of R, G, B in 0..255
LUMA_OFFSET = 16.0
ROWS = 64  # whose errors are summed at a time: they stay in the cache


def prepare(frames: np.ndarray, *, rounding: Rounding = "uint8") -> np.ndarray:
    """Makes frames ready to be scored.

    Args:
      frames: [..., 3], floats around [0, 1], or uint8, which stays as it is.
      rounding: "uint8" clamps and rounds half to even, "none" only clamps.

    Returns:
      The same shape, uint8 or floats in [0, 1].

    Raises:
      ValueError: unknown rounding, or a value that is not finite: rounded, it would
        pass for a black pixel.
    """
    if rounding not in get_args(Rounding):
        raise ValueError(f'rounding is {rounding!r}; need "uint8" or "none"')
    if frames.dtype == np.uint8:
        return frames
    if not np.isfinite(frames).all():
        raise ValueError("frames have values that are not finite")
    return to_uint8(frames) if rounding == "uint8" else np.clip(frames, 0, 1)


def psnr(
    a: ArrayLike, b: ArrayLike, *, channel: Channel = "rgb", border: int = 0
) -> np.ndarray:
    """Peak signal-to-noise ratio of each frame.

    Args:
      a, b: [t, h, w, 3] RGB, arrays or lists of frames, uint8 or floats in [0, 1].
      channel: "rgb" for the error over all three channels, "y" for luma only.
      border: pixels left out along each of the four sides.

    Returns:
      [t] float64, decibels; infinite where the frames are equal.

    Raises:
      ValueError: the frames are not such arrays or `border` leaves nothing.

    Example:
      >>> from bvsrpp_jax.evaluation.metrics import psnr
      >>> gt = np.zeros((2, 16, 16, 3), np.uint8)
      >>> psnr(gt + np.uint8(1), gt).round(2)  # off by one code everywhere
      array([48.13, 48.13])
    """
    a, b = np.asarray(a), np.asarray(b)
    _check(a, b, border, min_side=1)
    errors = [_mean_square(x, y) for x, y in _frame_pairs(a, b, channel, border)]
    with np.errstate(divide="ignore"):
        return 10 * np.log10(PEAK**2 / np.array(errors))


def ssim(
    a: ArrayLike, b: ArrayLike, *, channel: Channel = "rgb", border: int = 0
) -> np.ndarray:
    """Structural similarity of each frame.

    Args:
      a, b: [t, h, w, 3] RGB, arrays or lists of frames, uint8 or floats in [0, 1].
      channel: "rgb" for the mean of the three channels' values, "y" for luma only.
      border: pixels left out along each of the four sides.

    Returns:
      [t] float64, at most 1; exactly 1 where the frames are equal.

    Raises:
      ValueError: the frames are not such arrays or `border` leaves less than
        one window of 11x11 pixels.

    Example:
      >>> from bvsrpp_jax.evaluation.metrics import ssim
      >>> gt = np.random.default_rng(0).random((2, 16, 16, 3))
      >>> ssim(gt, gt, channel="y", border=2)
      array([1., 1.])
    """
    a, b = np.asarray(a), np.asarray(b)
    _check(a, b, border, min_side=SSIM_WINDOW)
    pairs = _frame_pairs(a, b, channel, border)
    return np.array([structural_similarity(x, y) for x, y in pairs])


def luma(frames: np.ndarray) -> np.ndarray:
    """The Y of BT.601 in studio range, not rounded.

    Args:
      frames: [..., 3] RGB in 0..255.

    Returns:
      [...] float64 in 16..235.
    """
    # No matrix product, which a BLAS might share among threads.
    red, green, blue = (LUMA_WEIGHTS[i] * frames[..., i] for i in range(3))
    return red + green + blue + LUMA_OFFSET


def _mean_square(a: np.ndarray, b: np.ndarray) -> float:
    """Of the difference of two pictures [c, h, w]."""
    total = 0.0
    for top in range(0, a.shape[1], ROWS):
        rows = slice(top, top + ROWS)
        error = np.subtract(a[:, rows], b[:, rows], dtype=np.float64)
        total += np.square(error, out=error).sum()
    return total / a.size


def _frame_pairs(a, b, channel, border):
    """Yields the two pictures [c, h, w], in 0..255, of every frame.

    Frame by frame: a whole clip in float64 would be eight times its size.
    """
    if channel not in get_args(Channel):
        raise ValueError(f'channel is {channel!r}; need "rgb" or "y"')
    inside = slice(border, -border or None)
    for pair in zip(a, b, strict=True):
        yield tuple(_planes(frame[inside, inside], channel) for frame in pair)


def _planes(frame: np.ndarray, channel: Channel) -> np.ndarray:
    planes = np.ascontiguousarray(np.moveaxis(frame, -1, 0))
    if planes.dtype != np.uint8:
        planes = np.multiply(planes, PEAK, dtype=np.float64)
    return planes if channel == "rgb" else luma(np.moveaxis(planes, 0, -1))[None]


def _check(a: np.ndarray, b: np.ndarray, border: int, min_side: int) -> None:
    _check_frames("a", a)
    _check_frames("b", b)
    if a.shape != b.shape:
        raise ValueError(f"a is {a.shape} but b is {b.shape}; need equal shapes")
    if border < 0:
        raise ValueError(f"border is {border}; need 0 or more")
    if min(a.shape[1:3]) - 2 * border < min_side:
        raise ValueError(
            f"frames of {a.shape[1]}x{a.shape[2]} less a border of {border}; "
            f"need {min_side} pixels a side"
        )


def _check_frames(name: str, frames: np.ndarray) -> None:
    is_float = np.issubdtype(frames.dtype, np.floating)
    if not (is_float or frames.dtype == np.uint8):
        raise ValueError(f"{name} is {frames.dtype}; need uint8 or floats in [0, 1]")
    if frames.ndim != 4 or frames.shape[-1] != 3:
        raise ValueError(f"{name} has shape {frames.shape}; need [t, h, w, 3]")
    if is_float and not (np.all(frames >= 0) and np.all(frames <= 1)):
        raise ValueError(f"{name} leaves [0, 1]; `prepare` clamps it")
