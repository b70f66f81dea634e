"""Training samples from prepared arrays, as the bundled model was trained on.

A folder holds `train/photographs/*.npy` [h, w, 3] and `train/clips/*.npy`
[t, h, w, 3], uint8 (`prepare_lite`). A sample is either filmed over photographs by a
virtual camera or cut from a real clip; the low-resolution input is MATLAB bicubic,
rounded to 8 bit, as in the BI test sets.
"""

from dataclasses import KW_ONLY, dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from bvsrpp_jax.data.degradations import bicubic_resize, to_uint8
from bvsrpp_jax.data.samples import Sample, to_float
from bvsrpp_jax.data.transforms import draw_flips, draw_window, flip
from bvsrpp_jax.data.virtual_camera import film
from bvsrpp_jax.errors import InputError

_KINDS = ("photographs", "clips")


class Prepared(NamedTuple):
    """The arrays of one split.

    Attributes:
      photographs: [h, w, 3] uint8 each.
      clips: [t, h, w, 3] uint8 each.
      folder: where they are mapped into memory from, None for arrays made in memory.
    """

    photographs: list[np.ndarray]
    clips: list[np.ndarray]
    folder: Path | None = None

    def __reduce__(self):
        """Another process maps the files itself; pickled, they would be copied."""
        if self.folder is None:
            return Prepared, tuple(self)
        return open_prepared, (self.folder,)


def open_prepared(folder: Path, needs: tuple[str, ...] = ()) -> Prepared:
    """Maps all arrays of a split.

    Args:
      folder: holds `photographs/*.npy` and `clips/*.npy`.
      needs: which of the two must not be empty.

    Raises:
      InputError: one of them is empty, or a file of them is not an array.
    """
    photographs, clips = (_map_arrays(folder / kind) for kind in _KINDS)
    prepared = Prepared(photographs, clips, folder)
    for kind in needs:
        if not getattr(prepared, kind):
            raise InputError(
                f"{folder / kind}: no .npy file. Run "
                "python -m bvsrpp_jax.data.prepare_lite, and name its output."
            )
    return prepared


def _map_arrays(folder: Path) -> list[np.ndarray]:
    arrays = []
    for path in sorted(folder.glob("*.npy")):
        try:
            arrays.append(np.load(path, mmap_mode="r"))
        except (ValueError, EOFError) as error:
            raise InputError(f"{path}: {error}. Prepare it again.") from error
    return arrays


@dataclass(frozen=True)
class PreparedSamples:
    """Samples that a virtual camera films or that are cut from clips.

    Attributes:
      prepared: the sources.
      seed: of the run.
      num_frames: pairs (step, frames a sample from this step on), ascending from
        step 0: short clips first show more scenes in the same time.
      crop_size: side in ground-truth pixels, a multiple of the scale.
      filmed: share of samples that a virtual camera films.
      occlusion: share of those with a second photograph moving in front.
      scale: ground-truth pixels a side of an input pixel, 2 or more.

    Raises:
      ValueError: the scale is 1, at which there would be nothing to restore, or does
        not divide the crop.
    """

    prepared: Prepared
    _: KW_ONLY
    seed: int
    num_frames: tuple[tuple[int, int], ...]
    crop_size: int
    filmed: float
    occlusion: float
    scale: int = 4

    def __post_init__(self):
        if self.scale < 2:
            raise ValueError(
                "scale: 1 leaves nothing to restore of clips that are only made smaller"
            )
        if self.crop_size % self.scale:
            raise ValueError(
                f"crop_size: {self.crop_size} is no multiple of scale, {self.scale}"
            )

    def draw(self, step: int, i: int) -> Sample:
        """Makes one sample, as `Samples.draw`."""
        rng, is_filmed = self._choose(step, i)
        if is_filmed:
            frames = film(
                self.prepared.photographs,
                num_frames=self._length(step),
                size=self.crop_size,
                occlusion=self.occlusion,
                rng=rng,
            )
        else:
            frames = cut(
                self.prepared.clips,
                num_frames=self._length(step),
                size=self.crop_size,
                rng=rng,
            )
        gt = flip(frames, draw_flips(rng, time_reversal=True))
        return degrade(gt, scale=self.scale)

    def describe(self, step: int, i: int) -> str:
        """What kind of sample it is, as `Samples.describe`."""
        _, is_filmed = self._choose(step, i)
        kind = "filmed photograph" if is_filmed else "cut clip"
        return f"{kind} of {self._length(step)} frames, seed {[self.seed, step, i]}"

    def _choose(self, step: int, i: int) -> tuple[np.random.Generator, bool]:
        rng = np.random.default_rng([self.seed, step, i])
        return rng, rng.random() < self.filmed

    def _length(self, step: int) -> int:
        return [frames for start, frames in self.num_frames if start <= step][-1]


def cut(
    clips: list[np.ndarray], *, num_frames: int, size: int, rng: np.random.Generator
) -> np.ndarray:
    """Cuts a window out of a random clip, every frame or every second one.

    Returns:
      [num_frames, size, size, 3] uint8.

    Raises:
      ValueError: the clip is too short or too small.
    """
    clip = clips[rng.integers(len(clips))]
    stride = 1 + rng.integers(2) if len(clip) > 2 * num_frames else 1
    length = stride * (num_frames - 1) + 1
    if len(clip) < length:
        raise ValueError(f"clip has {len(clip)} frames; need {length} (num_frames)")
    start = rng.integers(len(clip) - length + 1)
    rows, columns = draw_window(*clip.shape[1:3], size, rng)
    return clip[start : start + length : stride, rows, columns]


def degrade(gt: np.ndarray, *, scale: int = 4) -> Sample:
    """Ground truth [..., h, w, 3] uint8 and its input, as floats in [0, 1]."""
    gt = to_float(gt)
    return {"lq": to_float(to_uint8(bicubic_resize(gt, 1 / scale))), "gt": gt}
