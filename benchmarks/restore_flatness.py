"""Whether memory, open files and threads grow with the length of a video.

    python benchmarks/restore_flatness.py --windows 200
    python benchmarks/restore_flatness.py --peaks

Restores a generated clip of small frames with the stand-in network of the tests, whose
windows take milliseconds, and prints what the process holds on the way. The slope is a
least-squares line from window 50 on. `--peaks` compares the most memory that a process
ever held for 100 frames of 320x180 with that for 1000.
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

import jax.numpy as jnp  # noqa: E402
import numpy as np  # noqa: E402
from media_files import pictures, write_video  # noqa: E402
from stand_in import StandIn  # noqa: E402

from bvsrpp_jax.commands.heap import return_large_blocks  # noqa: E402
from bvsrpp_jax.restoration import Restorer  # noqa: E402

WINDOW, OVERLAP = 6, 1
KEPT = WINDOW - 2 * OVERLAP
SETTLED = 50  # windows after which everything that stays is there


def held() -> tuple[int, int, int]:
    """What this process holds: bytes of memory, open files, threads."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    files, threads = (len(os.listdir(f"/proc/self/{x}")) for x in ("fd", "task"))
    return pages * os.sysconf("SC_PAGE_SIZE"), files, threads


def peak(num_frames: int) -> int:
    """Bytes that a process of its own holds at most, for so many frames of 320x180."""
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "in.mp4"
        frames = pictures(8, width=320, height=180)
        write_video(source, np.resize(frames, (num_frames, 180, 320, 3)))
        command = [sys.executable, __file__, "--restore", str(source)]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return int(done.stdout)


def restore(source: Path) -> None:
    """Restores a clip in windows of 24 and prints the peak."""
    return_large_blocks()  # as the command does
    restorer = Restorer(StandIn(), jnp.float32(1), window=24)
    restorer.restore_video(source, source.with_name("out.mp4"))
    print(1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)


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
    parser.add_argument("--peaks", action="store_true")
    parser.add_argument("--restore", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.restore is not None:
        restore(arguments.restore)
        return
    if arguments.peaks:
        few, many = peak(100), peak(1000)
        print(f"100 frames: {few / 2**20:.0f} MiB, 1000 frames: {many / 2**20:.0f} MiB")
        print(f"ratio: {many / few:.3f}")
        return
    found = measure(arguments.windows)
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
