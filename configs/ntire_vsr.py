"""The network of the NTIRE 2021 entry for x4 video super-resolution: c128n25.

Published weights, but no figure and no schedule ("finetuned from smaller models"): this
is the recipe of configs/reds4.py at that size. 43.8 million parameters.

    python train.py --config=configs/ntire_vsr.py --workdir=runs/ntire_vsr \
        --config.data.root=data/REDS --config.validation.root=data/REDS
"""

from ml_collections import ConfigDict

from configs import reds4


def get_config() -> ConfigDict:
    """The experiment."""
    config = reds4.get_config()
    config.model.mid_channels = 128
    config.model.num_blocks = 25
    config.evaluation.protocol = "ntire_vsr"
    return config
