"""How a clip is restored: the best way (`ways.py`) that the memory holds."""

from dataclasses import dataclass, replace
from functools import partial

import jax.numpy as jnp

from bvsrpp_jax.errors import InputError
from bvsrpp_jax.models.basicvsrpp import BasicVSRPlusPlus
from bvsrpp_jax.restoration.memory import (
    Memory,
    available_memory,
    memory_of,
    memory_text,
)
from bvsrpp_jax.restoration.plan_text import plan_text
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
    """What will be run; `print` tells it in words.

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

    Example:
      >>> restorer = bvsrpp.Restorer.from_pretrained("lite", tile=160)
      >>> restorer.plan((180, 320)).tile
      (106, 128)
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

    def __str__(self) -> str:
        return plan_text(self)


def make_plan(
    model: BasicVSRPlusPlus,
    clip: Clip,
    wishes: Wishes,
    *,
    parameters: int = 0,
    num_devices: int = 1,
    available: Memory | None = None,
) -> Plan:
    """Chooses the best way that fits.

    Args:
      model: the network.
      clip: what is to be restored.
      wishes: what the user chose.
      parameters: bytes of the network's.
      num_devices: how many there are.
      available: what may be used, None for what the first device and the host have.

    Raises:
      InputError: nothing fits, or wishes contradict each other.
    """
    wishes.check()
    available = available_memory() if available is None else available
    ways = window_ways if wishes.lookahead is None else live_ways
    needs = partial(_needed, model, clip, wishes, parameters)
    for way in ways(model, clip, wishes):
        needed = needs(way)
        if available.holds(needed):
            break
    else:
        raise _too_large(clip, wishes, way, needed, available)
    way, overlap = _settle(way, clip, wishes)
    # Several devices collect whole windows on the host: not what waits on disk.
    most = 1 if way.on_disk or wishes.lookahead is not None else num_devices
    needed = needs(way)
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


def plan_here(plan: Plan, free: Memory, num_devices: int) -> Plan:
    """A plan that was made elsewhere or earlier, with the devices of today.

    Windows, tiles, precision and chunks stay: other ones would round differently, and
    what is done already would not be of one piece with what follows.

    Args:
      plan: the other one.
      free: all that is free here, or may be used.
      num_devices: how many there are here.

    Raises:
      InputError: the plan does not fit.
    """
    if not free.holds(plan.needed):
        raise InputError(
            f"memory: the plan that was begun with needs about"
            f" {memory_text(plan.needed)}, {memory_text(free)} are free. Free some,"
            " allow more with --memory, or pass --restart, which plans and begins anew."
        )
    one = plan.on_disk or plan.lookahead is not None
    most = 1 if one else num_devices
    return replace(plan, devices=devices_for(plan.needed, free, most))


def _needed(
    model: BasicVSRPlusPlus, clip: Clip, wishes: Wishes, parameters: int, way: Way
) -> Memory:
    return memory_of(
        model.clone(dtype=jnp.dtype(way.dtype)),
        clip.size,
        # A shot of unknown length takes what the disk has, or fails when it is full.
        way.window or way.chunk,
        way.chunk,
        dtype=clip.dtype,
        parameters=parameters,
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
    """The chunk with the fewest copies in the last one: 100 frames take 20 of 5.

    What fills the last chunk up costs as much as any frame. Chunks of less than half
    the length would win less than they lose to being more.
    """
    if way.window is None or wishes.chunk is not None:
        return way
    longest = min(way.chunk, way.window)
    lengths = range(longest, (longest - 1) // 2, -1)
    return way._replace(chunk=min(lengths, key=lambda n: -(-way.window // n) * n))


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


def _too_large(
    clip: Clip, wishes: Wishes, way: Way, needed: Memory, available: Memory
) -> InputError:
    h, w = clip.size if way.tile is None else way.tile
    kind = "frames" if way.tile is None else "tiles"
    count, smaller = way.window or way.chunk, "a smaller window, smaller frames"
    if wishes.exact:
        smaller = "windows instead of exact, smaller frames"
    if wishes.lookahead is not None:
        smaller = "a smaller lookahead, smaller frames"
    return InputError(
        f"memory: {count} {kind} of {w}x{h} need about {memory_text(needed)},"
        f" {memory_text(available)} can be used. Choose {smaller} or a machine with"
        " more."
    )
