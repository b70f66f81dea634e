"""How far two frames that belong together are from one another."""

import math
from typing import NamedTuple

import numpy as np

from bvsrpp_jax.comparison.pairs import Pair
from bvsrpp_jax.comparison.scaling import as_type, resized
from bvsrpp_jax.evaluation.metrics import SSIM_WINDOW, psnr, ssim


class Score(NamedTuple):
    """PSNR and SSIM of luma, as `evaluation.metrics` measures them.

    Attributes:
      pts: when the frame is shown.
      psnr: decibels; None where the frames are equal and it is infinite.
      ssim: at most 1; None where frames are smaller than its window.
    """

    pts: int
    psnr: float | None
    ssim: float | None


def score(pair: Pair, size: tuple[int, int]) -> Score:
    """Compares at `size` (width, height), to which the smaller frame is scaled."""
    eight = np.dtype(np.uint8)
    a, b = (resized(as_type(frame, eight), size)[None] for frame in pair[:2])
    decibels = float(psnr(a, b, channel="y")[0])
    similarity = None
    if min(size) >= SSIM_WINDOW:
        similarity = round(float(ssim(a, b, channel="y")[0]), 5)
    finite = math.isfinite(decibels)
    return Score(pair.pts, round(decibels, 3) if finite else None, similarity)
