"""The paper's ablation: BasicVSR++ without some of its three components, on REDS.

    second_order  propagation also from two frames back (Section 3.1)
    grid          four branches, backward and forward twice; without: each once
    alignment     flow-guided deformable alignment (Section 3.2); without: optical flow

The row is named after what it has, joined by "+", or "none", which is propagation and
alignment of BasicVSR at this network's size; all three together are configs/reds4.py.
(arXiv:2104.13371 adds them one after the other and reports a gain for each, close to 1
dB over BasicVSR in all; not reproduced here.)

    python train.py --config=configs/ablation.py:alignment+second_order \
        --workdir=runs/alignment+second_order --config.data.root=data/REDS \
        --config.validation.root=data/REDS
"""

from ml_collections import ConfigDict

from configs import reds4

COMPONENTS = ("second_order", "grid", "alignment")


def get_config(row: str = "none") -> ConfigDict:
    """The experiment of a row."""
    present = set() if row == "none" else set(row.split("+"))
    if unknown := sorted(present - {*COMPONENTS}):
        raise ValueError(
            f"configs/ablation.py:{row}: {unknown[0]!r} is no component. Join some of"
            f" {', '.join(COMPONENTS)} by '+', or write 'none'."
        )
    config = reds4.get_config()
    if "second_order" not in present:
        config.model.second_order = False
    if "grid" not in present:
        config.model.branches = ("backward_1", "forward_1")
    if "alignment" not in present:
        config.model.alignment = "flow"
    return config
