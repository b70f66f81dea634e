"""A REDS test set as its authors lay it out: four clips of 100 frames, but tiny."""

from pathlib import Path

import numpy as np
from PIL import Image
from skimage.data import astronaut

from bvsrpp_jax.data.degradations import bicubic_downsample
from bvsrpp_jax.data.partitions import REDS4, REDS_FRAMES


def write_reds4(root: Path, *, side: int = 64, frames: int = REDS_FRAMES) -> None:
    """Writes PNGs of a photograph that drifts by, another part of it in every clip.

    Args:
      root: gets train_sharp and train_sharp_bicubic/X4.
      side: of the ground truth, in pixels.
      frames: of each clip; fewer than the official 100 make a damaged set.
    """
    photograph = astronaut()
    for number, name in enumerate(REDS4):
        gt, lq = (
            root / "train_sharp" / name,
            root / "train_sharp_bicubic" / "X4" / name,
        )
        for folder in (gt, lq):
            folder.mkdir(parents=True)
        for frame in range(frames):
            y, x = 100 * number + frame // 3, 40 + frame
            crop = np.ascontiguousarray(photograph[y : y + side, x : x + side])
            file = f"{frame:08d}.png"
            Image.fromarray(crop).save(gt / file, compress_level=1)
            small = bicubic_downsample(crop, 4)
            Image.fromarray(small).save(lq / file, compress_level=1)
