"""The PyTorch side of `network_vs_pytorch.py`, in an environment of its own.

Builds the network with strong weights, leaves them in FOLDER as `weights.pth`, and then
answers each line on standard input with one line of JSON on standard output:

    prepare MODE   runs FOLDER/lq.npy once and leaves the result as FOLDER/MODE.npy
    time MODE      runs it again and tells the seconds

MODE is eager, channels_last or compile. Between two lines the process sleeps.
"""

import argparse
import copy
import json
import pathlib
import sys
import time
from collections.abc import Callable

import numpy as np
import torch
import torchvision
from opponent import BasicVSRPlusPlus
from side_by_side import peak_memory
from strong_weights import strong_weight

Run = Callable[[], torch.Tensor]


def strong_network(
    channels: int, blocks: int, scale: int, seed: int, depth: int = 1
) -> BasicVSRPlusPlus:
    """The network in evaluation mode with the weights of `strong_weights.py`."""
    network = BasicVSRPlusPlus(channels, blocks, scale=scale).eval()
    with torch.no_grad():
        for name, value in network.named_parameters():
            drawn = strong_weight(name, tuple(value.shape), seed=seed, depth=depth)
            value.copy_(torch.from_numpy(drawn))
    return network


def save_checkpoint(network: BasicVSRPlusPlus, path: pathlib.Path) -> None:
    """Writes the official layout, which is also what the JAX side loads."""
    state = {f"generator.{k}": v for k, v in network.state_dict().items()}
    torch.save({"state_dict": state}, path)


def in_mode(mode: str, network: BasicVSRPlusPlus, lq: np.ndarray) -> Run:
    """A call of the network on `lq` `[n, t, h, w, 3]`, ready to be timed."""
    clip = torch.from_numpy(lq).movedim(-1, 2)  # [n, t, 3, h, w], strides channels-last
    if mode == "channels_last":
        network = copy.deepcopy(network).to(memory_format=torch.channels_last)
        return lambda: network(clip)
    clip = clip.contiguous()
    if mode == "compile":
        network = torch.compile(network)
    return lambda: network(clip)


def seconds(run: Run) -> float:
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def reply(**facts: object) -> None:
    print(json.dumps(facts), flush=True)


def serve(folder: pathlib.Path, network: BasicVSRPlusPlus, imported: int) -> None:
    """Answers requests until standard input ends."""
    lq = np.load(folder / "lq.npy")
    runs = {}
    for request in sys.stdin:
        command, mode = request.split()
        if command == "prepare":
            start = time.perf_counter()
            runs[mode] = in_mode(mode, network, lq)
            output = runs[mode]().movedim(2, -1)
            first_call = time.perf_counter() - start
            np.save(folder / f"{mode}.npy", output.numpy())
            reply(first_call=first_call, peak_memory=peak_memory() - imported)
        else:
            reply(seconds=seconds(runs[mode]))


def start(doc: str) -> tuple[pathlib.Path, BasicVSRPlusPlus, int]:
    """Reads the command line, leaves the checkpoint, announces the versions.

    Args:
      doc: docstring of the script.

    Returns:
      The folder, the network, and the peak memory of the imported libraries.
    """
    imported = peak_memory()
    parser = argparse.ArgumentParser(description=doc.splitlines()[0])
    parser.add_argument("folder", type=pathlib.Path)
    for name in ("channels", "blocks", "scale", "seed", "threads"):
        parser.add_argument(f"--{name}", type=int, required=True)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    size = args.channels, args.blocks, args.scale
    network = strong_network(*size, args.seed, depth=args.blocks)
    save_checkpoint(network, args.folder / "weights.pth")
    python = ".".join(map(str, sys.version_info[:3]))
    reply(python=python, torch=torch.__version__, torchvision=torchvision.__version__)
    return args.folder, network, imported


def main() -> None:
    folder, network, imported = start(__doc__)
    with torch.inference_mode():
        serve(folder, network, imported)


if __name__ == "__main__":
    main()
