"""What of a clip is worth looking at: its worst frame, a row of pixels over time."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np


class ClipPictures(NamedTuple):
    """Pictures of one clip.

    Attributes:
      worst: number of the frame with the network's lowest value of the first metric.
      frames: that frame: "input", "bicubic", "output", "gt", each uint8 [h, w, 3]; no
        "bicubic" where the input has the output's size.
      profiles: the middle row of every scored frame, one below the other: "bicubic" or
        "input", "output", "gt", each uint8 [t, w, 3]. A still scene makes vertical
        stripes; what trembles makes them ragged.
    """

    worst: int
    frames: Mapping[str, np.ndarray]
    profiles: Mapping[str, np.ndarray]
