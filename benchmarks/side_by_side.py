"""What every comparison with PyTorch needs: the clip, the cores, the taking of turns.

PyTorch runs in a process of its own, which sleeps while JAX computes and the other way
round, so that whatever else the machine does falls on all alike. Linux only: the cores
are set by affinity.
"""

import argparse
import contextlib
import json
import os
import pathlib
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence

import numpy as np

# Both runtimes let idle threads spin for some milliseconds before they sleep.
PAUSE_SECONDS = 0.05
HERE = pathlib.Path(__file__).parent
Call = Callable[[], dict]  # runs once; at least {"seconds": float}


def arguments(doc: str, *, modes: Sequence[str], repeats: int) -> argparse.Namespace:
    """The command line: PyTorch's Python, the network, the clip, the repetitions.

    Args:
      doc: docstring of the script.
      modes: PyTorch modes to choose from; the first two are the default.
      repeats: default number of rounds.
    """
    parser = argparse.ArgumentParser(description=doc.splitlines()[0])
    parser.add_argument(
        "--torch-python", required=True, help="Python with torch and torchvision"
    )
    parser.add_argument("--channels", type=int, default=64)
    parser.add_argument("--blocks", type=int, default=7)
    parser.add_argument("--scale", type=int, choices=(4, 1), default=4)
    parser.add_argument("--frames", type=int, default=5)
    parser.add_argument("--size", type=int, nargs=2, default=(64, 64), metavar="SIDE")
    parser.add_argument("--repeats", type=int, default=repeats)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seed", type=int, default=11)
    parser.add_argument(
        "--torch-modes", nargs="+", choices=modes, default=list(modes[:2])
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
def torch_process(
    args: argparse.Namespace, script: str, folder: str
) -> Iterator[Callable[[str], dict]]:
    """Starts a worker in PyTorch's Python; gives a function from request to reply."""
    command = [args.torch_python, HERE / script, folder]
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
    """The largest resident size of this process, in bytes, since it was forgotten."""
    status = pathlib.Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024


def forget_peak() -> None:
    """Lets `peak_memory` count anew from the present size."""
    pathlib.Path("/proc/self/clear_refs").write_text("5")


def take_turns(calls: dict[str, Call], repeats: int) -> dict[str, list[dict]]:
    """The results of `repeats` rounds of all calls; one round before them warms up."""
    results = {name: [] for name in calls}
    for _ in range(repeats + 1):
        for name, call in calls.items():
            time.sleep(PAUSE_SECONDS)
            results[name].append(call())
    return {name: values[1:] for name, values in results.items()}


def ratios(samples: dict[str, list[float]], modes: Sequence[str]) -> dict:
    """JAX's time over PyTorch's, in the mode that suits PyTorch best.

    Args:
      samples: name, "jax" or a mode, -> seconds of every round.
      modes: the names that are PyTorch's.
    """
    best = min(modes, key=lambda mode: statistics.median(samples[mode]))
    ours, theirs = samples["jax"], samples[best]
    return {
        "best_torch": best,
        "ratio_of_medians": statistics.median(ours) / statistics.median(theirs),
        "ratio_of_minima": min(ours) / min(theirs),
        "ratios_of_rounds": [a / b for a, b in zip(ours, theirs, strict=True)],
    }


def print_heading(args: argparse.Namespace, jax: dict, torch: dict) -> None:
    """The network, the clip, the machine and the versions."""
    print(
        f"x{args.scale}, {args.channels} channels, {args.blocks} blocks;"
        f" {args.frames} frames of {args.size[0]}x{args.size[1]}; {machine()}\n"
        f"JAX {jax['jax']}, Python {jax['python']}; PyTorch {torch['torch']},"
        f" torchvision {torch['torchvision']}, Python {torch['python']}"
    )


def print_times(title: str, samples: dict[str, list[float]], result: dict) -> None:
    """A row of median, minimum and maximum for everybody, then the ratios.

    Args:
      title: what is timed.
      samples: name -> seconds of every round.
      result: of `ratios`.
    """
    print(f"{title:24}{'median':>8}{'min':>8}{'max':>8}")
    for name, values in samples.items():
        row = statistics.median(values), min(values), max(values)
        print(f"{label(name):24}" + "".join(f"{value:8.3f}" for value in row))
    rounds = result["ratios_of_rounds"]
    print(
        f"ratio of medians, JAX to {label(result['best_torch'])}:"
        f" {result['ratio_of_medians']:.3f}"
        f" (minima {result['ratio_of_minima']:.3f};"
        f" rounds {min(rounds):.3f} to {max(rounds):.3f})"
    )


def label(name: str) -> str:
    """How a report calls "jax" or a mode of PyTorch."""
    return "JAX" if name == "jax" else f"PyTorch {name}"


def machine() -> str:
    """Processor, cores in use and system, as far as Linux tells."""
    lines = pathlib.Path("/proc/cpuinfo").read_text().splitlines()
    models = [line.split(": ")[1] for line in lines if line.startswith("model name")]
    processor = models[0] if models else platform.machine()
    return f"{processor}, {len(os.sched_getaffinity(0))} cores, {platform.system()}"


def write_json(args: argparse.Namespace, result: dict) -> None:
    """Keeps everything measured, with the setting, if `--json` asks for it."""
    if args.json:
        setting = {
            k: v for k, v in vars(args).items() if k not in ("json", "torch_python")
        }
        args.json.write_text(json.dumps({"setting": setting, **result}, indent=1))
