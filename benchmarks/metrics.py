"""What scoring a frame costs: milliseconds of each metric at 1280x720, on one core.

    python benchmarks/metrics.py

The frame is that of an evaluation at 320x180 by four: the output and its bicubic
enlargement are both scored. Processor time is printed beside the clock's: where it is
larger, threads were at work. The comparison with scikit-image is on the same frames.
"""

import time
from collections.abc import Callable

import numpy as np
from skimage.metrics import structural_similarity

from bvsrpp_jax.data.degradations import bicubic_resize, to_uint8
from bvsrpp_jax.evaluation.metrics import prepare, psnr, ssim
from bvsrpp_jax.evaluation.temporal import make_motion

REPEATS = 15


def main() -> None:
    """Prints a line for each."""
    random = np.random.default_rng(0)
    lq = random.random((180, 320, 3), np.float32)
    truth = bicubic_resize(lq, 4).clip(0, 1)
    noisy = truth + random.normal(0, 0.05, truth.shape).astype(np.float32)
    gt, output, floats = to_uint8(truth), to_uint8(noisy), noisy.clip(0, 1)
    report("bicubic enlargement", lambda: bicubic_resize(lq, 4))
    report("clamp and round", lambda: prepare(noisy))
    for channel in ("rgb", "y"):
        for kind, frame in (("uint8", output), ("float", floats)):
            for metric in (psnr, ssim):
                pair = frame[None], gt[None]
                name = f"{metric.__name__} {channel} {kind}"
                report(name, lambda m=metric, p=pair, c=channel: m(*p, channel=c))
    report("ssim rgb by scikit-image", lambda: skimage_ssim(output, gt), repeats=3)
    motion = make_motion()
    motion(gt)
    report("flow of tof", lambda: motion(output), repeats=3)


def report(name: str, call: Callable, *, repeats: int = REPEATS) -> None:
    """Medians of the clock and of the processor."""
    clock, processor = [], []
    for _ in range(repeats):
        began = time.perf_counter(), time.process_time()
        call()
        clock.append(time.perf_counter() - began[0])
        processor.append(time.process_time() - began[1])
    medians = (1000 * np.median(times) for times in (clock, processor))
    print("{:<26}{:8.1f} ms, processor {:8.1f} ms".format(name, *medians))


def skimage_ssim(a: np.ndarray, b: np.ndarray) -> float:
    """The same definition there."""
    options = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}
    return structural_similarity(a, b, channel_axis=-1, data_range=255, **options)


if __name__ == "__main__":
    main()
