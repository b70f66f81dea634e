"""How exact and how fast an output is resampled to its size: ours against swscale.

    python benchmarks/resizing.py

Errors are those of noise, in codes of eight bits, against Lanczos by its definition in
float64; a flat picture is exact with either. Milliseconds are of a frame of 3840x2160.
"""

import sys
import time
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.filter import Graph

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))
from test_media_resizing import FULL_HD, lanczos

from bvsrpp_jax.media.clip import Frame
from bvsrpp_jax.media.resizing import resize


def main() -> None:
    """Prints a line for each of both."""
    noise = np.random.default_rng(0).integers(0, 256, (216, 384, 3), np.uint8)
    exact = lanczos(lanczos(noise.astype(float), 108, 0), 192, 1).clip(0, 255)
    large = noise.repeat(10, 0).repeat(10, 1)
    for name, function in (("ours", ours), ("swscale", swscale)):
        error = np.abs(function(noise, (192, 108)) - exact)
        began = time.perf_counter()
        for _ in range(5):
            function(large, (1920, 1080))
        seconds = (time.perf_counter() - began) / 5
        print(
            f"{name}: error at most {error.max():.2f}, on average {error.mean():.2f};"
            f" {1000 * seconds:.0f} ms a frame"
        )


def ours(pixels: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """What `bvsrpp restore --size` does."""
    info = replace(FULL_HD, width=size[0], height=size[1])
    return resize(Frame(pixels, 0), info).pixels


def swscale(pixels: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Red, green and blue as the planes of a picture whose matrix is left alone."""
    height, width, _ = pixels.shape
    graph = Graph()
    source = graph.add_buffer(
        width=width, height=height, format="yuv444p", time_base=Fraction(1)
    )
    flags = "lanczos+accurate_rnd+full_chroma_int+full_chroma_inp"
    scale = graph.add("scale", f"{size[0]}:{size[1]}:flags={flags}")
    graph.link_nodes(source, scale, graph.add("buffersink")).configure()
    planes = np.ascontiguousarray(np.moveaxis(pixels, -1, 0))
    frame = av.VideoFrame.from_ndarray(planes, "yuv444p")
    frame.pts, frame.time_base = 0, Fraction(1)
    graph.push(frame)
    return np.moveaxis(graph.pull().to_ndarray(), 0, -1)


if __name__ == "__main__":
    main()
