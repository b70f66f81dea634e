"""One training step: this project's, scanned and rematerialised, against plain PyTorch.

    python benchmarks/training_step_vs_pytorch.py \
        --torch-python .venv-torch/bin/python

Both get the same checkpoint (random strong weights), the same clip and truth, the
paper's loss and Adam, everything trained and nothing frozen, and the same cores. First
the loss and the gradients are compared: sides that disagree are not timed. Then steps
take turns, one of JAX, one of each PyTorch mode, each in its own process. Defaults: the
x4 network of the paper (64 channels, 7 blocks) on five frames of 64x64. Linux only.
"""

import argparse
import contextlib
import pathlib
import platform
import sys
import tempfile
import time

import numpy as np
from side_by_side import (
    Call,
    arguments,
    forget_peak,
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

LOSS_BOUND = 1e-5  # largest accepted difference, relative
# The same for every gradient, relative to its largest entry. What goes into bilinear
# sampling as a coordinate has a derivative that jumps from pixel to pixel, and a few
# samples lie so close to a pixel that rounding decides: PyTorch's own two modes differ
# by 1e-2 there and by 2e-4 elsewhere.
GRADIENT_BOUND = 1e-3
COORDINATE_BOUND = 5e-2
COORDINATES_FROM = ("spynet", "deform_align")
MODES = ("eager", "channels_last")


def clip_and_truth(args: argparse.Namespace) -> dict[str, np.ndarray]:
    """{"lq": [1, t, h, w, 3], "gt": the same with pixels `scale` times as large}."""
    lq = moving_texture(args.frames, *args.size, args.seed)
    return {"lq": lq, "gt": lq.repeat(args.scale, axis=2).repeat(args.scale, axis=3)}


def prepare_jax(
    folder: str, batch: dict[str, np.ndarray]
) -> tuple[Call, dict[str, np.ndarray], dict]:
    """Loads, compiles and takes the first step.

    Returns:
      The call that takes another step; Adam's first moments after the first, a tenth
      of the gradients, under official names; facts.
    """
    # Here, not above: the number of cores must be set before JAX starts its threads.
    import jax

    import bvsrpp_jax as bvsrpp
    from bvsrpp_jax.training.optimizer import learning_rates, make_optimizer
    from bvsrpp_jax.training.state import create_state
    from bvsrpp_jax.training.step import make_loss, make_train_step

    facts = {"python": platform.python_version(), "jax": jax.__version__}
    imported = peak_memory()
    model, params = bvsrpp.load(pathlib.Path(folder, "weights.pth"))
    model = model.clone(remat=True)
    # So many steps that the rate stands still, as PyTorch's does.
    optimizer = make_optimizer(learning_rates(num_steps=10**9), fix_iter=0)
    state = create_state(params, optimizer)
    step = jax.jit(make_train_step(make_loss(model), optimizer), donate_argnums=0)
    began = time.perf_counter()
    compiled = step.lower(state, batch).compile()
    facts["compile"] = time.perf_counter() - began
    facts["compiler_memory"] = peak_memory() - imported
    program = compiled.memory_analysis()
    facts["temporaries"] = program.temp_size_in_bytes
    facts["arguments"] = program.argument_size_in_bytes
    batch = jax.device_put(batch)

    def call() -> dict:
        nonlocal state
        forget_peak()
        began = time.perf_counter()
        state, metrics = jax.block_until_ready(compiled(state, batch))
        seconds = time.perf_counter() - began
        memory = peak_memory() - imported
        loss = float(metrics["loss"])
        return {"seconds": seconds, "loss": loss, "peak_memory": memory}

    facts["first_step"] = call()
    return call, first_moments(model, state.opt_state), facts


def first_moments(model, opt_state) -> dict[str, np.ndarray]:
    """Adam's first moments under official names, kernels [o, i, h, w]."""
    import jax
    import optax

    from bvsrpp_jax.weights.layout import to_official, unflatten

    flat = {}
    # One tree for each group of parameters, empty where the other group is.
    for _, moments in optax.tree.get_all_with_path(opt_state, "mu"):
        for path, array in jax.tree.leaves_with_path(moments):
            flat["/".join(key.key for key in path)] = np.asarray(array)
    return to_official(model, unflatten(flat))


def compare(args: argparse.Namespace, folder: str) -> dict:
    """Everything measured, as one dictionary for the report and for JSON."""
    batch = clip_and_truth(args)
    for name, array in batch.items():
        np.save(pathlib.Path(folder, f"{name}.npy"), array)
    with contextlib.ExitStack() as stack:
        ask, torch = {}, {}
        for mode in args.torch_modes:
            process = torch_process(args, "torch_training_worker.py", folder)
            ask[mode] = stack.enter_context(process)
            torch = ask[mode]()  # its first line: versions
        call, moments, jax = prepare_jax(folder, batch)
        apart = {}
        for mode in args.torch_modes:
            first = ask[mode](f"prepare {mode}")
            with np.load(pathlib.Path(folder, f"{mode}.npz")) as theirs:
                apart[mode] = agreement(jax["first_step"], moments, first, theirs)
        calls = {"jax": call}
        for mode in args.torch_modes:
            calls[mode] = lambda m=mode: ask[m](f"time {m}")
        rounds = take_turns(calls, args.repeats)
    seconds = {name: [r["seconds"] for r in rounds[name]] for name in calls}
    memory = {name: max(r["peak_memory"] for r in rounds[name]) for name in calls}
    smallest = min(memory[mode] for mode in args.torch_modes)
    return {
        "machine": machine(),
        "jax": jax,
        "torch": torch,
        "differences": apart,
        "seconds_per_step": seconds,
        "last_losses": {name: rounds[name][-1]["loss"] for name in calls},
        "peak_memory": memory,
        "ratio_of_memory": memory["jax"] / smallest,
        "ratio_of_program": (jax["temporaries"] + jax["arguments"]) / smallest,
        **ratios(seconds, args.torch_modes),
    }


def agreement(our_step: dict, our_moments: dict, their_step: dict, theirs) -> dict:
    """How far the first step's loss and gradients are apart; ends if it is too far."""
    loss = abs(our_step["loss"] - their_step["loss"]) / their_step["loss"]
    apart = {"loss": loss, "coordinates": 0.0, "rest": 0.0}
    for name, value in theirs.items():
        kind = "coordinates" if name.startswith(COORDINATES_FROM) else "rest"
        difference = float(
            np.abs(our_moments[name] - value).max() / np.abs(value).max()
        )
        apart[kind] = max(apart[kind], difference)
    bounds = {
        "loss": LOSS_BOUND,
        "coordinates": COORDINATE_BOUND,
        "rest": GRADIENT_BOUND,
    }
    # Written so that NaN fails.
    if not all(apart[kind] <= bound for kind, bound in bounds.items()):
        sys.exit(f"first steps differ by {apart}; the bounds are {bounds}")
    return apart


def report(args: argparse.Namespace, result: dict) -> None:
    jax, memory = result["jax"], result["peak_memory"]
    print_heading(args, jax, result["torch"])
    for mode, apart in result["differences"].items():
        print(
            f"first step against {mode}: loss {apart['loss']:.1e} apart; gradients"
            f" {apart['coordinates']:.1e} where they pass through coordinates,"
            f" {apart['rest']:.1e} elsewhere"
        )
    print_times("seconds a step", result["seconds_per_step"], result)
    losses = (f"{label(n)} {loss:.6f}" for n, loss in result["last_losses"].items())
    print(f"loss of the last step: {', '.join(losses)}")
    for name, value in memory.items():
        print(f"{label(name)}: a step's peak {mebi(value)} above the libraries")
    print(
        f"ratio of peaks, JAX to the smaller PyTorch: {result['ratio_of_memory']:.3f},"
        " what the compiler left behind included\n"
        f"JAX compiled in {jax['compile']:.1f} s, up to {mebi(jax['compiler_memory'])}"
        f" above the libraries; its program takes {mebi(jax['temporaries'])} of"
        f" temporaries, {mebi(jax['arguments'])} of state and batch:"
        f" {result['ratio_of_program']:.3f} of PyTorch's peak"
    )


def mebi(size: int) -> str:
    return f"{size / 2**20:.0f} MiB"


def main() -> None:
    args = arguments(__doc__, modes=MODES, repeats=5)
    use_cores(args.threads)
    with tempfile.TemporaryDirectory() as folder:
        result = compare(args, folder)
    report(args, result)
    write_json(args, result)


if __name__ == "__main__":
    main()
