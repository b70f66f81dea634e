"""BasicVSR++ for deblurring, same size, on DVD (arXiv:2204.05308).

Figures: in that paper's tables; not reproduced here. 61 clips for training, 10 for
validation (PSNR and SSIM of RGB). Official hardware: eight GPUs, one clip each.

    python train.py --config=configs/deblur_dvd.py --workdir=runs/deblur_dvd \
        --config.data.root=data/DVD --config.validation.root=data/DVD
"""

from ml_collections import ConfigDict

from configs import reds4


def get_config() -> ConfigDict:
    """The experiment. The other same-size recipes start from this one."""
    config = reds4.get_config()
    config.model.num_blocks = 15
    config.model.scale = 1
    config.data.dataset = config.validation.dataset = "dvd"
    config.data.root = config.validation.root = "data/DVD"
    config.evaluation.protocol = "dvd"
    config.evaluation.root = "data/DVD"
    return config
