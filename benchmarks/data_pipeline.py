"""What feeding a training step costs: at the paper's crop and length, per core.

    python benchmarks/data_pipeline.py
    python benchmarks/data_pipeline.py --clip frames/    pictures of your own, 720p

Makes a small data set of the shape of REDS (1280x720 pixels, input of 320x180) in a
temporary folder, with each of three ways to store it: PNG files, records of whole frames,
records of tiles of 480x480 pixels. Without --clip the frames are made: a camera moves
over a random picture with the spectrum of photographs (amplitude 1 / frequency), soft
edges and sensor noise of a third of a level, so that a PNG takes about as much room as
one of REDS; the size is printed.

Then, for each: core-seconds a sample and where they go; samples a second with one and
more threads; the share of time that a loop waits for data while a pretended accelerator
takes so many seconds a step; and the cores that a host of eight devices needs,

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
from bvsrpp_jax.data.samples import ClipSamples
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
    height, width = HEIGHT + 256, WIDTH + 256
    y, x = np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)
    amplitude = 1 / np.maximum(np.hypot(y, x), 1 / height)
    noise = np.fft.rfft2(rng.standard_normal((3, height, width)))
    texture = np.fft.irfft2(noise * amplitude, (height, width))
    texture /= texture.std()
    edges = np.sign(texture[0] + 0.3 * texture[1])
    mixed = 0.8 * texture[:1] + 0.25 * texture  # colours go together
    scene = 118 + 38 * mixed + 20 * edges
    scene = np.moveaxis(np.clip(scene, 0, 255), 0, -1).astype(np.uint8)
    picture = Image.fromarray(scene)
    for time_ in range(100):
        shift = (1, 0, 20 + 2.3 * time_, 0, 1, 40 + 1.1 * time_)
        frame = picture.transform(
            (WIDTH, HEIGHT), Image.Transform.AFFINE, shift, Image.Resampling.BICUBIC
        )
        grain = rng.standard_normal((HEIGHT, WIDTH, 3), np.float32) / 3
        yield np.clip(np.asarray(frame) + grain + 0.5, 0, 255).astype(np.uint8)


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


def measure(source: ClipSource, options) -> None:
    """Prints the figures of one way to store frames."""
    total = core_seconds(source, options.samples)
    for threads in options.threads:
        count, cores, seconds = throughput(samples_of(source), threads, options.samples)
        print(
            f"  {threads} threads: {count / seconds:.2f} samples/s,"
            f" {cores / count:.3f} core-seconds a sample"
        )
        for step in options.step_seconds:
            waited = waiting(samples_of(source), threads, step, options.samples)
            print(f"    steps of {step:g} s: waits {waited:.0%} of the time")
    for step in options.step_seconds:
        cores = DEVICES * total / step
        print(
            f"  {DEVICES} devices, one sample each, {step:g} s a step: {cores:.1f} cores"
        )


def core_seconds(source: ClipSource, count: int) -> float:
    """Prints where the time of one thread goes; returns core-seconds a sample."""
    plain, timed = samples_of(source), Timed(source)
    samples = samples_of(timed)
    total = seconds_of(samples, count)
    decoding = timed.seconds / count
    batching = throughput(plain, 1, count)[1] / count - total
    print(f"  core-seconds a sample: {total + batching:.3f}")
    print(f"    decoding {decoding:.3f}, cropping {total - decoding:.3f}")
    print(f"    grain and batching {batching:.3f}")
    for names, scale in ((("bicubic",), 4), (("blur",), 4), (("noise",), 1)):
        timed = Timed(source)
        other = samples_of(timed, degradations=names, scale=scale)
        extra = seconds_of(other, count) - timed.seconds / count - (total - decoding)
        print(f"    with {names[0]} on the fly: {extra:+.3f}")
    return total + batching


def seconds_of(samples: ClipSamples, count: int) -> float:
    """Core-seconds a sample, drawn one after the other."""
    began = time.process_time()
    for step in range(count):
        samples.draw(step, 0)
    return (time.process_time() - began) / count


def throughput(samples, threads: int, count: int) -> tuple[int, float, float]:
    """Samples made, core-seconds and seconds; the first ones do not count."""
    steps = count + 2 * threads + 2
    with batches(
        samples, batch_size=1, first_step=0, num_steps=steps, num_threads=threads
    ) as opened:
        next(opened)
        cores, began = time.process_time(), time.perf_counter()
        made = sum(1 for _ in opened)
        return made, time.process_time() - cores, time.perf_counter() - began


def waiting(samples, threads: int, step: float, count: int) -> float:
    """Share of the time that a loop waits whose steps take no core of the host."""
    waited, began = 0.0, None
    with batches(
        samples, batch_size=1, first_step=0, num_steps=count + 1, num_threads=threads
    ) as opened:
        next(opened)
        began = time.perf_counter()
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
