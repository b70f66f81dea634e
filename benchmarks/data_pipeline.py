"""What feeding a training step costs: at the paper's crop and length, per core.

    python benchmarks/data_pipeline.py
    python benchmarks/data_pipeline.py --clip frames/    pictures of your own, 720p

Makes a small data set of the shape of REDS (1280x720 pixels, input of 320x180) in a
temporary folder and stores it in three ways: PNG files, records of whole frames, and
records of tiles of 480x480 pixels. Without --clip the frames are made: a camera moves
over a random picture whose amplitudes fall like those of photographs, with edges and a
third of a level of sensor noise, such that a PNG takes about 1.4 MB.

Printed for each way: core-seconds a sample and where they go; samples a second with one
and more threads; the share of time that a loop waits for data whose steps keep an
accelerator busy for so long and the host not at all; and the cores that a host of eight
devices needs,

    devices * samples a device * core-seconds a sample / seconds a step.
"""

import argparse
import tempfile
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np
from PIL import Image

from bvsrpp_jax.data.degradations import bicubic_downsample
from bvsrpp_jax.data.pictures import encode_png
from bvsrpp_jax.data.pipeline import batches
from bvsrpp_jax.data.prepare import prepare
from bvsrpp_jax.data.samples import ClipSamples, Sample, Samples
from bvsrpp_jax.data.sources import ClipSource, open_clips
from bvsrpp_jax.media import open_clip

HEIGHT, WIDTH = 720, 1280
NUM_FRAMES, CROP = 30, 256
DEVICES = 8


def main() -> None:
    """Prints everything."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--clip", type=Path, help="video or folder of pictures")
    parser.add_argument("--frames", type=int, default=40, help="frames of the clip")
    parser.add_argument("--samples", type=int, default=8, help="samples a measurement")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--step-seconds", type=float, nargs="+", default=[0.5, 1, 2])
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        sources = make_sources(Path(folder), options)
        for name, source in sources.items():
            print(f"\n{name}")
            measure(source, options)


def make_sources(folder: Path, options) -> dict[str, ClipSource]:
    """One clip, stored in three ways."""
    frames = real(options.clip) if options.clip else made()
    root, sizes = folder / "clips", {"gt": [], "lq": []}
    for number, gt in enumerate(islice(frames, options.frames)):
        for kind, pixels in (("gt", gt), ("lq", bicubic_downsample(gt))):
            path = root / kind / "000" / f"{number:08d}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(encode_png(pixels))
            sizes[kind].append(path.stat().st_size / 1e6)
    for kind, megabytes in sizes.items():
        print(f"{kind}: {len(megabytes)} frames of {np.mean(megabytes):.2f} MB")
    for tiles in (False, True):
        prepare("folder", root, folder / "built", tiles=tiles, say=lambda text: None)
    return {
        "PNG files of whole frames": open_clips("folder", root, "train"),
        "records of whole frames": open_clips(
            "folder", folder / "built", "train", tiles=False
        ),
        "records of tiles": open_clips("folder", folder / "built", "train", tiles=True),
    }


def made() -> Iterator[np.ndarray]:
    """Frames [720, 1280, 3] uint8 of a camera over a random picture."""
    rng = np.random.default_rng(0)
    picture = Image.fromarray(scene(HEIGHT + 256, WIDTH + 256, rng))
    for number in range(100):
        shift = (1, 0, 20 + 2.3 * number, 0, 1, 40 + 1.1 * number)
        frame = picture.transform(
            (WIDTH, HEIGHT), Image.Transform.AFFINE, shift, Image.Resampling.BICUBIC
        )
        noise = rng.standard_normal((HEIGHT, WIDTH, 3), np.float32) / 3
        yield np.clip(np.asarray(frame) + noise + 0.5, 0, 255).astype(np.uint8)


def scene(height: int, width: int, rng: np.random.Generator) -> np.ndarray:
    """A random picture [h, w, 3] uint8: clouds at all scales, cut by edges."""
    y, x = np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)
    amplitude = np.maximum(np.hypot(y, x), 1 / height) ** -1.5
    white = np.fft.rfft2(rng.standard_normal((3, height, width)))
    clouds = np.fft.irfft2(white * amplitude, (height, width))
    clouds /= clouds.std()
    edges = np.tanh(8 * clouds[0] + 2.4 * clouds[1])
    levels = 118 + 30 * clouds[0] + 10 * clouds + 25 * edges  # colours go together
    return np.moveaxis(np.clip(levels, 0, 255), 0, -1).astype(np.uint8)


def real(path: Path) -> Iterator[np.ndarray]:
    """The frames of a clip, cut to sides that are multiples of four."""
    with open_clip(path) as frames:
        for frame in frames:
            height, width = (side // 4 * 4 for side in frame.pixels.shape[:2])
            yield np.ascontiguousarray(frame.pixels[:height, :width])


class Timed:
    """A source that adds up the core-seconds of its reads."""

    def __init__(self, source: ClipSource):
        self.clips, self.seconds, self._source = source.clips, 0.0, source

    def read(self, clip: int, start: int, stop: int) -> dict[str, np.ndarray]:
        began = time.process_time()
        frames = self._source.read(clip, start, stop)
        self.seconds += time.process_time() - began
        return frames


class Ready:
    """Always the same sample: what remains is the pipeline's own time."""

    def __init__(self, sample: Sample):
        self._sample = sample

    def draw(self, step: int, i: int) -> Sample:
        return self._sample

    def describe(self, step: int, i: int) -> str:
        return "the sample"


def measure(source: ClipSource, options) -> None:
    """Prints the figures of one way to store frames."""
    samples = samples_of(source)
    cores = core_seconds(source, options.samples)
    for threads in options.threads:
        rate = throughput(samples, threads, options.samples)[0]
        print(f"  {threads} threads: {rate:.2f} samples/s")
        for step in options.step_seconds:
            share = waiting(samples, threads, step, options.samples)
            print(f"    steps of {step:g} s: waits {share:.0%} of the time")
    print(f"  {DEVICES} devices, one sample each, need")
    for step in options.step_seconds:
        print(f"    steps of {step:g} s: {DEVICES * cores / step:.1f} cores")


def core_seconds(source: ClipSource, count: int) -> float:
    """Prints where the time of one thread goes; returns core-seconds a sample."""
    decoding, cropping = drawing(source, count)
    ready = Ready(samples_of(source).draw(0, 0))
    batching = throughput(ready, 1, 4 * count)[1]
    total = decoding + cropping + batching
    print(
        f"  core-seconds a sample: {total:.3f} (decoding {decoding:.3f}, cropping and"
        f" flipping {cropping:.3f}, batching {batching:.3f})"
    )
    for name, scale in (("bicubic", 4), ("blur", 4), ("noise", 1), ("h264", 1)):
        other = drawing(source, count, degradations=(name,), scale=scale)[1]
        print(f"    {name} on the fly at 1/{scale}: {other - cropping:+.3f}")
    return total


def drawing(source: ClipSource, count: int, **changes) -> tuple[float, float]:
    """Core-seconds a sample, one after the other: of reading, and of all the rest."""
    timed = Timed(source)
    samples = samples_of(timed, **changes)
    timed.seconds, began = 0.0, time.process_time()
    for step in range(count):
        samples.draw(step, 0)
    total = time.process_time() - began
    return timed.seconds / count, (total - timed.seconds) / count


def throughput(samples: Samples, threads: int, count: int) -> tuple[float, float]:
    """Samples a second, and core-seconds a sample, from start to end."""
    cores, began = time.process_time(), time.perf_counter()
    steps = max(count, 4 * threads)
    with batches(
        samples, batch_size=1, first_step=0, num_steps=steps, num_threads=threads
    ) as opened:
        for _ in opened:
            pass
    seconds = time.perf_counter() - began
    return steps / seconds, (time.process_time() - cores) / steps


def waiting(samples: ClipSamples, threads: int, step: float, count: int) -> float:
    """Share of the time that a loop waits whose steps take no core of the host."""
    warm = 2 * threads + 2  # until what was made in advance is used up
    with batches(
        samples, batch_size=1, first_step=0, num_steps=warm + count, num_threads=threads
    ) as opened:
        for _ in range(warm):
            next(opened)
            time.sleep(step)
        began, waited = time.perf_counter(), 0.0
        for _ in range(count):
            asked = time.perf_counter()
            next(opened)
            waited += time.perf_counter() - asked
            time.sleep(step)
        return waited / (time.perf_counter() - began)


def samples_of(source: ClipSource, **changes) -> ClipSamples:
    """The paper's samples."""
    recipe = {"num_frames": NUM_FRAMES, "crop_size": CROP, "scale": 4}
    return ClipSamples(source, batch_size=1, seed=0, **{**recipe, **changes})


if __name__ == "__main__":
    main()
