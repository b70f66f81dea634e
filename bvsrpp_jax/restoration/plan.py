"""How a clip is restored: the best way (`ways.py`) that the memory holds."""

import warnings
from dataclasses import dataclass, replace

import jax.numpy as jnp

from bvsrpp_jax.errors import InputError
from bvsrpp_jax.models.basicvsrpp import BasicVSRPlusPlus
from bvsrpp_jax.restoration.memory import (
    Memory,
    available_memory,
    memory_of,
    size_text,
)
from bvsrpp_jax.restoration.ways import (
    TILE_OVERLAP,
    Clip,
    Way,
    live_ways,
    window_ways,
)
from bvsrpp_jax.restoration.wishes import Wishes

OVERLAP = 6  # frames, where nobody chose


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


def make_plan(
    model: BasicVSRPlusPlus,
    clip: Clip,
    wishes: Wishes,
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
    ways = window_ways if wishes.lookahead is None else live_ways
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


def plan_here(plan: Plan, available: Memory, num_devices: int) -> Plan:
    """A plan that was made elsewhere or earlier, with the devices of today.

    Args:
      plan: the other one.
      available: what may be used here.
      num_devices: how many there are here.
    """
    if not available.holds(plan.needed):
        warnings.warn(
            "the plan of the earlier run needs more memory than there is now;"
            " --restart makes another",
            stacklevel=3,
        )
    one = plan.on_disk or plan.lookahead is not None
    most = 1 if one else num_devices
    return replace(plan, devices=devices_for(plan.needed, available, most))


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
