"""Processor, memory and disks."""

import os
import platform
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from bvsrpp_jax.doctor.facts import Fact

GIB = 2**30
_LEAST_MEMORY, _LEAST_DISK = 2 * GIB, GIB


def machine() -> Iterator[Fact]:
    """What restoring uses besides the accelerator."""
    yield Fact("processor", f"{_processor()}, {_cores()} cores to use")
    yield memory_fact(*_memory())
    yield disk_fact("disk here", Path(), "Free some, or write the output elsewhere")
    temporary = Path(tempfile.gettempdir())
    yield disk_fact("disk temp", temporary, "Free some, or set TMPDIR")


def memory_fact(free: int | None, total: int | None) -> Fact:
    """Of so many bytes, None if the system does not tell."""
    if free is None or total is None:
        return Fact("memory", "unknown")
    value = f"{free / GIB:.1f} GiB free of {total / GIB:.1f}"
    if free >= _LEAST_MEMORY:
        return Fact("memory", value)
    remedy = "Close other programs, or give the container more"
    return Fact("memory", value, "Little is left, large frames will not fit", remedy)


def disk_fact(name: str, folder: Path, remedy: str) -> Fact:
    """Free space of the disk of a folder."""
    try:
        usage = shutil.disk_usage(folder)
    except OSError as error:
        return Fact(name, "unknown", f"It cannot be read: {error.strerror}", remedy)
    value = f"{usage.free / GIB:.1f} GiB free of {usage.total / GIB:.1f}"
    if usage.free >= _LEAST_DISK:
        return Fact(name, value)
    return Fact(name, value, "Little is left", remedy)


def _processor() -> str:
    described = Path("/proc/cpuinfo")
    if described.exists():
        for line in described.read_text(errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _cores() -> int | None:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count()


def _memory() -> tuple[int | None, int | None]:
    """Bytes free and in all, of the system or of the container if that has less."""
    described = Path("/proc/meminfo")
    if not described.exists():
        return None, None
    lines = dict(line.split(":") for line in described.read_text().splitlines())
    free, total = (
        1024 * int(lines[name].split()[0]) for name in ("MemAvailable", "MemTotal")
    )
    limit, used = (Path(f"/sys/fs/cgroup/memory.{n}") for n in ("max", "current"))
    if limit.exists() and (text := limit.read_text().strip()) != "max":
        free = min(free, int(text) - int(used.read_text()))
        total = min(total, int(text))
    return free, total
