"""One restored frame: this project's network against plain PyTorch, on CPU.

    python benchmarks/network_vs_pytorch.py --torch-python .venv-torch/bin/python

Both get the same checkpoint (random strong weights, written by PyTorch in the official
layout, read by `bvsrpp_jax.load`), the same clip and the same cores. First the outputs
are compared: networks that disagree are not timed. Then the calls take turns, one of
JAX, one of each PyTorch mode, while the other process sleeps, so that whatever else the
machine does falls on all alike. Defaults: the x4 network of the paper (64 channels,
7 blocks) on five frames of 64x64. Linux only: the cores are set by affinity.
"""

import argparse
import contextlib
import json
import os
import pathlib
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence

import numpy as np

BOUND = 1e-5  # largest accepted difference between the outputs, both in float32
# Both runtimes let idle threads spin for some milliseconds before they sleep.
PAUSE_SECONDS = 0.05
HERE = pathlib.Path(__file__).parent


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--torch-python", required=True, help="Python with torch and torchvision"
    )
    parser.add_argument("--channels", type=int, default=64)
    parser.add_argument("--blocks", type=int, default=7)
    parser.add_argument("--scale", type=int, choices=(4, 1), default=4)
    parser.add_argument("--frames", type=int, default=5)
    parser.add_argument("--size", type=int, nargs=2, default=(64, 64), metavar="SIDE")
    parser.add_argument("--repeats", type=int, default=9)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seed", type=int, default=11)
    parser.add_argument(
        "--torch-modes",
        nargs="+",
        choices=("eager", "channels_last", "compile"),
        default=("eager", "channels_last"),
    )
    parser.add_argument("--json", type=pathlib.Path, help="also write the figures here")
    return parser.parse_args()


def use_cores(count: int) -> None:
    """Restricts this process, and those that it starts, to its first `count` cores."""
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < count:
        sys.exit(f"--threads: {count} asked, but this process may use {len(cores)}")
    os.sched_setaffinity(0, cores[:count])


def moving_texture(frames: int, height: int, width: int, seed: int) -> np.ndarray:
    """A clip `[1, t, h, w, 3]` in [0, 1]: random blocks that drift, and noise."""
    rng = np.random.default_rng(seed)
    rows, columns = height + frames, width + 2 * frames
    blocks = rng.random((-(-rows // 4), -(-columns // 4), 3))
    texture = blocks.repeat(4, axis=0).repeat(4, axis=1)
    clip = [texture[i : i + height, 2 * i : 2 * i + width] for i in range(frames)]
    noise = rng.random((frames, height, width, 3))
    return (0.8 * np.stack(clip) + 0.2 * noise)[None].astype(np.float32)


@contextlib.contextmanager
def torch_worker(args: argparse.Namespace, folder: str) -> Iterator[Callable]:
    """Starts `torch_worker.py`; gives a function from a request to the reply."""
    command = [args.torch_python, HERE / "torch_worker.py", folder]
    for name in ("channels", "blocks", "scale", "seed", "threads"):
        command += [f"--{name}", str(getattr(args, name))]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as process:

        def ask(request: str = "") -> dict:
            if request:
                print(request, file=process.stdin, flush=True)
            answer = process.stdout.readline()
            if not answer:
                sys.exit("the PyTorch process ended; its message is above")
            return json.loads(answer)

        yield ask
        process.stdin.close()


def peak_memory() -> int:
    """The largest resident size of this process so far, in bytes (Linux)."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def prepare_jax(folder: str, lq: np.ndarray) -> tuple[Callable, np.ndarray, dict]:
    """Loads and compiles; gives a timed call, the output and facts about both."""
    # Here, not above: the number of cores must be set before JAX starts its threads.
    import jax

    import bvsrpp_jax as bvsrpp

    facts = {"python": platform.python_version(), "jax": jax.__version__}
    imported = peak_memory()
    model, params = bvsrpp.load(pathlib.Path(folder, "weights.pth"))
    start = time.perf_counter()
    network = jax.jit(lambda params, lq: model.apply({"params": params}, lq))
    compiled = network.lower(params, lq).compile()
    facts["compile"] = time.perf_counter() - start
    params, lq = jax.device_put((params, lq))
    output = np.asarray(compiled(params, lq))
    facts["temporaries"] = compiled.memory_analysis().temp_size_in_bytes
    facts["peak_memory"] = peak_memory() - imported

    def timed_call() -> float:
        start = time.perf_counter()
        compiled(params, lq).block_until_ready()
        return time.perf_counter() - start

    return timed_call, output, facts


def measure(timed_calls: dict[str, Callable], repeats: int) -> dict[str, list[float]]:
    """Seconds of every call, the calls taking turns; one round first warms up."""
    samples = {name: [] for name in timed_calls}
    for _ in range(repeats + 1):
        for name, timed_call in timed_calls.items():
            time.sleep(PAUSE_SECONDS)
            samples[name].append(timed_call())
    return {name: values[1:] for name, values in samples.items()}


def compare(args: argparse.Namespace, folder: str) -> dict:
    """Everything measured, as one dictionary for the report and for JSON."""
    lq = moving_texture(args.frames, *args.size, args.seed)
    np.save(pathlib.Path(folder, "lq.npy"), lq)
    with torch_worker(args, folder) as ask:
        torch = ask()  # its first line: versions
        timed_call, output, jax = prepare_jax(folder, lq)
        torch["modes"] = {mode: ask(f"prepare {mode}") for mode in args.torch_modes}
        differences = {}
        for mode in args.torch_modes:
            theirs = np.load(pathlib.Path(folder, f"{mode}.npy"))
            differences[mode] = float(np.abs(output - theirs).max())
        if not max(differences.values()) <= BOUND:
            sys.exit(f"outputs differ by {differences}; the bound is {BOUND}")
        timed_calls = {"jax": timed_call}
        for mode in args.torch_modes:
            timed_calls[mode] = lambda m=mode: ask(f"time {m}")["seconds"]
        samples = measure(timed_calls, args.repeats)
    return {
        "machine": machine(),
        "jax": jax,
        "torch": torch,
        "differences": differences,
        "largest_output": float(np.abs(output).max()),
        "seconds_per_frame": {
            name: [value / args.frames for value in values]
            for name, values in samples.items()
        },
        **ratios(samples, args.torch_modes),
    }


def ratios(samples: dict[str, list[float]], modes: Sequence[str]) -> dict:
    """JAX's time over PyTorch's, in the mode that suits PyTorch best."""
    best = min(modes, key=lambda mode: statistics.median(samples[mode]))
    ours, theirs = samples["jax"], samples[best]
    return {
        "best_torch": best,
        "ratio_of_medians": statistics.median(ours) / statistics.median(theirs),
        "ratio_of_minima": min(ours) / min(theirs),
        "ratios_of_rounds": [a / b for a, b in zip(ours, theirs, strict=True)],
    }


def machine() -> str:
    """Processor, cores in use and system, as far as Linux tells."""
    lines = pathlib.Path("/proc/cpuinfo").read_text().splitlines()
    models = [line.split(": ")[1] for line in lines if line.startswith("model name")]
    processor = models[0] if models else platform.machine()
    return f"{processor}, {len(os.sched_getaffinity(0))} cores, {platform.system()}"


def report(args: argparse.Namespace, result: dict) -> None:
    jax, torch, mebi = result["jax"], result["torch"], 2**20
    print(
        f"x{args.scale}, {args.channels} channels, {args.blocks} blocks;"
        f" {args.frames} frames of {args.size[0]}x{args.size[1]}; {result['machine']}\n"
        f"JAX {jax['jax']}, Python {jax['python']}; PyTorch {torch['torch']},"
        f" torchvision {torch['torchvision']}, Python {torch['python']}"
    )
    for mode, difference in result["differences"].items():
        print(f"output against {mode}: at most {difference:.1e} apart, bound {BOUND}")
    print(f"{'seconds a frame':24}{'median':>8}{'min':>8}{'max':>8}")
    for name, values in result["seconds_per_frame"].items():
        label = "JAX" if name == "jax" else f"PyTorch {name}"
        row = statistics.median(values), min(values), max(values)
        print(f"{label:24}" + "".join(f"{value:8.3f}" for value in row))
    rounds = result["ratios_of_rounds"]
    print(
        f"ratio of medians, JAX to PyTorch {result['best_torch']}:"
        f" {result['ratio_of_medians']:.2f} (of minima {result['ratio_of_minima']:.2f},"
        f" of single rounds {min(rounds):.2f} to {max(rounds):.2f})\n"
        f"JAX compiled in {jax['compile']:.1f} s; temporaries"
        f" {jax['temporaries'] / mebi:.0f} MiB, process"
        f" {jax['peak_memory'] / mebi:.0f} MiB above its libraries, compiler included"
    )
    for mode, facts in torch["modes"].items():
        print(
            f"PyTorch {mode}: first call {facts['first_call']:.1f} s, process so far"
            f" {facts['peak_memory'] / mebi:.0f} MiB above its libraries"
        )


def main() -> None:
    args = parse_arguments()
    use_cores(args.threads)
    with tempfile.TemporaryDirectory() as folder:
        result = compare(args, folder)
    report(args, result)
    if args.json:
        setting = {
            k: v for k, v in vars(args).items() if k not in ("json", "torch_python")
        }
        args.json.write_text(json.dumps({"setting": setting, **result}, indent=1))


if __name__ == "__main__":
    main()
