"""Restores and encodes a few small frames, and compares with what has to come out.

The stored answer, `answer.npy`, is the bundled network's whole-clip output for `clip()`
on a CPU, float32, at every 31st pixel: 31 and 4 have no common factor, so pixels of
every place in the upsampling are among them.
"""

import tempfile
import time
from collections.abc import Iterator
from importlib import resources
from pathlib import Path

import numpy as np

from bvsrpp_jax.doctor.facts import REPORT, Fact, attempt, cause_of
from bvsrpp_jax.errors import InputError

PRESET = "lite"
STEP = 31
_CHUNK = 2  # frames: the clip takes three chunks, the last of them not full
_SIDE, _FRAMES = 64, 5
# Rounding on the CPU; accelerators multiply with fewer bits unless told otherwise.
CPU_TOLERANCE, OTHER_TOLERANCE = 1e-4, 2e-2
_LEAST_PSNR = 30.0  # dB, of a smooth picture through a lossy encoder in 4:2:0
_REINSTALL = "Run pip install --force-reinstall --no-deps bvsrpp-jax"


def self_test(*, network: bool) -> Iterator[Fact]:
    """The bundled weights, the network through `Restorer`, and every output format.

    Args:
      network: whether JAX can run it at all.
    """
    weights = attempt("weights", weights_fact)
    yield weights
    if network and not weights.broken:
        yield attempt("network", _network)
    yield attempt("outputs", _outputs)


def weights_fact() -> Fact:
    """Whether the weights in the package are what was put there."""
    try:
        from bvsrpp_jax.weights.layout import num_parameters
        from bvsrpp_jax.weights.store import read_weights

        weights = read_weights(PRESET)
    except InputError as error:
        problem = f"They are damaged: {error}"
        return Fact("weights", PRESET, problem, _REINSTALL, broken=True)
    count = f"{num_parameters(weights.model):,} parameters"
    return Fact("weights", f"{PRESET}, {count}, verified by {weights.verified}")


def clip() -> np.ndarray:
    """[5, 64, 64, 3] uint8: waves that move to the right, in whole numbers alone."""
    t, y, x = np.mgrid[:_FRAMES, :_SIDE, :_SIDE]
    waves = [x - 2 * t, x + y - t, 2 * y - x]
    return np.stack([4 * abs(w % 62 - 31) + 40 for w in waves], -1).astype(np.uint8)


def answer() -> np.ndarray:
    """[5, 9, 9, 3] float32: the pixels that have to come out."""
    with (resources.files(__package__) / "answer.npy").open("rb") as file:
        return np.load(file)


def sampled(output: np.ndarray) -> np.ndarray:
    """The pixels of an output that are compared."""
    return output[:, ::STEP, ::STEP]


def _network() -> Fact:
    from bvsrpp_jax.restoration import Restorer
    from bvsrpp_jax.weights import load

    begin = time.monotonic()
    restorer = Restorer(*load(PRESET), chunk=_CHUNK)
    codes = np.stack(list(restorer.stream(clip())))
    output = np.stack(list(restorer.stream(clip().astype(np.float32) / 255)))
    return network_fact(output, codes, time.monotonic() - begin)


def network_fact(output: np.ndarray, codes: np.ndarray, seconds: float) -> Fact:
    """Compares both kinds of output with the stored answer.

    Args:
      output, codes: [5, 256, 256, 3], float32 and uint8.
      seconds: what they took.
    """
    import jax

    tolerance = CPU_TOLERANCE if jax.default_backend() == "cpu" else OTHER_TOLERANCE
    difference = float(abs(sampled(output) - answer()).max())
    expected = np.clip(answer(), 0, 1)
    # A code is rounded: half a code, and the difference itself.
    coded = float(abs(sampled(codes) / 255 - expected).max()) - 0.5 / 255
    value = f"within {max(difference, coded, 0):.1g} of its answer, {seconds:.1f} s"
    if difference <= tolerance and coded <= tolerance:  # NaN is not
        return Fact("network", value)
    problem = f"The result is wrong, {tolerance:g} are allowed"
    remedy = f"Set JAX_PLATFORMS=cpu to compare with the processor. {REPORT}"
    return Fact("network", value, problem, remedy, broken=True)


def _outputs() -> Fact:
    from bvsrpp_jax.media.codecs import CONTAINERS

    failed = {}
    with tempfile.TemporaryDirectory() as folder:
        for suffix in CONTAINERS:
            try:
                _round_trip(Path(folder), suffix)
            except Exception as error:  # in whatever way
                failed[suffix] = cause_of(error)
    return outputs_fact(list(CONTAINERS), failed)


def outputs_fact(suffixes: list[str], failed: dict[str, str]) -> Fact:
    """Which suffixes were written and read back, and why others were not."""
    value = " ".join(s for s in suffixes if s not in failed) or "none"
    if not failed:
        return Fact("outputs", f"{value}, written and read back")
    problem = "; ".join(f"{suffix} fails, {why}" for suffix, why in failed.items())
    remedy = "Use another one; if its encoder is there, open an issue with these lines"
    return Fact("outputs", value, problem, remedy, broken=len(failed) == len(suffixes))


def _round_trip(folder: Path, suffix: str) -> None:
    """Writes the clip, reads it back and compares."""
    from PIL import Image

    from bvsrpp_jax.media import Frame, create_clip, open_clip

    pictures = folder / f"pictures{suffix}"
    pictures.mkdir()
    for index, picture in enumerate(clip()):
        Image.fromarray(picture).save(pictures / f"{index:08}.png")
    path = folder / f"clip{suffix}"
    with (
        open_clip(pictures) as source,
        create_clip(path, source, source.info) as sink,
    ):
        for frame in source:
            sink.write(Frame(frame.pixels, frame.pts))
        sink.commit()
    with open_clip(path) as source:
        back = np.stack([frame.pixels for frame in source])
    if back.shape != clip().shape:
        raise ValueError(f"{list(back.shape)} came back of {list(clip().shape)}")
    psnr = 10 * np.log10(255**2 / np.square(back - clip().astype(float)).mean())
    if psnr < _LEAST_PSNR:
        raise ValueError(f"the pictures came back changed, at {psnr:.1f} dB")
