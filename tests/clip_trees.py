"""Tiny trees of picture files, laid out as the data sets are."""

import io
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from PIL import Image


def picture(
    seed: Iterable[int], *, height: int = 16, width: int = 24, shape: tuple = ()
) -> np.ndarray:
    """[height, width, 3] uint8, another one for every seed."""
    rng = np.random.default_rng([int(part) for part in seed])
    return rng.integers(0, 256, shape or (height, width, 3), dtype=np.uint8)


def png(pixels: np.ndarray) -> bytes:
    """Pillow's PNG, so that ours is not both writer and reader."""
    opened = io.BytesIO()
    Image.fromarray(pixels).save(opened, "PNG")
    return opened.getvalue()


def write_clip(
    folder: Path,
    *,
    num_frames: int = 2,
    first: int = 0,
    template: str = "{:08d}.png",
    clip: int = 0,
    scale: int = 1,
    height: int = 16,
    width: int = 24,
) -> np.ndarray:
    """Writes a folder of pictures; returns them, [t, h, w, 3] uint8."""
    folder.mkdir(parents=True, exist_ok=True)
    frames = []
    for number in range(first, first + num_frames):
        pixels = picture((clip, number), height=height, width=width)[::scale, ::scale]
        pixels = np.ascontiguousarray(pixels)
        file = folder / template.format(number)
        if file.suffix == ".png":
            file.write_bytes(png(pixels))
        else:
            Image.fromarray(pixels).save(file, quality=95)
            pixels = np.asarray(Image.open(file).convert("RGB"))
        frames.append(pixels)
    return np.stack(frames)


def write_pairs(root: Path, names: Iterable[str], **options) -> dict[str, dict]:
    """Writes root/gt/<clip> and root/lq/<clip>; returns the frames of each clip."""
    return {
        name: {
            "gt": write_clip(root / "gt" / name, clip=clip, **options),
            "lq": write_clip(root / "lq" / name, clip=clip, scale=4, **options),
        }
        for clip, name in enumerate(names)
    }
