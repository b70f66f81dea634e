"""What is freed goes back to the system."""

import subprocess
import sys

import pytest

from bvsrpp_jax.commands.heap import return_large_blocks

PROGRAM = """
import os
import numpy as np
from bvsrpp_jax.commands.heap import return_large_blocks

def held():
    pages = int(open("/proc/self/statm").read().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") >> 20

if {fixed}:
    return_large_blocks()
np.ones(30 << 20, np.uint8)  # freed: from now on, so much is kept in the heap
before = held()
arrays = [np.ones(4 << 20, np.uint8) for _ in range(60)]
pins = [bytes(2000) for _ in range(1000)]  # these lie behind them
del arrays
print(held() - before)
"""


@pytest.mark.skipif(not return_large_blocks(), reason="not glibc")
def test_freed_arrays_are_given_back():
    kept = [
        int(subprocess.check_output([sys.executable, "-c", PROGRAM.format(fixed=x)]))
        for x in (True, False)
    ]
    assert kept[0] < 20
    assert kept[1] > 200  # MiB: what the setting is for
