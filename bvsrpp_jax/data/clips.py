"""Training samples from prepared arrays: what step s of seed k sees is fixed.

A folder holds `train/photographs/*.npy` [h, w, 3] and `train/clips/*.npy`
[t, h, w, 3], uint8 (`prepare_lite`). A sample is either filmed over photographs by a
virtual camera or cut from a real clip; the low-resolution input is MATLAB bicubic,
rounded to 8 bit, as in the BI test sets.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from bvsrpp_jax.data.degradations import bicubic_resize, to_uint8
from bvsrpp_jax.data.transforms import random_crop, random_flips
from bvsrpp_jax.data.virtual_camera import film
from bvsrpp_jax.errors import InputError

Batch = dict[str, np.ndarray]


class Prepared(NamedTuple):
    """The arrays of one split, mapped into memory."""

    photographs: list[np.ndarray]
    clips: list[np.ndarray]


def open_prepared(folder: Path, *, needs: tuple[str, ...]) -> Prepared:
    """Maps all arrays of a split.

    Args:
      folder: holds `photographs/*.npy` and `clips/*.npy`.
      needs: which of the two must not be empty.

    Raises:
      InputError: one of them is empty, or a file of them is not an array.
    """
    prepared = Prepared(*(_map_arrays(folder / kind) for kind in Prepared._fields))
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


def batches(
    prepared: Prepared,
    *,
    batch_size: int,
    first_step: int = 0,
    seed: int = 0,
    num_frames: tuple[tuple[int, int], ...],
    **options,
) -> Iterator[Batch]:
    """The endless sequence of batches, from any step on.

    Args:
      prepared: sources.
      batch_size: samples a batch.
      first_step: where to start, so that a resumed run sees what comes next.
      seed: seed of the sequence.
      num_frames: pairs (step, frames a sample from this step on), ascending from
        step 0: short clips first show more scenes in the same time.
      **options: of `draw_sample`.

    Yields:
      {"lq": [n, t, s/4, s/4, 3], "gt": [n, t, s, s, 3]} float32 in [0, 1].
    """
    step = first_step
    while True:
        generators = [np.random.default_rng([seed, step, i]) for i in range(batch_size)]
        length = [frames for start, frames in num_frames if start <= step][-1]
        samples = [
            draw_sample(prepared, num_frames=length, rng=rng, **options)
            for rng in generators
        ]
        yield as_batch(np.stack(samples))
        step += 1


def draw_sample(
    prepared: Prepared,
    *,
    num_frames: int,
    crop_size: int,
    filmed: float,
    occlusion: float,
    rng: np.random.Generator,
) -> np.ndarray:
    """Draws the ground truth of one sample.

    Args:
      prepared: sources.
      num_frames: frames of the sample.
      crop_size: side in ground-truth pixels.
      filmed: share of samples that a virtual camera films.
      occlusion: share of those with a second photograph moving in front.
      rng: source of all randomness.

    Returns:
      [t, s, s, 3] uint8.
    """
    if rng.random() < filmed:
        frames = film(
            prepared.photographs,
            num_frames=num_frames,
            size=crop_size,
            occlusion=occlusion,
            rng=rng,
        )
    else:
        frames = cut(prepared.clips, num_frames=num_frames, size=crop_size, rng=rng)
    return random_flips(frames, rng, time_reversal=True)


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
    return random_crop(clip[start : start + length : stride], size, rng)


def as_batch(gt: np.ndarray) -> Batch:
    """Degrades ground truth [n, t, h, w, 3] uint8 to a batch of floats in [0, 1]."""
    gt = np.asarray(gt, np.float32) / 255
    lq = to_uint8(bicubic_resize(gt, 1 / 4))
    return {"lq": np.float32(lq) / 255, "gt": gt}
