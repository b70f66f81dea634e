"""Whether memory, open files and threads grow with the length of a video.

    python benchmarks/restore_flatness.py --windows 200

Restores a generated clip of small frames with the stand-in network of the tests, whose
windows take milliseconds, and prints what the process holds on the way. The slope is a
least-squares line from window 50 on.
"""

import argparse
import os
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

import jax.numpy as jnp  # noqa: E402
import numpy as np  # noqa: E402
from media_files import pictures, write_video  # noqa: E402
from stand_in import StandIn  # noqa: E402

from bvsrpp_jax.restoration import Restorer  # noqa: E402

WINDOW, OVERLAP = 6, 1
KEPT = WINDOW - 2 * OVERLAP
SETTLED = 50  # windows after which everything that stays is there


def held() -> tuple[int, int, int]:
    """What this process holds: bytes of memory, open files, threads."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    files, threads = (len(os.listdir(f"/proc/self/{x}")) for x in ("fd", "task"))
    return pages * os.sysconf("SC_PAGE_SIZE"), files, threads


def measure(num_windows: int) -> np.ndarray:
    """[num_windows, 3]: `held` when the first frame of each window is written."""
    found = []

    def look(done, expected):
        if done % KEPT == 2:
            found.append(held())

    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "in.mp4"
        write_video(source, np.resize(pictures(KEPT), (num_windows * KEPT, 48, 64, 3)))
        restorer = Restorer(StandIn(), jnp.float32(1), window=WINDOW, overlap=OVERLAP)
        restorer.restore_video(source, Path(folder) / "out.mp4", on_progress=look)
    return np.array(found)


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--windows", type=int, default=200)
    found = measure(parser.parse_args().windows)
    for window in (SETTLED, len(found) // 2, len(found) - 1):
        memory, files, threads = found[window]
        print(
            f"window {window}: {memory / 2**20:.1f} MiB, {files} open files,"
            f" {threads} threads"
        )
    memory = found[SETTLED:, 0]
    slope = np.polyfit(np.arange(len(memory)), memory, 1)[0]
    print(f"slope: {slope / 2**10:.1f} KiB a window")


if __name__ == "__main__":
    main()
