"""How many frames go through the network at once, from the memory there is.

An upper estimate, in bytes. For every feature pixel (an input pixel for x4, a block of
4x4 of them for same-size) the network needs

    once            128 hr_channels     two activations of one frame at the output's
                                        resolution (16 output pixels)
    for each frame  20 mid_channels     g and the output of four branches
                    + 8 flow_channels   the two widest neighbouring layers of the flow
                                        network, in both directions
                    + 64                flows and resized pictures
                    + 16 x (12 + 3 + 3) output pixels as floats, as codes, and waiting
                                        to be written; 16-bit codes count double

It was 11 to 33 % above what the compiled programs ask for themselves on the CPU (JAX
0.12, x4, 24 and 64 channels, 2 to 16 frames of 64 to 128 pixels a side, both depths).
"""

import os
from dataclasses import dataclass
from pathlib import Path

import jax
import numpy as np

from bvsrpp_jax.errors import InputError
from bvsrpp_jax.models.basicvsrpp import BasicVSRPlusPlus
from bvsrpp_jax.restoration.padding import padded_side

WINDOW, OVERLAP = 32, 6
SMALLEST = (3, 1)  # window and overlap: one frame kept, one neighbour on either side
_USABLE = 0.8  # of the memory that is free


@dataclass(frozen=True)
class Plan:
    """What will be run.

    Attributes:
      window: frames that go through the network together.
      overlap: of them, frames at either cut that are not kept.
      needed: estimated bytes for that.
      available: bytes of the device that may be used.
    """

    window: int
    overlap: int
    needed: int
    available: int


def make_plan(
    model: BasicVSRPlusPlus,
    size: tuple[int, int],
    *,
    dtype: np.dtype,
    num_frames: int | None = None,
    window: int | None = None,
    overlap: int | None = None,
    available: int | None = None,
) -> Plan:
    """Chooses the window.

    Args:
      model: the network.
      size: (h, w) of a frame.
      dtype: of the frames.
      num_frames: length of the clip, None when it is not known.
      window, overlap: chosen by the user; None is as much as fits, 32 and 6 at most.
      available: bytes that may be used, None for what the first device has.

    Raises:
      InputError: not even the smallest window fits, or window and overlap contradict.
    """
    available = available_memory() if available is None else available
    once, each = memory_of(model, size, dtype=dtype)
    if window is None:
        least = SMALLEST[0] if overlap is None else 2 * overlap + 1
        window = max(least, min(WINDOW, (available - once) // each))
        window = min(window, num_frames or window)
        overlap = _usual_overlap(window) if overlap is None else overlap
        window = _even(window, overlap, num_frames)
    elif overlap is None:
        overlap = _usual_overlap(window)
    if overlap < 0 or window <= 2 * overlap:
        raise InputError(
            f"window: {window} frames with an overlap of {overlap} keep none. Choose a"
            f" window of more than {2 * overlap}."
        )
    plan = Plan(window, overlap, once + window * each, available)
    _check_memory(plan, size)
    return plan


def _usual_overlap(window: int) -> int:
    """A quarter of a short window, at least one frame where one is left to keep."""
    return min(OVERLAP, max(window // 4, 1), (window - 1) // 2)


def _even(window: int, overlap: int, num_frames: int | None) -> int:
    """The shortest window that needs no more of them: 33 frames take 2 of 23."""
    if not num_frames or num_frames <= window:
        return window
    inner = num_frames - 2 * overlap
    count = -(-inner // (window - 2 * overlap))
    return -(-inner // count) + 2 * overlap


def memory_of(
    model: BasicVSRPlusPlus, size: tuple[int, int], *, dtype: np.dtype
) -> tuple[int, int]:
    """Bytes that the network needs once, and for every frame of a window."""
    stride = 4 if model.scale == 1 else 1
    h, w = (
        padded_side(side, min_side=model.min_side, multiple=model.side_multiple)
        for side in size
    )
    pixels = h * w // stride**2
    widths = (8, *model.spynet_channels, 2)
    flow = max(a + b for a, b in zip(widths[:-1], widths[1:], strict=True))
    codes = 2 * 3 * min(np.dtype(dtype).itemsize, 4)
    each = 20 * model.mid_channels + 8 * flow + 64 + 16 * (12 + codes)
    return pixels * 128 * model.hr_channels, pixels * each


def available_memory() -> int:
    """Bytes that may be used on the first device."""
    statistics = jax.devices()[0].memory_stats()
    if statistics and "bytes_limit" in statistics:
        free = statistics["bytes_limit"] - statistics["bytes_in_use"]
    else:
        free = _free_host_memory()
    return int(_USABLE * free)


def _free_host_memory() -> int:
    """What the system can give without swapping, and the container's limit."""
    free = [os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")]
    memory = Path("/proc/meminfo")
    if memory.exists():
        lines = dict(line.split(":") for line in memory.read_text().splitlines())
        free.append(1024 * int(lines["MemAvailable"].split()[0]))
    limit, used = (Path(f"/sys/fs/cgroup/memory.{n}") for n in ("max", "current"))
    if limit.exists() and limit.read_text().strip() != "max":
        free.append(int(limit.read_text()) - int(used.read_text()))
    return min(free)


def _check_memory(plan: Plan, size: tuple[int, int]) -> None:
    if plan.needed > plan.available:
        h, w = size
        raise InputError(
            f"memory: {plan.window} frames of {w}x{h} need about"
            f" {plan.needed / 2**30:.1f} GiB, {plan.available / 2**30:.1f} GiB can be"
            " used. Choose a smaller window, smaller frames or a machine with more."
        )
