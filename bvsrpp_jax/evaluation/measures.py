"""Which values are taken of every frame, and how: a protocol's arithmetic by name."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from bvsrpp_jax.errors import InputError
from bvsrpp_jax.evaluation.metrics import Channel, Rounding, prepare, psnr, ssim

Meter = Callable[[np.ndarray, np.ndarray], Mapping[str, float]]

# Name -> (frames, ground truth, channel, border) -> a value for each frame.
FRAME_METRICS = {"psnr": psnr, "ssim": ssim}
HIGHER_IS_BETTER = {"psnr": True, "ssim": True}


@dataclass(frozen=True)
class Measures:
    """What is measured.

    Attributes:
      metrics: names, of `FRAME_METRICS`; the first decides which frames are worst.
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
            if name not in FRAME_METRICS:
                raise InputError(
                    f"metrics: {name!r} is not known. Choose from"
                    f" {', '.join(FRAME_METRICS)}."
                )
        if not self.metrics or len(set(self.metrics)) != len(self.metrics):
            raise InputError("metrics: none, or one twice. Name each once.")
        if self.channel not in ("rgb", "y"):
            raise InputError(f"channel: {self.channel!r}. Choose rgb or y.")
        if self.rounding not in ("uint8", "none"):
            raise InputError(f"rounding: {self.rounding!r}. Choose uint8 or none.")
        if self.border < 0:
            raise InputError(f"border: {self.border} pixels. Choose 0 or more.")

    def meter(self) -> Meter:
        """What measures the frames of one clip, in order.

        Returns:
          meter(frame, gt) -> a value for each metric; both [h, w, 3], uint8 or float in
          [0, 1], as `prepare` gives them.
        """
        options = {"channel": self.channel, "border": self.border}

        def meter(frame: np.ndarray, gt: np.ndarray) -> dict[str, float]:
            return {
                name: float(FRAME_METRICS[name](frame[None], gt[None], **options)[0])
                for name in self.metrics
            }

        return meter

    def prepare(self, frame: np.ndarray) -> np.ndarray:
        """A frame, uint8 or float, as it is measured."""
        return prepare(frame, rounding=self.rounding)
