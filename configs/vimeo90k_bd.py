"""BasicVSR++ x4 on Vimeo-90K, blurred and subsampled (arXiv:2104.13371, Table 1, "BD").

Published: 38.21 dB / 0.9550 on Vimeo-90K-T, 29.04 dB / 0.8753 on Vid4 and 40.72 dB /
0.9722 on UDM10 (Y). Not reproduced here. As configs/vimeo90k_bi.py, but for the
degradation: Gaussian of standard deviation 1.6, every fourth pixel.

    python train.py --config=configs/vimeo90k_bd.py --workdir=runs/vimeo90k_bd \
        --config.data.root=data/vimeo90k --config.validation.root=data/Vid4 \
        --config.init_from=runs/reds4/weights.safetensors
"""

from ml_collections import ConfigDict

from configs import vimeo90k_bi


def get_config() -> ConfigDict:
    """The experiment."""
    config = vimeo90k_bi.get_config()
    config.data.samples.degradations = ("blur",)
    config.validation.degradations = ("blur",)
    config.evaluation.protocol = "vimeo90k_bd"
    return config
