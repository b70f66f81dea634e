"""Filtering and keeping every s-th pixel, for a window of the result.

The sums run over the taps in one fixed order, pixel by pixel, so that a window is equal
to that window of the whole result to the last bit. (A matrix product may add in another
order for another size, and a value half-way between two levels then tips over.)
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

Window = tuple[slice, slice]  # rows and columns
EVERYTHING: Window = (slice(None), slice(None))


class Decimator(NamedTuple):
    """One axis of a filter that keeps every `step`-th pixel.

    Attributes:
      weights: [taps] float64, symmetric, of sum 1.
      first: where the first tap of result pixel 0 lies, in input pixels.
      step: input pixels from one result pixel to the next.
      at_border: (indices, size) -> indices inside of what stands for pixels outside.
      length: input size -> result size.
    """

    weights: np.ndarray
    first: int
    step: int
    at_border: Callable[[np.ndarray, int], np.ndarray]
    length: Callable[[int], int]


def decimate(
    image: np.ndarray, decimator: Decimator, window: Window = EVERYTHING
) -> np.ndarray:
    """Filters and subsamples rows and columns.

    Reads only what the window needs; pixels beyond it are the image's own, and the
    border rule applies at the image's border alone.

    Args:
      image: [..., h, w, c] uint8.
      decimator: what to do along each axis.
      window: the rows and columns of the result that are wanted.

    Returns:
      [..., rows, columns, c] uint8, clipped, halves rounded up.

    Raises:
      ValueError: the window leaves the result.
    """
    height, width = image.shape[-3:-1]
    rows = _taps(decimator, height, window[0])
    columns = _taps(decimator, width, window[1])
    needed = _take(_take(image, rows, axis=-3), columns, axis=-2)
    frames = needed.reshape(-1, *needed.shape[-3:])
    # A frame at a time stays in the cache.
    results = np.stack([_filter_both(frame, decimator) for frame in frames])
    return results.reshape(*image.shape[:-3], *results.shape[1:])


def _filter_both(image: np.ndarray, decimator: Decimator) -> np.ndarray:
    """[h, w, c] uint8 -> [rows, columns, c] uint8."""
    # Sums of two pixels are exact in 16 bits, and fast.
    across = _filter(np.ascontiguousarray(image), decimator, pairs=np.uint16)
    turned = np.ascontiguousarray(across.swapaxes(0, 1))
    both = _filter(turned, decimator, pairs=np.float64).swapaxes(0, 1)
    return np.floor(np.clip(both, 0, 255) + 0.5).astype(np.uint8)


def _filter(image: np.ndarray, decimator: Decimator, *, pairs: type) -> np.ndarray:
    """Filters the first axis, two taps of equal weight at a time, in float64."""
    weights, step = decimator.weights, decimator.step
    taps = len(weights)
    reach = len(image) - taps + 1
    total = np.zeros((len(range(0, reach, step)), *image.shape[1:]))
    for k in range(taps // 2):
        last = taps - 1 - k
        pair = np.add(
            image[k : k + reach : step], image[last : last + reach : step], dtype=pairs
        )
        total += weights[k] * pair
    if taps % 2:
        middle = taps // 2
        total += weights[middle] * image[middle : middle + reach : step]
    return total


def _taps(decimator: Decimator, size: int, wanted: slice) -> np.ndarray:
    """The input indices of all taps of the wanted results, in order, inside."""
    length = decimator.length(size)
    begin, end, stride = wanted.indices(length)
    if stride != 1 or begin >= end or (wanted.stop or end) > length:
        raise ValueError(f"window is {wanted}; the result has {length} pixels")
    count = decimator.step * (end - begin - 1) + len(decimator.weights)
    taps = decimator.first + decimator.step * begin + np.arange(count)
    return decimator.at_border(taps, size)


def _take(image: np.ndarray, index: np.ndarray, *, axis: int) -> np.ndarray:
    """Picks along an axis; a view where nothing outside the image is asked for."""
    first, end = index.min(), index.max() + 1
    part = image[(..., slice(first, end), *(slice(None),) * (-axis - 1))]
    return part if end - first == len(index) else part.take(index - first, axis)
