"""One restored frame: this project's network against plain PyTorch, on CPU.

    python benchmarks/network_vs_pytorch.py --torch-python .venv-torch/bin/python

Both get the same checkpoint (random strong weights, written by PyTorch in the official
layout, read by `bvsrpp_jax.load`), the same clip and the same cores. First the outputs
are compared: networks that disagree are not timed. Then the calls take turns, one of
JAX, one of each PyTorch mode. Defaults: the x4 network of the paper (64 channels,
7 blocks) on five frames of 64x64. Linux only.
"""

import argparse
import pathlib
import platform
import sys
import tempfile
import time

import numpy as np
from side_by_side import (
    Call,
    arguments,
    label,
    machine,
    moving_texture,
    peak_memory,
    print_heading,
    print_times,
    ratios,
    take_turns,
    torch_process,
    use_cores,
    write_json,
)

BOUND = 1e-5  # largest accepted difference between the outputs, both in float32
MODES = ("eager", "channels_last", "compile")


def prepare_jax(folder: str, lq: np.ndarray) -> tuple[Call, np.ndarray, dict]:
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

    def call() -> dict:
        start = time.perf_counter()
        compiled(params, lq).block_until_ready()
        return {"seconds": time.perf_counter() - start}

    return call, output, facts


def compare(args: argparse.Namespace, folder: str) -> dict:
    """Everything measured, as one dictionary for the report and for JSON."""
    lq = moving_texture(args.frames, *args.size, args.seed)
    np.save(pathlib.Path(folder, "lq.npy"), lq)
    with torch_process(args, "torch_worker.py", folder) as ask:
        torch = ask()  # its first line: versions
        call, output, jax = prepare_jax(folder, lq)
        torch["modes"] = {mode: ask(f"prepare {mode}") for mode in args.torch_modes}
        differences = {}
        for mode in args.torch_modes:
            theirs = np.load(pathlib.Path(folder, f"{mode}.npy"))
            differences[mode] = float(np.abs(output - theirs).max())
        if not max(differences.values()) <= BOUND:
            sys.exit(f"outputs differ by {differences}; the bound is {BOUND}")
        calls = {"jax": call}
        for mode in args.torch_modes:
            calls[mode] = lambda m=mode: ask(f"time {m}")
        rounds = take_turns(calls, args.repeats)
    seconds = {name: [r["seconds"] for r in rounds[name]] for name in calls}
    return {
        "machine": machine(),
        "jax": jax,
        "torch": torch,
        "differences": differences,
        "largest_output": float(np.abs(output).max()),
        "seconds_per_frame": {
            name: [value / args.frames for value in values]
            for name, values in seconds.items()
        },
        **ratios(seconds, args.torch_modes),
    }


def report(args: argparse.Namespace, result: dict) -> None:
    jax, torch, mebi = result["jax"], result["torch"], 2**20
    print_heading(args, jax, torch)
    for mode, difference in result["differences"].items():
        print(f"output against {mode}: at most {difference:.1e} apart, bound {BOUND}")
    print_times("seconds a frame", result["seconds_per_frame"], result)
    print(
        f"JAX compiled in {jax['compile']:.1f} s; temporaries"
        f" {jax['temporaries'] / mebi:.0f} MiB, process"
        f" {jax['peak_memory'] / mebi:.0f} MiB above its libraries, compiler included"
    )
    for mode, facts in torch["modes"].items():
        print(
            f"{label(mode)}: first call {facts['first_call']:.1f} s, process so far"
            f" {facts['peak_memory'] / mebi:.0f} MiB above its libraries"
        )


def main() -> None:
    args = arguments(__doc__, modes=MODES, repeats=9)
    use_cores(args.threads)
    with tempfile.TemporaryDirectory() as folder:
        result = compare(args, folder)
    report(args, result)
    write_json(args, result)


if __name__ == "__main__":
    main()
