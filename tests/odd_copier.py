"""A copier to which something happens when it has all the packets.

    python -m odd_copier REQUEST

It is the real one, and what happens is in the environment, as `ODD_COPIER`: in place of
copying what is left of a source, as if a hostile file had made it do so.
"""

import os
import signal
import time

import numpy as np

from bvsrpp_jax.media import assembly_process
from bvsrpp_jax.media.copying import StreamCopier
from bvsrpp_jax.media.serving import begin


def crash(_) -> None:
    os.kill(os.getpid(), signal.SIGSEGV)


def hang(_) -> None:
    time.sleep(600)


def take_memory(_) -> None:
    np.empty(16 << 30, np.uint8)  # of which nothing is touched


def read_on(copier) -> None:
    """Packets of which nothing comes, for longer than anybody waits."""
    until = time.monotonic() + 6
    while time.monotonic() < until:
        copier._on_packet()
        time.sleep(0.1)
    finish(copier)


finish = StreamCopier.finish

if __name__ == "__main__":
    kinds = {"crash": crash, "hang": hang, "memory": take_memory, "read on": read_on}
    StreamCopier.finish = kinds.get(os.environ.get("ODD_COPIER"), finish)
    assembly_process.main(begin())
