"""What of a clip is worth looking at: its worst frame, a row of pixels over time."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from bvsrpp_jax.data.degradations import to_uint8

_PROFILE_FRAMES = 600  # from the first on


class ClipPictures(NamedTuple):
    """Pictures of one clip.

    Attributes:
      worst: number of the frame with the network's lowest value of the first metric.
      frames: that frame: "output", "gt", "input" if there is one, and "bicubic" if that
        is smaller, each uint8 [h, w, 3].
      profiles: the middle row of every scored frame, one below the other: "output",
        "gt", and "bicubic" or else "input", each uint8 [t, w, 3]. A still scene
        makes vertical stripes; what trembles makes them ragged.
    """

    worst: int
    frames: Mapping[str, np.ndarray]
    profiles: Mapping[str, np.ndarray]


class PictureKeeper:
    """Picks the pictures of a clip while its frames go by."""

    def __init__(self):
        self._worst = None
        self._rows: dict[str, list[np.ndarray]] = {}
        self._num_frames = 0

    def add(self, number: int, views: Mapping[str, np.ndarray], badness: float) -> None:
        """Looks at one frame.

        Args:
          number: of the frame.
          views: "output", "gt", perhaps "input" and "bicubic", [h, w, 3], uint8 or
            float in [0, 1].
          badness: the frame with the highest is the worst.
        """
        if self._worst is None or badness > self._worst[0]:
            self._worst = (
                badness,
                number,
                {name: _as_codes(view) for name, view in views.items()},
            )
        if self._num_frames < _PROFILE_FRAMES:
            for name, view in views.items():
                if name != "input" or "bicubic" not in views:
                    row = _as_codes(view[view.shape[0] // 2])
                    self._rows.setdefault(name, []).append(row)
        self._num_frames += 1

    def kept(self) -> ClipPictures:
        """The pictures, after at least one frame."""
        _, number, frames = self._worst
        profiles = {name: np.stack(rows) for name, rows in self._rows.items()}
        return ClipPictures(number, frames, profiles)


def _as_codes(picture: np.ndarray) -> np.ndarray:
    return picture if picture.dtype == np.uint8 else to_uint8(picture)
