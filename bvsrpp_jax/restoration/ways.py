"""The ways to restore a clip that a plan chooses from, the best first.

In this order they give up

    frames in a chunk    8, 4, 2, 1; changes nothing but speed
    memory for disk      where the user allows it; changes nothing but speed
    float32              on accelerators, for bfloat16
    the length of        96 frames down to 15: more cuts, and the features at a cut
    windows              have seen less of the clip
    whole frames         for tiles, fewer and larger ones first
    the rest of the      below 15 frames, with the smallest tiles
    windows' length
"""

from collections.abc import Iterator
from itertools import product
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from bvsrpp_jax.errors import InputError
from bvsrpp_jax.models.basicvsrpp import BasicVSRPlusPlus
from bvsrpp_jax.restoration.tiles import part_of
from bvsrpp_jax.restoration.wishes import Wishes

WINDOW, CHUNK = 96, 8
SHORT = 15  # frames: below, a window keeps fewer than it spends on its overlaps
SMALLEST = 3  # frames: one kept, one neighbour on either side
TILE_OVERLAP = 32  # feature pixels
_MOST_TILES = 256


class Way(NamedTuple):
    """One of the ways that a plan chooses from: fields of `Plan`."""

    window: int | None
    chunk: int
    tile: tuple[int, int] | None
    dtype: str
    on_disk: bool


class Clip(NamedTuple):
    """What is planned for: (h, w) of its frames, their type, their number if known."""

    size: tuple[int, int]
    dtype: np.dtype
    num_frames: int | None


def window_ways(model: BasicVSRPlusPlus, clip: Clip, wishes: Wishes) -> Iterator[Way]:
    """All ways, the best first."""
    # Tiles would not be exact.
    longest = 0 if wishes.exact and wishes.tile is None else wishes.tile
    tiles = list(_tilings(model, clip.size, longest))
    dtypes = _dtypes(model, wishes.dtype)
    disks = (False, True) if wishes.disk else (False,)
    if wishes.exact and clip.num_frames is None:
        disks = (True,)  # it may be endless
    chunks = [CHUNK >> i for i in range(4)] if wishes.chunk is None else [wishes.chunk]
    for lengths in _lengths(clip.num_frames, wishes):
        for tile, window, dtype, on_disk, chunk in product(
            tiles, lengths, dtypes, disks, chunks
        ):
            yield Way(window, chunk, tile, dtype, on_disk)


def live_ways(model: BasicVSRPlusPlus, clip: Clip, wishes: Wishes) -> Iterator[Way]:
    """One frame after the other."""
    for dtype in _dtypes(model, wishes.dtype):
        yield Way(None, wishes.lookahead + 1, None, dtype, False)


def _lengths(num_frames: int | None, wishes: Wishes) -> tuple[list, list]:
    """Lengths of windows worth having, and those that are better than nothing."""
    if wishes.exact:
        return [num_frames], []
    if wishes.window is not None:
        return [wishes.window], []
    least = SMALLEST if wishes.overlap is None else 2 * wishes.overlap + 1
    longest = max(WINDOW, least)
    longest = min(longest, num_frames or longest)
    least, worth = min(least, longest), min(max(SHORT, least), longest)
    return list(range(longest, worth - 1, -1)), list(range(worth - 1, least - 1, -1))


def _dtypes(model: BasicVSRPlusPlus, wish: str | None) -> list[str]:
    """CPUs compute bfloat16 in float32, so that nothing would be won there."""
    own = jnp.dtype(model.dtype).name
    if wish is not None or jax.default_backend() == "cpu":
        return [wish or own]
    return list(dict.fromkeys((own, "bfloat16")))


def _tilings(
    model: BasicVSRPlusPlus, size: tuple[int, int], longest: int | None
) -> Iterator[tuple[int, int] | None]:
    """Whole frames, then tiles of which each has a cut more through its longer side."""
    if not longest or max(size) <= longest:
        yield None
    if longest == 0 or (longest and max(size) <= longest):
        return
    options = {
        "overlap": TILE_OVERLAP * model.feature_stride,
        "multiple": model.feature_stride,
    }
    counts, parts = [1, 1], list(size)
    while counts[0] * counts[1] < _MOST_TILES:
        axis = int(parts[1] > parts[0])
        counts[axis] += 1
        shorter = part_of(size[axis], counts[axis], **options)
        if shorter == parts[axis] or shorter < model.min_side:
            break
        parts[axis] = shorter
        if longest is None or max(parts) <= longest:
            yield tuple(parts)
            if longest is not None:
                return
    if longest is not None:
        raise InputError(
            f"tile: {longest} pixels are too few for {size[1]}x{size[0]}. Choose"
            f" {max(parts)} or more."
        )
