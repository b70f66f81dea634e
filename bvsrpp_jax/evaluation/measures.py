"""Which values are taken of every frame, and how: a protocol's arithmetic by name."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from bvsrpp_jax.errors import InputError
from bvsrpp_jax.evaluation import temporal
from bvsrpp_jax.evaluation.clips import EvaluationClip
from bvsrpp_jax.evaluation.metrics import Channel, Rounding, prepare, psnr, ssim
from bvsrpp_jax.evaluation.similarity import SSIM_WINDOW

# (method -> its frame, ground truth) -> method -> metric -> value, or NaN.
Meter = Callable[
    [Mapping[str, np.ndarray], np.ndarray], Mapping[str, Mapping[str, float]]
]

# Name -> (frames, ground truth, channel, border) -> a value for each frame.
FRAME_METRICS = {"psnr": psnr, "ssim": ssim}
TEMPORAL_METRICS = ("tof",)
SMALLEST = {"psnr": 1, "ssim": SSIM_WINDOW, "tof": temporal.SMALLEST}  # pixels a side
HIGHER_IS_BETTER = {"psnr": True, "ssim": True, "tof": False}


@dataclass(frozen=True)
class Measures:
    """What is measured.

    Attributes:
      metrics: names, of `FRAME_METRICS` and `TEMPORAL_METRICS`; the first decides which
        frames are worst.
      channel: "rgb", or "y" for luma only.
      border: pixels left out along each of the four sides.
      rounding: "uint8" rounds every frame to 8 bits before it is measured, as the
        published figures are; "none" only clips it, as newer code does.
    """

    metrics: Sequence[str] = ("psnr", "ssim")
    channel: Channel = "rgb"
    border: int = 0
    rounding: Rounding = "uint8"

    def check(self) -> None:
        """Raises an `InputError` for what cannot be measured."""
        for name in self.metrics:
            if name not in HIGHER_IS_BETTER:
                known = ", ".join(HIGHER_IS_BETTER)
                raise InputError(
                    f"metrics: {name!r} is not known. Choose from {known}."
                )
        if not self.metrics or len(set(self.metrics)) != len(self.metrics):
            raise InputError("metrics: none, or one twice. Name each once.")
        if self.channel not in ("rgb", "y"):
            raise InputError(f"channel: {self.channel!r}. Choose rgb or y.")
        if self.rounding not in ("uint8", "none"):
            raise InputError(f"rounding: {self.rounding!r}. Choose uint8 or none.")
        if self.border < 0:
            raise InputError(f"border: {self.border} pixels. Choose 0 or more.")

    def check_clips(self, clips: Sequence[EvaluationClip]) -> None:
        """Raises an `InputError` for clips whose frames are too small to measure."""
        least = max(SMALLEST[name] for name in self.metrics)
        for clip in clips:
            height, width = clip.size
            if min(height, width) - 2 * self.border < least:
                raise InputError(
                    f"{clip.name}: frames of {width}x{height} less a border of"
                    f" {self.border} are too small; {', '.join(self.metrics)} need"
                    f" {least} pixels a side. Leave the clip or the metric out."
                )

    def meter(self) -> Meter:
        """What measures the frames of one clip, in order, by one or several methods.

        Frames are [h, w, 3], uint8 or float in [0, 1], as `prepare` gives them.
        """
        options = {"channel": self.channel, "border": self.border}
        tof = temporal.make_tofs() if "tof" in self.metrics else None

        def meter(frames, gt):
            values = {
                method: {
                    name: float(metric(frame[None], gt[None], **options)[0])
                    for name, metric in FRAME_METRICS.items()
                    if name in self.metrics
                }
                for method, frame in frames.items()
            }
            if tof is not None:
                for method, value in tof(frames, gt).items():
                    values[method]["tof"] = math.nan if value is None else value
            return values

        return meter

    def prepare(self, frame: np.ndarray) -> np.ndarray:
        """A frame, uint8 or float, as it is measured."""
        return prepare(frame, rounding=self.rounding)


def badness(metric: str, value: float) -> float:
    """A value as a number that is the higher the worse; a missing one is no worse."""
    if math.isnan(value):
        return -math.inf
    return -value if HIGHER_IS_BETTER[metric] else value
