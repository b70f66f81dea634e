"""tOF: whether things move in the output as they move in the truth, in pixels.

PSNR and SSIM look at one frame at a time: flicker and jitter cost them little, eyes a
lot. tOF is the mean length of the difference between the optical flow from one frame
of the output to the next and the truth's own: Chu et al., "Learning Temporal Coherence
via Self-Supervision for GAN-based Video Generation" (TecoGAN), 2020, arXiv:1811.09393.
Lower is better, and 0 is the truth's motion.

A figure depends on who estimates the flow, so one estimator is fixed: scikit-image's
iterative Lucas-Kanade (Le Besnerais and Champagnat, "Dense optical flow by iterative
local window registration", ICIP 2005) on luma, windows of 15 pixels, 5 warps at each
level of the pyramid. It is no network, so no weights under test can favour themselves;
it computes on the host, so devices make no difference; it has no randomness. The
authors' code uses OpenCV's Farneback flow and crops the border: figures of papers are
of the same kind, but not of the same scale.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping

import numpy as np

from bvsrpp_jax.errors import InputError
from bvsrpp_jax.evaluation.metrics import PEAK, luma

RADIUS = 7  # of the windows
WARPS = 5  # ten take twice as long; on real clips the truth warps no closer for it
SMALLEST = 16  # pixels a side: a window


def make_tofs() -> Callable[
    [Mapping[str, np.ndarray], np.ndarray], dict[str, float | None]
]:
    """What measures a clip's frames in their order, by one or several methods.

    Returns:
      tofs(frames, gt) -> name of each method -> pixels, from the frame before to this
      one; None at the first frame. `frames` has a frame of each method, [h, w, 3] RGB
      like gt, uint8 or floats in [0, 1].

    Raises:
      InputError: scikit-image is not installed.
    """
    motion_of_gt, motions = make_motion(), defaultdict(make_motion)

    def tofs(frames, gt):
        truly, found = motion_of_gt(gt), {}
        for name, frame in frames.items():
            if frame.shape != gt.shape:
                raise ValueError(f"{name} is {frame.shape} but gt is {gt.shape}")
            moved = motions[name](frame)
            found[name] = None if moved is None else tof_of_flows(moved, truly)
        return found

    return tofs


def make_motion() -> Callable[[np.ndarray], np.ndarray | None]:
    """What finds the motion of a clip's frames in their order.

    Its result for the ground truth serves every method that is held against it.

    Returns:
      motion(frame) -> flow [2, h, w] in (y, x) pixels from the frame before: that
      frame's (i, j) is found at (i + y, j + x). None at the first frame. Frames are
      [h, w, 3] RGB, uint8 or floats in [0, 1], with sides of 16 or more.

    Raises:
      InputError: scikit-image is not installed.
    """
    estimate = _estimator()
    before = None

    def motion(frame: np.ndarray) -> np.ndarray | None:
        nonlocal before
        first, before = before, _grey(frame)
        if first is None:
            return None
        if first.shape != before.shape:
            raise ValueError(f"a frame is {before.shape} after one of {first.shape}")
        return estimate(first, before, radius=RADIUS, num_warp=WARPS)

    return motion


def tof_of_flows(output: np.ndarray, gt: np.ndarray) -> float:
    """Mean length of the difference of two flows [2, h, w], in pixels."""
    difference = np.subtract(output, gt, dtype=np.float64)
    return float(np.hypot(*difference).mean())


def _grey(frame: np.ndarray) -> np.ndarray:
    """Luma [h, w] in [0, 1], float32."""
    if frame.ndim != 3 or frame.shape[-1] != 3 or min(frame.shape[:2]) < SMALLEST:
        raise ValueError(
            f"frame has shape {frame.shape}; need [h, w, 3] of {SMALLEST} pixels a side"
        )
    codes = frame if frame.dtype == np.uint8 else PEAK * frame
    return np.float32(luma(codes) / PEAK)


def _estimator() -> Callable[..., np.ndarray]:
    try:
        from skimage.registration import optical_flow_ilk
    except ImportError as error:
        raise InputError(
            "metrics: tof needs scikit-image. Install bvsrpp-jax[eval]."
        ) from error
    return optical_flow_ilk
