"""Large arrays go back to the system when they are freed.

glibc raises its threshold for that with every large block that is freed, up to 32 MiB,
and then keeps arrays of frames in heaps that fragment: a restoration's process holds a
third more at its peak, and more after many windows (benchmarks/restore_flatness.py).
The threshold is the whole process's, so the command sets it, not the library.
"""

import ctypes
import platform

_M_MMAP_THRESHOLD = -3  # malloc.h
_BYTES = 1 << 20


def return_large_blocks() -> bool:
    """Fixes the threshold; whether this system's C library has one."""
    if platform.libc_ver()[0] != "glibc":
        return False
    return bool(ctypes.CDLL(None).mallopt(_M_MMAP_THRESHOLD, _BYTES))
