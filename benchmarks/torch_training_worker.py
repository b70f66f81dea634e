"""The PyTorch side of `training_step_vs_pytorch.py`, in an environment of its own.

As `torch_worker.py`, but for training on FOLDER/lq.npy and FOLDER/gt.npy:

    prepare MODE   takes the first step; leaves Adam's first moments, a tenth of the
                   gradients, as FOLDER/MODE.npz and tells the loss
    time MODE      takes another step; tells the seconds, the loss before it and the
                   peak of the memory during it, above the libraries

MODE is eager or channels_last; a process serves one of them, so that the peak is its
own. Everything is trained, nothing frozen: Charbonnier loss and Adam as in the paper.
"""

import pathlib
import sys
import time
from collections.abc import Callable

import numpy as np
import torch
from opponent import BasicVSRPlusPlus
from side_by_side import forget_peak, peak_memory
from torch_worker import reply, start


def charbonnier(output: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    return torch.sqrt((output - target) ** 2 + 1e-12).mean()


def adam(network: BasicVSRPlusPlus) -> torch.optim.Adam:
    """The paper's: the flow network at a quarter of the rate."""
    parameters = dict(network.named_parameters())
    flow = [value for name, value in parameters.items() if name.startswith("spynet")]
    rest = [v for name, v in parameters.items() if not name.startswith("spynet")]
    groups = [{"params": rest, "lr": 1e-4}, {"params": flow, "lr": 2.5e-5}]
    return torch.optim.Adam(groups, betas=(0.9, 0.99))


def in_mode(
    mode: str, network: BasicVSRPlusPlus, folder: pathlib.Path
) -> tuple[Callable[[], float], torch.optim.Adam]:
    """A function that takes one step and returns the loss; its optimizer."""
    # [n, t, c, h, w] with the strides of channels-last
    lq, gt = (
        torch.from_numpy(np.load(folder / f"{name}.npy")).movedim(-1, 2)
        for name in ("lq", "gt")
    )
    if mode == "channels_last":
        network.to(memory_format=torch.channels_last)
    else:
        lq, gt = lq.contiguous(), gt.contiguous()
    optimizer = adam(network)

    def step() -> float:
        optimizer.zero_grad()
        loss = charbonnier(network(lq), gt)
        loss.backward()
        optimizer.step()
        return loss.item()

    return step, optimizer


def save_moments(network: BasicVSRPlusPlus, optimizer, path: pathlib.Path) -> None:
    moments = {
        name: optimizer.state[value]["exp_avg"].numpy()
        for name, value in network.named_parameters()
    }
    np.savez(path, **moments)


def main() -> None:
    folder, network, imported = start(__doc__)
    for request in sys.stdin:
        command, mode = request.split()
        if command == "prepare":
            step, optimizer = in_mode(mode, network, folder)
        forget_peak()
        began = time.perf_counter()
        loss = step()
        facts = {"seconds": time.perf_counter() - began, "loss": loss}
        facts["peak_memory"] = peak_memory() - imported
        if command == "prepare":
            save_moments(network, optimizer, folder / f"{mode}.npz")
        reply(**facts)


if __name__ == "__main__":
    main()
