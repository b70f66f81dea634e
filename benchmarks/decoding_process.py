"""What decoding in a child process costs: frames a second beside decoding in-process.

    python benchmarks/decoding_process.py

Encodes a clip of noise over a moving pattern at each size, H.264 of 4:2:0, and reads it
both ways by turns. Start-up is measured apart, as the time to the first frame.
"""

import argparse
import statistics
import tempfile
import time
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from bvsrpp_jax.media.child_reader import ChildReader
from bvsrpp_jax.media.reader import VideoReader

SIZES = {"1080p": (1920, 1080, 120), "4K": (3840, 2160, 40)}  # and frames
DEPTHS = {8: ("libx264", "yuv420p"), 10: ("libx264", "yuv420p10le")}


def main() -> None:
    """Prints one line a size and depth."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=3)
    runs = parser.parse_args().runs
    with tempfile.TemporaryDirectory() as folder:
        for size in SIZES:
            for bits in DEPTHS:
                path = encode(Path(folder) / f"{size}-{bits}.mp4", size, bits)
                compare(f"{size} {bits} bits", path, runs)


def encode(path: Path, size: str, bits: int) -> Path:
    """Writes the clip."""
    width, height, count = SIZES[size]
    codec, format = DEPTHS[bits]
    y, x = np.mgrid[:height, :width]
    noise = np.random.default_rng(0).integers(0, 16, (height, width, 3))
    with av.open(str(path), "w") as output:
        stream = output.add_stream(codec, rate=25, options={"preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = width, height, format
        for i in range(count):
            wave = 110 + 90 * np.sin((x + y - 8 * i) / 40)
            picture = np.uint8(wave[..., None] + noise)
            frame = av.VideoFrame.from_ndarray(picture, "rgb24")
            frame.pts, frame.time_base = i, Fraction(1, 25)
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    return path


def compare(name: str, path: Path, runs: int) -> None:
    """Reads both ways by turns; medians."""
    times = {VideoReader: [], ChildReader: []}
    for _ in range(runs):
        for reader, samples in times.items():
            samples.append(read(reader, path))
    (first, inside), (start, child) = (
        [statistics.median(column) for column in zip(*samples, strict=True)]
        for samples in times.values()
    )
    print(
        f"{name}: {inside:.1f} frames/s in-process, {child:.1f} in a child: ratio"
        f" {child / inside:.2f}; first frame after {first:.2f} s and {start:.2f} s"
    )


def read(reader, path: Path) -> tuple[float, float]:
    """Seconds to the first frame, and frames a second after it."""
    begin = time.perf_counter()
    with reader(path) as source:
        frames = iter(source)
        next(frames)
        first = time.perf_counter()
        count = sum(1 for _ in frames)
        return first - begin, count / (time.perf_counter() - first)


if __name__ == "__main__":
    main()
