"""How the field makes low-resolution frames: MATLAB bicubic (BI) and blur (BD).

Every published x4 result stands on one of these two degradations. Pillow, OpenCV
and `jax.image` all have a "bicubic" that is not MATLAB's: another kernel constant,
no antialiasing, or another border. These functions are plain NumPy because data is
prepared on the host.

BI: `imresize(image, scale, "bicubic")`, kernel constant -1/2, widened by 1/scale
when shrinking (antialiasing), symmetric border.
BD: Gaussian of standard deviation 1.6 in a 12x12 window, then every fourth pixel
from index 1 on (the released BD test sets; another size or phase costs decibels).

`bicubic_downsample` and `blur_downsample` make eight-bit frames and can be asked for a
window of them alone, which is what training on crops does.
"""

import math
from fractions import Fraction

import numpy as np
from numpy.typing import ArrayLike

from bvsrpp_jax.data.decimation import EVERYTHING, Decimator, Window, decimate

ROWS = 16  # of a resizing matrix at a time
PRODUCT = 2**17  # multiplications at a time; OpenBLAS starts its threads at 2^18

BD_SCALE = 4
BD_SIGMA = 1.6
BD_SIZE = 12  # 2 * ceil(3 * 1.6) + 2: even, its centre lies between two pixels
BD_ANCHOR = 5  # window index that lies on the pixel itself
BD_PHASE = 1  # first pixel kept


def bicubic_resize(image: ArrayLike, scale: float) -> np.ndarray:
    """Resizes images the way MATLAB's `imresize(..., "bicubic")` does.

    Args:
      image: [..., h, w, c], floats of any range.
      scale: output over input size; below 1 shrinks, with antialiasing.

    Returns:
      [..., ceil(scale*h), ceil(scale*w), c] floats, not clipped: bicubic overshoots.

    Raises:
      ValueError: `image` is no such array or `scale` is not positive.

    Example:
      >>> from bvsrpp_jax.data.degradations import bicubic_resize
      >>> gt = np.full((256, 320, 3), 0.5)
      >>> lq = bicubic_resize(gt, 1 / 4)
      >>> lq.shape, bool(np.allclose(lq, 0.5))
      ((64, 80, 3), True)
    """
    image = np.asarray(image)
    if image.ndim < 3:
        raise ValueError(f"image has shape {image.shape}; need [..., h, w, c]")
    if not np.issubdtype(image.dtype, np.floating):
        raise ValueError(f"image has dtype {image.dtype}; need floats (divide by 255)")
    if scale <= 0:
        raise ValueError(f"scale is {scale}; need a positive number")
    h, w = image.shape[-3:-1]
    planes = np.ascontiguousarray(np.moveaxis(image, -1, -3))  # [..., c, h, w]
    tall = _apply(resize_matrix(h, scale), planes, axis=-2)
    return np.moveaxis(_apply(resize_matrix(w, scale), tall, axis=-1), -3, -1)


def to_uint8(image: np.ndarray) -> np.ndarray:
    """Floats in [0, 1] of any shape -> uint8, clipped, rounded half to even."""
    return np.round(255 * np.clip(image, 0, 1)).astype(np.uint8)


def resize_matrix(size: int, scale: float) -> np.ndarray:
    """The weights of one axis of `bicubic_resize`.

    Args:
      size: input length in pixels.
      scale: output over input size.

    Returns:
      [ceil(scale*size), size] float64; each row sums to 1.
    """
    stretch = min(scale, 1.0)  # the kernel widens only when the image shrinks
    support = 4.0 / stretch
    length = math.ceil(size * scale)
    centre = (np.arange(length) + 0.5) / scale - 0.5  # pixel centres, 0-based
    first = np.floor(centre - support / 2).astype(int)
    taps = first[:, None] + np.arange(math.ceil(support) + 2)  # [length, taps]
    weights = cubic_kernel(stretch * (centre[:, None] - taps))
    weights /= weights.sum(axis=1, keepdims=True)
    matrix = np.zeros((length, size))
    np.add.at(matrix, (np.arange(length)[:, None], _mirror(taps, size)), weights)
    return matrix


def cubic_kernel(x: np.ndarray) -> np.ndarray:
    """Keys' cubic convolution kernel with constant -1/2, zero from |x| = 2 on."""
    x = np.abs(x)
    near = (1.5 * x - 2.5) * x**2 + 1
    far = ((-0.5 * x + 2.5) * x - 4) * x + 2
    return np.where(x <= 1, near, np.where(x < 2, far, 0.0))


def bicubic_downsample(
    image: np.ndarray, scale: int = 4, *, window: Window = EVERYTHING
) -> np.ndarray:
    """The BI degradation: `bicubic_resize` by 1/scale, in eight bits.

    Exact for 2, 4 and 8, whose weights are whole multiples of a power of two.

    Args:
      image: [..., h, w, c] uint8.
      scale: a whole number from 2 on.
      window: rows and columns of the result that are wanted; all by default. It equals
        that window of the whole result to the last bit.

    Returns:
      [..., ceil(h/scale), ceil(w/scale), c] uint8, or the window of it; halves rounded
      up, as MATLAB does.

    Raises:
      ValueError: `image` is not uint8, or the window leaves the result.
    """
    _check_uint8(image, "BI in eight bits")
    return decimate(image, _bicubic_decimator(scale), window)


def bicubic_shrink(image: np.ndarray, scale: Fraction) -> np.ndarray:
    """The BI degradation by any factor, such as 3 or 5/2.

    Args:
      image: [h, w, c] uint8.
      scale: how many times smaller the result is; above 1.

    Returns:
      [ceil(h/scale), ceil(w/scale), c] uint8, halves rounded up.

    Raises:
      ValueError: `image` is not uint8.
    """
    _check_uint8(image, "BI in eight bits")
    if scale in (2, 4, 8):
        return bicubic_downsample(image, int(scale))
    height, width = (math.ceil(side / scale) for side in image.shape[:2])
    resized = bicubic_resize(image.astype(np.float64), float(1 / scale))
    # The product of a side with the rounded 1/scale may end up above a whole number.
    resized = resized[:height, :width].clip(0, 255)
    # A half stays one, in whichever order the processor has added (errors of 1e-12).
    return np.floor(resized + (0.5 + 1e-9)).astype(np.uint8)


def blur_downsample(image: np.ndarray, *, window: Window = EVERYTHING) -> np.ndarray:
    """The BD degradation: Gaussian blur, then every fourth pixel.

    Args:
      image: [..., h, w, c] uint8.
      window: rows and columns of the result that are wanted; all by default. It equals
        that window of the whole result to the last bit.

    Returns:
      [..., ceil((h-3)/4), ceil((w-3)/4), c] uint8, or the window of it; halves rounded
      up. They are pixels 1, 5, 9, ... up to the third from the end.

    Raises:
      ValueError: `image` is not uint8, a side is below 4, or the window leaves the
        result.

    Example:
      >>> from bvsrpp_jax.data.degradations import blur_downsample
      >>> blur_downsample(np.full((256, 320, 3), 128, np.uint8)).shape
      (64, 80, 3)
    """
    _check_uint8(image, "BD")
    height, width = image.shape[-3:-1]
    if min(height, width) < BD_SCALE:
        raise ValueError(f"image is {width}x{height}; need sides of at least 4")
    return decimate(image, _blur_decimator(), window)


def _check_uint8(image: np.ndarray, name: str) -> None:
    if image.dtype != np.uint8:
        raise ValueError(f"image has dtype {image.dtype}; {name} is defined on uint8")


def _bicubic_decimator(scale: int) -> Decimator:
    """The kernel of `resize_matrix`, of which 4 * scale pixels are not zero."""
    centre = (scale - 1) / 2  # of the first result pixel
    taps = np.arange(math.floor(centre - 2 * scale) + 1, math.ceil(centre + 2 * scale))
    weights = cubic_kernel((taps - centre) / scale)
    return Decimator(
        weights=weights / weights.sum(),
        first=int(taps[0]),
        step=scale,
        at_border=_mirror,
        length=lambda size: math.ceil(size / scale),
    )


def _blur_decimator() -> Decimator:
    """Samples outside repeat the border pixel."""
    window = np.arange(BD_SIZE) - (BD_SIZE - 1) / 2
    weights = np.exp(-(window**2) / (2 * BD_SIGMA**2))
    return Decimator(
        weights=weights / weights.sum(),
        first=BD_PHASE - BD_ANCHOR,
        step=BD_SCALE,
        at_border=lambda index, size: np.clip(index, 0, size - 1),
        length=lambda size: len(range(BD_PHASE, size - 2, BD_SCALE)),
    )


def _apply(matrix: np.ndarray, planes: np.ndarray, *, axis: int) -> np.ndarray:
    """Multiplies one of the two last axes by a banded matrix, in small pieces.

    A piece reads only the inputs that its rows touch: the whole product would spend
    most of its time on zeros. It is too small for a BLAS to share among threads, which
    wait for one another where other work has the cores: 500 ms, not 10, were seen.
    """
    length = len(matrix)
    shape = (length, planes.shape[-1]) if axis == -2 else (planes.shape[-2], length)
    product = np.empty((*planes.shape[:-2], *shape), planes.dtype)
    matrix = matrix.astype(planes.dtype)
    source, target = (np.moveaxis(x, axis, -2) for x in (planes, product))
    for top in range(0, length, ROWS):
        rows = matrix[top : top + ROWS]
        touched = np.flatnonzero(rows.any(axis=0))
        rows = rows[:, touched[0] : touched[-1] + 1]
        width = max(1, PRODUCT // rows.size)
        for left in range(0, source.shape[-1], width):
            part = slice(left, left + width)
            read = source[..., touched[0] : touched[-1] + 1, part]
            np.matmul(rows, read, out=target[..., top : top + ROWS, part])
    return product


def _mirror(index: np.ndarray, size: int) -> np.ndarray:
    """Reflects indices at the borders, the border pixel repeated (symmetric)."""
    index = np.mod(index, 2 * size)
    return np.minimum(index, 2 * size - 1 - index)
