"""Clips to compare."""

from pathlib import Path

import numpy as np

from bvsrpp_jax.comparison import open_both, write_page
from bvsrpp_jax.media.pictures import encode_png


def folder(path: Path, frames) -> Path:
    """A folder of PNG."""
    path.mkdir()
    for index, pixels in enumerate(frames):
        (path / f"{index}.png").write_bytes(encode_png(pixels))
    return path


def plain(*colors, width: int = 64, height: int = 48) -> np.ndarray:
    """[t, h, w, 3] uint8: a frame a colour."""
    frames = np.array(colors, np.uint8)[:, None, None]
    return np.broadcast_to(frames, (len(colors), height, width, 3))


def page_of(a: Path, b: Path, path: Path, *, start=None, names=("A", "B"), **options):
    """Writes a page, returns what `write_page` says."""
    with open_both(a, b, start=start) as (first, second):
        return write_page(first, second, path, names=names, start=start, **options)
