"""BasicVSR++ x4 on Vimeo-90K, bicubic (arXiv:2104.13371, Table 1, "BI").

Published: 37.79 dB / 0.9500 on Vimeo-90K-T and 27.79 dB / 0.8401 on Vid4 (Y). Not
reproduced here. Starts from the network trained on REDS, nothing is frozen, and every
clip of seven frames is mirrored to fourteen, input and truth alike. Official hardware:
four GPUs, two clips each. Validation: Vid4, whole clips, not mirrored.

    python train.py --config=configs/vimeo90k_bi.py --workdir=runs/vimeo90k_bi \
        --config.data.root=data/vimeo90k --config.validation.root=data/Vid4 \
        --config.init_from=runs/reds4/weights.safetensors
"""

from ml_collections import ConfigDict

from configs import reds4


def get_config() -> ConfigDict:
    """The experiment."""
    config = reds4.get_config()
    config.num_steps = 300_000
    config.init_from = "runs/reds4/weights.safetensors"
    config.fix_iter = 0

    config.data.dataset = "vimeo90k"
    config.data.root = "data/vimeo90k"
    config.data.samples.num_frames = 7
    config.data.samples.mirror = True
    config.data.samples.degradations = ("bicubic",)

    config.validation.dataset = "vid4"
    config.validation.root = "data/Vid4"
    config.validation.degradations = ("bicubic",)
    config.validation.channel = "y"
    config.evaluation.protocol = "vimeo90k_bi"
    config.evaluation.root = "data/vimeo90k"
    return config
