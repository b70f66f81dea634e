"""Holds `plain_torch.py` against recordings of the official network.

    PYTHON_WITH_TORCH benchmarks/check_plain_torch.py

Prints the largest difference of outputs, flows and features for every recorded clip
of `tests/golden` and exits with 1 if one is over its bound.
"""

import json
import pathlib
import sys

import numpy as np
import torch
from opponent import BRANCHES, BasicVSRPlusPlus
from torch_worker import strong_network

GOLDEN = pathlib.Path(__file__).parents[1] / "tests" / "golden"
CLIPS = (
    "x4_c16n1_64x96_t5",
    "x4_c16n1_70x93_t3_b2",
    "x4_c16n1_64x64_t2",
    "x4_c16n1_64x64_t6_mirror",
    "same_c16n2_256x320_t3",
)
BOUNDS = {"output": 1e-5, "flows": 1e-4, "features": 1e-4}


def channels_last(x: torch.Tensor) -> np.ndarray:
    """`[n, t, c, h, w]` as a NumPy array `[n, t, h, w, c]`."""
    return x.movedim(2, -1).numpy()


def differences(network: BasicVSRPlusPlus, clip) -> dict[str, float]:
    """The largest absolute difference of each kind of result for one recording."""
    lq = torch.from_numpy(clip["lq"]).movedim(-1, 2).float() / 255
    with torch.inference_mode():
        output = network(lq)
        flows = dict(
            zip(("flows_backward", "flows_forward"), network.flows(lq), strict=True)
        )
        branches = network.features(lq)[1:]
    feats = {
        f"feat_{b}": torch.stack(f, 1) for b, f in zip(BRANCHES, branches, strict=True)
    }

    def off(result, name, stride):
        recorded = clip[name]
        return np.abs(channels_last(result)[:, :, ::stride, ::stride] - recorded).max()

    return {
        "output": off(output, "output", clip["output_stride"]),
        # A mirror-extended clip was recorded with its backward flows alone.
        "flows": max(off(flows[k], k, clip["flow_stride"]) for k in flows if k in clip),
        "features": max(off(feats[k], k, clip["feat_stride"]) for k in feats),
    }


def main() -> int:
    torch.set_num_threads(2)
    failed = False
    for name in CLIPS:
        clip = np.load(GOLDEN / f"{name}.npz")
        config = json.loads(str(clip["config"]))
        network = strong_network(
            config["mid_channels"],
            config["num_blocks"],
            4 if config["is_low_res_input"] else 1,
            config["seed"],
        )
        found = differences(network, clip)
        failed |= any(found[kind] > BOUNDS[kind] for kind in BOUNDS)
        print(f"{name:28}", *(f"{k} {v:.1e}" for k, v in found.items()))
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
