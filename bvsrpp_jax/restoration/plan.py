"""How many frames go through the network together, from the memory there is.

A window is restored chunk by chunk (`chunks.py`): the device holds a chunk, the host
what waits for later passes. Upper estimates, in bytes, for every feature pixel (an
input pixel for x4, a block of 4x4 of them for same-size):

    once            128 hr_channels     two activations of one frame at the output's
                                        resolution (16 output pixels)
    for each frame  20 mid_channels     g and the output of four branches
    of a chunk      + 8 flow_channels   the two widest neighbouring layers of the flow
                                        network, in both directions
                    + 64                flows and resized pictures
                    + 16 x (12 + 3)     output pixels as floats and as codes
    for each frame  20 mid_channels     g and the output of four branches
    of a window     + 16                flows in both directions
                    + 3 + 16 x 3        input and output pixels as codes

16-bit codes count double. A chunk counts twice: one is at work while another is copied
to the host. On the CPU, device and host are one memory.
"""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import jax
import numpy as np

from bvsrpp_jax.errors import InputError
from bvsrpp_jax.models.basicvsrpp import BasicVSRPlusPlus
from bvsrpp_jax.restoration.padding import padded_side

WINDOW, OVERLAP, CHUNK = 96, 6, 8
SMALLEST = (3, 1)  # window and overlap: one frame kept, one neighbour on either side
_USABLE = 0.8  # of the memory that is free


class Memory(NamedTuple):
    """Bytes: `device` and `host` of a plan, or what there is of either."""

    device: int
    host: int

    def holds(self, needed: "Memory") -> bool:
        """Whether `needed` fits; on the CPU both are the same memory."""
        if jax.default_backend() == "cpu":
            return needed.device + needed.host <= self.host
        return needed.device <= self.device and needed.host <= self.host


@dataclass(frozen=True)
class Plan:
    """What will be run.

    Attributes:
      window: frames that are restored together.
      overlap: of them, frames at either cut that are not kept.
      chunk: frames that the device holds at a time.
      needed: estimated bytes for that.
      available: bytes that may be used.
    """

    window: int
    overlap: int
    chunk: int
    needed: Memory
    available: Memory


def make_plan(
    model: BasicVSRPlusPlus,
    size: tuple[int, int],
    *,
    dtype: np.dtype,
    num_frames: int | None = None,
    window: int | None = None,
    overlap: int | None = None,
    chunk: int | None = None,
    available: Memory | None = None,
) -> Plan:
    """Chooses window and chunk: long windows first, for every cut costs an overlap.

    Args:
      model: the network.
      size: (h, w) of a frame.
      dtype: of the frames.
      num_frames: length of the clip, None when it is not known.
      window, overlap, chunk: chosen by the user; None is as much as fits, at most 96,
        6 and 8.
      available: what may be used, None for what the first device and the host have.

    Raises:
      InputError: not even the smallest window fits, window and overlap contradict, or
        a chunk has no frame.
    """
    if chunk is not None and chunk < 1:
        raise InputError(f"chunk: {chunk} frames. Choose one or more.")
    available = available_memory() if available is None else available
    least = SMALLEST[0] if overlap is None else 2 * overlap + 1
    longest = shortest = window
    if window is None:
        longest = max(WINDOW, least)
        longest = min(longest, num_frames or longest)
        shortest = min(least, longest)

    def fits(length: int, part: int) -> bool:
        return available.holds(memory_of(model, size, length, part, dtype=dtype))

    parts = [chunk] if chunk else [CHUNK >> i for i in range(4)]  # 8, 4, 2, 1
    lengths = range(longest, shortest - 1, -1)
    length, part = next(
        ((n, part) for n in lengths for part in parts if fits(n, part)),
        (shortest, parts[-1]),
    )
    if window is None:
        overlap = _usual_overlap(length) if overlap is None else overlap
        length = _even(length, overlap, num_frames)
    elif overlap is None:
        overlap = _usual_overlap(length)
    if overlap < 0 or length <= 2 * overlap:
        raise InputError(
            f"window: {length} frames with an overlap of {overlap} keep none. Choose a"
            f" window of more than {2 * overlap}."
        )
    part = part if chunk else _even_chunk(length, part)
    needed = memory_of(model, size, length, part, dtype=dtype)
    plan = Plan(length, overlap, part, needed, available)
    _check_memory(plan, size)
    return plan


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


def _even_chunk(window: int, chunk: int) -> int:
    """The shortest chunk that needs no more of them: 9 frames take 2 of 5."""
    return -(-window // -(-window // chunk))


def memory_of(
    model: BasicVSRPlusPlus,
    size: tuple[int, int],
    window: int,
    chunk: int,
    *,
    dtype: np.dtype,
) -> Memory:
    """What restoring windows of so many frames in chunks of so many needs."""
    stride = 4 if model.scale == 1 else 1
    h, w = (
        padded_side(side, min_side=model.min_side, multiple=model.side_multiple)
        for side in size
    )
    pixels = h * w // stride**2
    widths = (8, *model.spynet_channels, 2)
    flow = max(a + b for a, b in zip(widths[:-1], widths[1:], strict=True))
    codes = 3 * min(np.dtype(dtype).itemsize, 4)
    once = 128 * model.hr_channels
    on_device = 20 * model.mid_channels + 8 * flow + 64 + 16 * (12 + codes)
    on_host = 20 * model.mid_channels + 16 + codes + 16 * codes
    # The flow network also looks at the last frame of the chunk before.
    device = once + (chunk + 1) * 2 * on_device
    return Memory(pixels * device, pixels * window * on_host)


def available_memory() -> Memory:
    """What may be used on the first device and on the host."""
    host = _free_host_memory()
    statistics = jax.devices()[0].memory_stats()
    if statistics and "bytes_limit" in statistics:
        device = statistics["bytes_limit"] - statistics["bytes_in_use"]
    else:
        device = host
    return Memory(int(_USABLE * device), int(_USABLE * host))


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
    needed, available = plan.needed, plan.available
    if not available.holds(needed):
        h, w = size
        raise InputError(
            f"memory: {plan.window} frames of {w}x{h} need about"
            f" {needed.device / 2**30:.1f} GiB on the device and"
            f" {needed.host / 2**30:.1f} GiB on the host,"
            f" {available.device / 2**30:.1f} and {available.host / 2**30:.1f} GiB can"
            " be used. Choose a smaller window, smaller frames or a machine with more."
        )
