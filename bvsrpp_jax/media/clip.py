"""What a clip is, whether it comes from a video file or from a folder of pictures."""

from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple

import numpy as np

from bvsrpp_jax.media.color import Color
from bvsrpp_jax.media.hdr import Light


class Frame(NamedTuple):
    """One picture and the moment it is shown.

    Attributes:
      pixels: [h, w, 3] RGB as it is displayed (upright): uint8, or uint16 over the full
        range 0 to 65535 when the source has more than eight bits.
      pts: time of display, in units of the clip's `time_base`.
      duration: how long it is shown, in the same units, 0 when that is not said. It
        decides for the last frame; every other one is shown until the next.
    """

    pixels: np.ndarray
    pts: int
    duration: int = 0


@dataclass(frozen=True)
class ClipInfo:
    """What is known of a clip before its frames are read.

    Attributes:
      name: the file or folder, for messages.
      width, height: of an upright frame, in pixels.
      deep: whether frames have more than eight bits (uint16 instead of uint8).
      rate: average frames a second. Timestamps rule; this is for estimates and hints.
      time_base: seconds in one unit of `Frame.pts`.
      num_frames: how many frames will come, None when only reading tells. An estimate
        where the container stores a duration instead of a count.
      color: how the source codes its pixels.
      sample_aspect_ratio: width of a pixel over its height, of the upright frame.
      is_counted: `num_frames` is a count, not an estimate.
      light: static HDR metadata.
    """

    name: str
    width: int
    height: int
    deep: bool
    rate: Fraction
    time_base: Fraction
    num_frames: int | None
    color: Color
    sample_aspect_ratio: Fraction = Fraction(1)
    is_counted: bool = False
    light: Light = Light()

    @property
    def dtype(self) -> np.dtype:
        """Type of the pixels of every frame."""
        return np.dtype(np.uint16 if self.deep else np.uint8)
