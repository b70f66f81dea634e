"""SSIM of pictures, fast enough to stand beside a network.

The Gaussian windows are a product of two, so averages are taken along one axis, then
along the other. Eight at a time they are one small matrix product: eight overlapping
windows of 11 read 18 pixels, and a BLAS multiplies by the zeros of that band sooner
than NumPy shifts and adds. The work is cut into tiles whose arrays stay in the cache.

No product is large enough for a BLAS to share among threads (OpenBLAS does so from
2^18 multiplications on). Its threads would wait for one another beside a network that
has every core, and a value must not depend on how many there are.
"""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

PEAK = 255.0
SSIM_WINDOW = 11
SSIM_SIGMA = 1.5
SSIM_C1 = (0.01 * PEAK) ** 2
SSIM_C2 = (0.03 * PEAK) ** 2

STRIDE = 8  # windows in one product
TILE = 128, 256  # windows down and across: 1.2 MB of float64 for each four arrays


def structural_similarity(a: np.ndarray, b: np.ndarray) -> float:
    """SSIM of two pictures, averaged over all whole windows of all planes.

    Args:
      a, b: [c, h, w] of any real type, values in 0..255; sides of 11 or more.

    Returns:
      At most 1; exactly 1 where the pictures are equal.
    """
    c, h, w = a.shape
    h, w = h - SSIM_WINDOW + 1, w - SSIM_WINDOW + 1  # windows
    total = 0.0
    for top in range(0, h, TILE[0]):
        rows = slice(top, top + TILE[0] + SSIM_WINDOW - 1)
        for left in range(0, w, TILE[1]):
            columns = slice(left, left + TILE[1] + SSIM_WINDOW - 1)
            for x, y in zip(a[:, rows, columns], b[:, rows, columns], strict=True):
                total += _sum_of_tile(x, y)
    return total / (c * h * w)


def _sum_of_tile(a: np.ndarray, b: np.ndarray) -> float:
    """The sum over all windows of two planes [h, w].

    Halves of both numerators are multiplied, hence the factor: with m for means,
    (2 m_a m_b + C1) / (m_a^2 + m_b^2 + C1) * (2 cov + C2) / (var_a + var_b + C2).
    """
    h, w = (side - SSIM_WINDOW + 1 for side in a.shape)
    averages = _window_averages(_moments(a, b))[:, :h, :w]
    mean_a, mean_b, squares, product = averages
    numerator = mean_a * mean_b
    denominator = mean_a * mean_a
    mean_b *= mean_b
    denominator += mean_b
    product -= numerator  # the covariance
    squares -= denominator  # the sum of the variances
    numerator += SSIM_C1 / 2
    denominator += SSIM_C1
    product += SSIM_C2 / 2
    squares += SSIM_C2
    numerator *= product
    denominator *= squares
    numerator /= denominator
    return 4 * float(numerator.sum())


def _moments(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """a, b, a^2 + b^2 and a b, filled up with zeros: [4, h', w'] for [h, w]."""
    padded = np.zeros((4, *(_whole_strides(side) for side in a.shape)))
    moments = padded[:, : a.shape[0], : a.shape[1]]
    moments[0], moments[1] = a, b
    np.square(moments[:2], out=moments[2:])
    moments[2] += moments[3]
    np.multiply(moments[0], moments[1], out=moments[3])
    return padded


def _whole_strides(side: int) -> int:
    """The least number of pixels that holds `side` and ends with a product's last."""
    return side + (SSIM_WINDOW - 1 - side) % STRIDE


def _window_averages(planes: np.ndarray) -> np.ndarray:
    """Gaussian average over each whole window: [n, h, w] -> [n, h - 10, w - 10].

    h - 10 and w - 10 are multiples of `STRIDE`.
    """
    span = STRIDE + SSIM_WINDOW - 1
    n, h, w = planes.shape[0], *(side - SSIM_WINDOW + 1 for side in planes.shape[1:])
    reads = sliding_window_view(planes, span, axis=1)[:, ::STRIDE]  # [n, i, w, span]
    planes = (DOWN @ reads.swapaxes(2, 3)).reshape(n, h, -1)
    reads = sliding_window_view(planes, span, axis=2)[:, :, ::STRIDE]  # [n, h, j, span]
    averages = np.empty((n, h, w // STRIDE, STRIDE))
    np.matmul(reads.swapaxes(1, 2), ACROSS, out=averages.swapaxes(1, 2))
    return averages.reshape(n, h, w)


def _band() -> np.ndarray:
    """Row i averages the window that begins at pixel i: [8, 18]."""
    distance = np.arange(SSIM_WINDOW) - SSIM_WINDOW // 2
    weights = np.exp(-(distance**2) / (2 * SSIM_SIGMA**2))
    weights /= weights.sum()
    padding = np.zeros(STRIDE)
    row = np.concatenate([weights, padding])
    return np.stack(
        [np.roll(row, i)[: STRIDE + SSIM_WINDOW - 1] for i in range(STRIDE)]
    )


DOWN = _band()
ACROSS = np.ascontiguousarray(DOWN.T)  # as a view it would take three times as long
