"""The PyTorch side of `bvsrpp convert --verify`, run by a Python that has PyTorch.

    PYTHON restore_clip.py                        says which PyTorch there is
    PYTHON restore_clip.py WEIGHTS SIZES CLIP OUTPUT

WEIGHTS is a `.pth` file of any dialect that `bvsrpp convert` writes; SIZES the sizes of
the network as JSON; CLIP a `.npy` file, lq `[n, t, h, w, 3]` in [0, 1]; OUTPUT the
`.npy` file to write. What it cannot do it says in one line on standard error, with exit
code 2.
"""

import inspect
import json
import re
import sys

import numpy as np
import torch
import torchvision
from plain_torch import BasicVSRPlusPlus


def network_of(sizes: dict) -> BasicVSRPlusPlus:
    """The network with these sizes.

    Raises:
      ValueError: plain PyTorch has none.
    """
    known = inspect.signature(BasicVSRPlusPlus).parameters
    if strange := sizes.keys() - known:
        raise ValueError(f"plain PyTorch knows no {', '.join(sorted(strange))}")
    return BasicVSRPlusPlus(**sizes)


def state_dict_in(saved: dict) -> dict[str, torch.Tensor]:
    """The network's tensors under their official names."""
    for wrapper in ("state_dict", "params"):
        saved = saved.get(wrapper, saved)
    return {
        official_name(key.removeprefix("generator.")): tensor
        for key, tensor in saved.items()
        if key != "step_counter"
    }


def official_name(key: str) -> str:
    """The official name of one of BasicSR's keys, which counts activations, too."""
    key = re.sub(r"^upconv(\d)", r"upsample\1.upsample_conv", key)
    flow = re.fullmatch(r"(spynet\.basic_module\.\d\.basic_module)\.(\d)\.(\w+)", key)
    return f"{flow[1]}.{int(flow[2]) // 2}.conv.{flow[3]}" if flow else key


def main(weights: str, sizes: str, clip: str, output: str) -> None:
    network = network_of(json.loads(sizes)).eval()
    saved = torch.load(weights, map_location="cpu", weights_only=True)
    network.load_state_dict(state_dict_in(saved), strict=True)
    lq = torch.from_numpy(np.load(clip)).movedim(-1, 2)
    with torch.inference_mode():
        restored = network(lq.contiguous())
    np.save(output, restored.movedim(2, -1).numpy())


if __name__ == "__main__":
    if len(sys.argv) == 1:
        print(f"torch {torch.__version__}, torchvision {torchvision.__version__}")
        sys.exit()
    try:
        main(*sys.argv[1:])
    except ValueError as error:
        print(error, file=sys.stderr)
        sys.exit(2)
