"""How a clip is restored with the memory there is.

The best way that fits is taken. In this order it gives up

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
from dataclasses import dataclass
from itertools import product
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from bvsrpp_jax.errors import InputError
from bvsrpp_jax.models.basicvsrpp import BasicVSRPlusPlus
from bvsrpp_jax.restoration.memory import (
    Memory,
    available_memory,
    memory_of,
    size_text,
)
from bvsrpp_jax.restoration.tiles import part_of

WINDOW, OVERLAP, CHUNK = 96, 6, 8
SHORT = 15  # frames: below, a window keeps fewer than it spends on its overlaps
SMALLEST = 3  # frames: one kept, one neighbour on either side
TILE_OVERLAP = 32  # feature pixels
_MOST_TILES = 256
DTYPES = ("float32", "bfloat16")


@dataclass(frozen=True)
class Wishes:
    """What the user chose; None is left to the plan.

    Attributes:
      window: frames that are restored together.
      overlap: of them, frames at either cut that are not kept.
      chunk: frames that a device holds at a time.
      exact: restore whole shots, whatever their length.
      tile: longest side of a tile in pixels, 0 for whole frames.
      dtype: of the computation, of `DTYPES`.
      lookahead: frames after a frame that it waits for, no more; None is no bound.
      shots: nothing is carried across a cut.
      ensemble: how many results are averaged.
      disk: frames and features may wait on disk.
    """

    window: int | None = None
    overlap: int | None = None
    chunk: int | None = None
    exact: bool = False
    tile: int | None = None
    dtype: str | None = None
    lookahead: int | None = None
    shots: bool = True
    ensemble: int = 1
    disk: bool = False

    def check(self) -> None:
        """Raises an `InputError` for wishes that cannot be fulfilled."""
        window, overlap = self.window, self.overlap
        if self.exact and (window is not None or overlap is not None):
            raise InputError(
                "exact: has neither window nor overlap. Leave out one or the other."
            )
        if self.lookahead is not None:
            self._check_lookahead()
        if window is not None and (window < 1 or window <= 2 * (overlap or 0)):
            raise InputError(
                f"window: {window} frames with an overlap of {overlap or 0} keep none."
                f" Choose a window of more than {2 * (overlap or 0)}."
            )
        if overlap is not None and overlap < 0:
            raise InputError(f"overlap: {overlap} frames. Choose none or more.")
        if self.chunk is not None and self.chunk < 1:
            raise InputError(f"chunk: {self.chunk} frames. Choose one or more.")
        if self.tile is not None and self.tile < 0:
            raise InputError(
                f"tile: {self.tile} pixels. Choose more, or 0 for whole frames."
            )
        if self.dtype not in (None, *DTYPES):
            raise InputError(
                f"dtype: {self.dtype!r} is not one of {', '.join(DTYPES)}."
            )
        if self.ensemble not in (1, 2, 8, 16):
            raise InputError(f"ensemble: {self.ensemble}. Choose 1, 2, 8 or 16.")

    def _check_lookahead(self) -> None:
        if self.lookahead < 0:
            raise InputError(f"lookahead: {self.lookahead} frames. Choose 0 or more.")
        others = ("window", "overlap", "chunk", "exact", "tile", "ensemble")
        for name in others:
            if getattr(self, name) != getattr(Wishes, name):
                raise InputError(
                    f"lookahead: frames are restored one by one, without {name}. Leave"
                    " out one or the other."
                )


@dataclass(frozen=True)
class Plan:
    """What will be run.

    Attributes:
      window: frames that are restored together, None for whole shots.
      overlap: of them, frames at either cut that are not kept.
      chunk: frames that a device holds at a time.
      needed: estimated bytes that one device's work takes.
      available: bytes that may be used.
      tile: (h, w) of a tile in input pixels, None for whole frames.
      tile_overlap: input pixels that neighbouring tiles have in common.
      dtype: of the computation and of features that wait.
      on_disk: frames and features wait on disk.
      lookahead: frames after a frame that it waits for, None for a window.
      shots: nothing is carried across a cut.
      ensemble: how many results are averaged.
      devices: how many of them work at the same time.
    """

    window: int | None
    overlap: int
    chunk: int
    needed: Memory
    available: Memory
    tile: tuple[int, int] | None = None
    tile_overlap: int = 0
    dtype: str = "float32"
    on_disk: bool = False
    lookahead: int | None = None
    shots: bool = True
    ensemble: int = 1
    devices: int = 1


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


def make_plan(
    model: BasicVSRPlusPlus,
    clip: Clip,
    wishes: Wishes = Wishes(),
    *,
    num_devices: int = 1,
    available: Memory | None = None,
) -> Plan:
    """Chooses the best way that fits.

    Args:
      model: the network.
      clip: what is to be restored.
      wishes: what the user chose.
      num_devices: how many there are.
      available: what may be used, None for what the first device and the host have.

    Raises:
      InputError: nothing fits, or wishes contradict each other.
    """
    wishes.check()
    available = available_memory() if available is None else available
    ways = _ways if wishes.lookahead is None else _live_ways
    for way in ways(model, clip, wishes):
        needed = _needed(model, clip, way, wishes)
        if available.holds(needed):
            break
    else:
        raise _too_large(clip, way, needed, available)
    way, overlap = _settle(way, clip, wishes)
    # Several devices collect whole windows on the host: not what waits on disk.
    most = 1 if way.on_disk or wishes.lookahead is not None else num_devices
    needed = _needed(model, clip, way, wishes)
    return Plan(
        **way._asdict(),
        overlap=overlap,
        tile_overlap=TILE_OVERLAP * model.feature_stride,
        lookahead=wishes.lookahead,
        shots=wishes.shots,
        ensemble=wishes.ensemble,
        devices=devices_for(needed, available, most),
        needed=needed,
        available=available,
    )


def devices_for(needed: Memory, available: Memory, most: int) -> int:
    """How many of the devices the memory lets work at the same time, at least one."""
    while most > 1 and not available.holds(needed, devices=most):
        most -= 1
    return most


def _ways(model: BasicVSRPlusPlus, clip: Clip, wishes: Wishes) -> Iterator[Way]:
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


def _live_ways(model: BasicVSRPlusPlus, clip: Clip, wishes: Wishes) -> Iterator[Way]:
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


def _needed(model: BasicVSRPlusPlus, clip: Clip, way: Way, wishes: Wishes) -> Memory:
    return memory_of(
        model.clone(dtype=jnp.dtype(way.dtype)),
        clip.size,
        # A shot of unknown length takes what the disk has, or fails when it is full.
        way.window or way.chunk,
        way.chunk,
        dtype=clip.dtype,
        tile=way.tile,
        ensemble=wishes.ensemble,
        on_disk=way.on_disk,
    )


def _settle(way: Way, clip: Clip, wishes: Wishes) -> tuple[Way, int]:
    """Evens out windows and chunks, and finds the overlap."""
    if wishes.exact or wishes.lookahead is not None:
        return _even_chunks(way, wishes), 0
    window, overlap = way.window, wishes.overlap
    if overlap is None:
        overlap = _usual_overlap(window)
    if wishes.window is None:
        overlap = min(overlap, (window - 1) // 2)  # a clip of one window has no cut
        window = _even(window, overlap, clip.num_frames)
    return _even_chunks(way._replace(window=window), wishes), overlap


def _even_chunks(way: Way, wishes: Wishes) -> Way:
    """The shortest chunk that needs no more of them: 9 frames take 2 of 5."""
    if way.window is None or wishes.chunk is not None:
        return way
    count = -(-way.window // way.chunk)
    return way._replace(chunk=-(-way.window // count))


def _usual_overlap(window: int) -> int:
    """A quarter of a short window, at least one frame where one is left to keep."""
    return min(OVERLAP, max(window // 4, 1), (window - 1) // 2)


def _even(window: int, overlap: int, num_frames: int | None) -> int:
    """The shortest window that needs no more of them: 97 frames take 2 of 55."""
    if not num_frames or num_frames <= window:
        return window
    inner = num_frames - 2 * overlap
    count = -(-inner // (window - 2 * overlap))
    return -(-inner // count) + 2 * overlap


def _too_large(clip: Clip, way: Way, needed: Memory, available: Memory) -> InputError:
    h, w = clip.size if way.tile is None else way.tile
    kind = "frames" if way.tile is None else "tiles"
    asked, given = (
        f"{size_text(memory.device)} on the device, {size_text(memory.host)} on the"
        f" host and {size_text(memory.disk)} on disk"
        for memory in (needed, available)
    )
    return InputError(
        f"memory: {way.window} {kind} of {w}x{h} need about {asked}, {given} can be"
        " used. Choose a smaller window, smaller frames or a machine with more."
    )
