"""What a process for an untrusted file may use, and how it ends once nobody needs it.

On POSIX. Address space is limited on Linux alone: macOS does not keep such a limit.
"""

import fcntl
import os
import resource
import select
import signal
from pathlib import Path

_BASE = 4 << 30  # bytes: threads' stacks, allocators' reserves, a container's index
# H.264 may keep 16 frames and as many in its threads, of 3 bytes a pixel for 4:2:0 of
# ten bits; their way to RGB takes 40 bytes for a while. An 8K clip was seen to take 81.
_BYTES_A_PIXEL = 128
_OPEN_FILES = 32


def limit_resources(max_pixels: int, *, writes: bool = False) -> None:
    """No files written, no memory image left behind, a bound to memory and open files.

    Args:
      max_pixels: of a frame. What the process has mapped already, mostly libraries,
        comes on top of the memory for it.
      writes: the process is there to write a file.
    """
    if not writes:
        _limit(resource.RLIMIT_FSIZE, 0)
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_NOFILE, _OPEN_FILES)
    mapped = Path("/proc/self/statm")
    if mapped.exists():
        pages = int(mapped.read_text().split()[0])
        spare = _BASE + _BYTES_A_PIXEL * max_pixels
        _limit(resource.RLIMIT_AS, pages * resource.getpagesize() + spare)


def die_before_others() -> None:
    """Makes the process the first to go when the machine runs out of memory (Linux)."""
    try:
        Path("/proc/self/oom_score_adj").write_text("1000")
    except OSError:
        return  # not Linux, or not allowed: the kernel chooses


def end_with(descriptor: int) -> None:
    """Ends the process by SIGIO once the other end of a pipe is closed.

    The kernel does it, so it also ends a process that hangs; the other end closes
    however its process dies. Nothing may ever be written to the pipe.
    """
    signal.signal(signal.SIGIO, signal.SIG_DFL)  # which is to end
    fcntl.fcntl(descriptor, fcntl.F_SETOWN, os.getpid())
    flags = fcntl.fcntl(descriptor, fcntl.F_GETFL)
    fcntl.fcntl(descriptor, fcntl.F_SETFL, flags | os.O_ASYNC)
    if select.select([descriptor], [], [], 0)[0]:  # it was closed before
        os._exit(0)


def _limit(what: int, value: int) -> None:
    _, hard = resource.getrlimit(what)
    value = value if hard == resource.RLIM_INFINITY else min(value, hard)
    resource.setrlimit(what, (value, value))
