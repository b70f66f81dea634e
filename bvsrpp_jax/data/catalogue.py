"""Data by the name that a configuration gives it, for training and for validation.

"generated" needs no files, "prepared" is a folder of arrays (`prepare_lite`), and every
other name is a data set or a folder of clips (`sources.open_clips`).
"""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from bvsrpp_jax.data.degrading import Degradations, check_degradations, damage, shrink
from bvsrpp_jax.data.generated import photographs
from bvsrpp_jax.data.prepared import Prepared, PreparedSamples, open_prepared
from bvsrpp_jax.data.samples import ClipSamples, Samples, to_float
from bvsrpp_jax.data.sources import Clip, ClipSource, open_clips
from bvsrpp_jax.data.virtual_camera import film
from bvsrpp_jax.errors import InputError

GENERATED_PICTURES = 8  # to train on; another one is filmed for validation
GENERATED_SIZE = 256
GENERATED_FRAMES = 5
GENERATED_SEED = 2**31  # of the validation picture


class ValidationClip(NamedTuple):
    """A whole clip.

    Attributes:
      lq: [t, h, w, 3] float32 in [0, 1].
      gt: [t, s*h, s*w, 3] uint8.
    """

    lq: np.ndarray
    gt: np.ndarray


def open_samples(
    dataset: str,
    root: str,
    split: str,
    *,
    batch_size: int,
    seed: int,
    scale: int,
    **options: Any,
) -> Samples:
    """Opens what a run trains on.

    Args:
      dataset: "generated", "prepared", or a name of `sources.open_clips`.
      root: the folder it lies in; unused by "generated".
      split: usually "train".
      batch_size: samples of a step, over all processes.
      seed: of the run.
      scale: ground-truth pixels a side of an input pixel.
      **options: of `PreparedSamples` or of `ClipSamples`.

    Raises:
      InputError: there is no such data, or it is damaged.
    """
    if dataset not in ("generated", "prepared"):
        return ClipSamples(
            open_clips(dataset, Path(root), split),
            scale=scale,
            batch_size=batch_size,
            seed=seed,
            **options,
        )
    options = {"seed": seed, "scale": scale, **options}
    if dataset == "generated":
        pictures = photographs(GENERATED_PICTURES, seed=seed)
        return PreparedSamples(Prepared(pictures, []), **options)
    filmed = options.get("filmed", 0.0)
    needs = ("photographs",) * (filmed > 0) + ("clips",) * (filmed < 1)
    prepared = open_prepared(Path(root) / split, needs=needs)
    return PreparedSamples(prepared, **options)


def open_validation(
    dataset: str,
    root: str,
    split: str,
    *,
    scale: int,
    degradations: Degradations = (),
    num_frames: int | None = None,
) -> Sequence[Callable[[], ValidationClip]]:
    """Opens the clips that a run is validated on.

    Args:
      dataset, root, split, scale: as of `open_samples`.
      degradations: how the input is made (`degrading`), the same at every validation;
        empty: it is the stored one.
      num_frames: how many frames of each clip; None: all.

    Returns:
      A function for each clip that reads it.

    Raises:
      InputError: there is no such data, or its stored input is of another scale.
    """
    source = open_source(dataset, root, split)
    if degradations:
        check_degradations(degradations, scale=scale, size=64)
    else:  # told now, and not after the first hours of a run
        _read_clip(source, 0, scale=scale, degradations=(), num_frames=1)
    read = partial(
        _read_clip,
        source,
        scale=scale,
        degradations=degradations,
        num_frames=num_frames,
    )
    return [partial(read, index) for index in range(len(source.clips))]


def open_source(dataset: str, root: str | Path, split: str) -> ClipSource:
    """Opens whole clips by name, for validation and evaluation.

    Args:
      dataset, root, split: as of `open_samples`.

    Raises:
      InputError: there is no such data.
    """
    if dataset == "generated":
        return ArrayClips([_generated_clip()])
    if dataset == "prepared":
        return ArrayClips(open_prepared(Path(root) / split, needs=("clips",)).clips)
    return open_clips(dataset, Path(root), split)


def _read_clip(
    source: ClipSource,
    index: int,
    *,
    scale: int,
    degradations: Degradations,
    num_frames: int | None,
) -> ValidationClip:
    clip = source.clips[index]
    frames = source.read(index, 0, min(clip.num_frames, num_frames or clip.num_frames))
    gt = frames["gt"]
    if not degradations:
        if "lq" not in frames:
            raise InputError(
                f"{clip.name}: the data set stores no input frames. Say in"
                " config.validation.degradations how to make them."
            )
        lq = to_float(frames["lq"])
        if gt.shape[1:3] != (scale * lq.shape[1], scale * lq.shape[2]):
            raise InputError(
                f"{clip.name}: the ground truth is {gt.shape[1] // lq.shape[1]} times"
                f" larger than the input, the network's output {scale} times. Say in"
                " config.validation.degradations how to make another input."
            )
        return ValidationClip(lq, gt)
    height, width = (side // scale for side in gt.shape[1:3])
    gt = gt[:, : scale * height, : scale * width]
    window = slice(0, height), slice(0, width)
    lq = shrink(degradations, gt, window, scale=scale)
    lq = damage(degradations, lq, np.random.default_rng(index))
    return ValidationClip(to_float(lq), gt)


def _generated_clip() -> np.ndarray:
    """A clip over a picture that no run trains on."""
    rng = np.random.default_rng(GENERATED_SEED)
    return film(
        photographs(1, seed=GENERATED_SEED),
        num_frames=GENERATED_FRAMES,
        size=GENERATED_SIZE,
        occlusion=0.0,
        rng=rng,
    )


class ArrayClips:
    """Clips [t, h, w, 3] uint8 in memory, or mapped into it."""

    def __init__(self, arrays: Sequence[np.ndarray]):
        self._arrays = arrays
        self.clips = [Clip(f"{i:03d}", len(array)) for i, array in enumerate(arrays)]

    def read(self, clip: int, start: int, stop: int) -> dict[str, np.ndarray]:
        """As `sources.ClipSource.read`."""
        return {"gt": np.asarray(self._arrays[clip][start:stop])}
