"""How much memory a restoration needs, and how much there is.

A window is restored chunk by chunk (`chunks.py`): the device holds a chunk, the host
what waits for later passes. Upper estimates, in bytes, for every feature pixel (an
input pixel for x4, a block of 4x4 of them for same-size), which i input pixels and o
output pixels belong to (1 and 16 for x4, 16 and 16 for same-size); b is 4, or 2 in
bfloat16, f is 1 and the number of branches, and a chunk's frames count twice where the
next chunk's are on their way already:

    reconstruction  2.5 o b hr_channels   two activations of one frame at the output's
    (the largest                          resolution, and a quarter more for copies of
    program for x4)                       them
    alignment       324 deform_groups     offsets and masks of one frame, three times
    (for x2 and     + (7 + f) b           what it looks at, and what follows it
    below)            mid_channels
      each frame    3 f b mid_channels    g and the output of all branches, of which
      of a chunk                          JAX 0.10 makes a copy
                    + 2 o x 3             output pixels as codes
                    + o x 12              the same as floats
    encoding        8 flow_channels + 64  the two widest neighbouring layers of the flow
      each frame                          network in both directions, flows, pictures
      of a chunk    + 2 b mid_channels    g
    each frame      f b mid_channels      g and the output of all branches
    of a window     + 16                  flows in both directions
                    + 3 i + 3 o           input and output pixels as codes

The network's parameters, 29 MB for c64n7 and 176 MB for c128n25, are on the device as
well. 16-bit codes count double. With tiles, a window's output waits in whole frames,
too, while the next window's tiles come, and the one after it is read; an ensemble works
on floats, and adds a window and a chunk of them before and after the network. Either
waits for a whole window, so that even from disk it is held. On disk are the features of
a window and the frames of two, with tiles of three, and a part that is free again but
in a file with others. On the CPU, device and host are one memory.
"""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from bvsrpp_jax.models.basicvsrpp import BasicVSRPlusPlus
from bvsrpp_jax.restoration.padding import padded_side

USABLE = 0.8  # of the memory that is free


class Memory(NamedTuple):
    """Bytes: on a device, on the host, on disk; of a plan, or what there is."""

    device: int
    host: int
    disk: int = 0

    def holds(self, needed: "Memory", *, devices: int = 1) -> bool:
        """Whether so many devices can work; on the CPU they are the host's memory."""
        on_host, on_disk = devices * needed.host, devices * needed.disk
        if jax.default_backend() == "cpu":
            on_host += devices * needed.device
        elif needed.device > self.device:
            return False
        return on_host <= self.host and on_disk <= self.disk


def memory_of(
    model: BasicVSRPlusPlus,
    size: tuple[int, int],
    window: int,
    chunk: int,
    *,
    dtype: np.dtype,
    parameters: int = 0,
    tile: tuple[int, int] | None = None,
    ensemble: int = 1,
    on_disk: bool = False,
) -> Memory:
    """What one device needs to restore windows of so many frames.

    Args:
      model: the network, with its compute dtype.
      size: (h, w) of a frame.
      window, chunk: frames.
      dtype: of the frames.
      parameters: bytes of the network's.
      tile: (h, w) of a tile, None for whole frames.
      ensemble: how many results are averaged.
      on_disk: features and frames wait on disk.
    """
    features = feature_pixels(model, tile or size)
    frame = feature_pixels(model, size)
    # Pixels of the input and of the output for each of the features.
    inputs, outputs = model.feature_stride**2, model.enlargement**2
    widths = (8, *model.spynet_channels, 2)
    flow = max(a + b for a, b in zip(widths[:-1], widths[1:], strict=True))
    codes = 3 * min(np.dtype(dtype).itemsize, 4)
    real = jnp.dtype(model.dtype).itemsize
    given = codes if ensemble == 1 else 12  # bytes of a pixel that programs see
    stored = (1 + len(model.branches)) * real * model.mid_channels
    reconstruction = 5 * outputs * real * model.hr_channels // 2
    alignment = 7 * real * model.mid_channels + stored
    if model.alignment == "deformable":
        alignment += 12 * 27 * model.deform_groups
    passing = max(reconstruction, alignment)
    passing += chunk * (3 * stored + outputs * (2 * given + 12))
    # The flow network also looks at the last frame of the chunk before.
    encoding = (chunk + 1) * (8 * flow + 64 + 2 * real * model.mid_channels)
    device = parameters + features * max(passing, encoding)
    filled = -(-window // chunk) * chunk  # frames of whole chunks
    waiting = filled * features * (stored + 16)
    pictures = frame * (inputs + outputs) * codes
    if tile:
        pictures *= 3
    averaged = 0
    if ensemble > 1:  # the window, and a chunk of the result that is added to it
        averaged = (window + chunk) * features * 12 * (inputs + outputs)
    if on_disk:
        source = (4 if tile else 3) * window * frame * inputs * codes
        held = 2 * chunk if tile is None and ensemble == 1 else window
        return Memory(device, averaged + held * pictures, waiting + source)
    return Memory(device, waiting + averaged + window * pictures)


def feature_pixels(model: BasicVSRPlusPlus, size: tuple[int, int]) -> int:
    """Pixels of the features of a frame of a size (h, w), padded."""
    h, w = (
        padded_side(side, min_side=model.min_side, multiple=model.side_multiple)
        for side in size
    )
    return h * w // model.feature_stride**2


def available_memory(
    limit: int | None = None, scratch: Path | None = None, *, share: float = USABLE
) -> Memory:
    """What may be used on the first device, on the host and on disk.

    Args:
      limit: bytes of the device, None for what it has free; on the CPU also of the
        host.
      scratch: the folder for what waits on disk, None for no disk.
      share: of what is free; the rest is for what nobody has foreseen.
    """
    host = int(share * _free_host_memory())
    disk = int(share * shutil.disk_usage(scratch).free) if scratch else 0
    if limit is not None:
        on_cpu = jax.default_backend() == "cpu"
        return Memory(limit, limit if on_cpu else host, disk)
    statistics = jax.local_devices()[0].memory_stats()
    if statistics and "bytes_limit" in statistics:
        free = statistics["bytes_limit"] - statistics["bytes_in_use"]
        return Memory(int(share * free), host, disk)
    return Memory(host, host, disk)


def _free_host_memory() -> int:
    """What the system can give without swapping, and the containers around us."""
    free = [os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")]
    memory = Path("/proc/meminfo")
    if memory.exists():
        lines = dict(line.split(":") for line in memory.read_text().splitlines())
        free.append(1024 * int(lines["MemAvailable"].split()[0]))
    own = Path("/proc/self/cgroup")
    if own.exists():
        free += containers_leave(own.read_text(), Path("/sys/fs/cgroup"))
    return min(free)


def containers_leave(own: str, mount: Path) -> Iterator[int]:
    """What the limits of this process's control groups leave, the inner ones first.

    Pages that only cache files count as free: the system takes them back.

    Args:
      own: the text of `/proc/self/cgroup`.
      mount: where the groups are, of version 2, or of version 1 in `memory`.
    """
    for line in own.splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers == "":
            root, files = mount, ("memory.max", "memory.current", "inactive_file")
        elif "memory" in controllers.split(","):
            root = mount / "memory"
            files = (
                "memory.limit_in_bytes",
                "memory.usage_in_bytes",
                ("total_inactive_file"),
            )
        else:
            continue
        group = root / path.strip("/")
        # In a container the path may be the host's; the root is then our own group.
        for folder in [group, *group.parents]:
            if folder.is_relative_to(root):
                yield from _left_in(folder, *files)


def _left_in(folder: Path, limit: str, used: str, cache: str) -> Iterator[int]:
    limit, used = folder / limit, folder / used
    if not limit.exists() or limit.read_text().strip() == "max":
        return
    lines = (folder / "memory.stat").read_text().splitlines()
    statistics = dict(line.split() for line in lines)
    cached = int(statistics.get(cache, 0))
    yield int(limit.read_text()) - int(used.read_text()) + cached


def size_text(size: int) -> str:
    """Bytes as MiB or GiB."""
    return f"{size / 2**30:.1f} GiB" if size >= 2**30 else f"{size / 2**20:.0f} MiB"


def memory_text(memory: Memory) -> str:
    """All three in words."""
    device, host, disk = map(size_text, memory)
    return f"{device} on the device, {host} on the host and {disk} on disk"
