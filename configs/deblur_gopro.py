"""BasicVSR++ for deblurring, same size, on GoPro (arXiv:2204.05308).

Figures: in that paper's tables; not reproduced here. 22 clips for training, 11 for
validation (PSNR and SSIM of RGB); a third of the steps of the other recipes.

    python train.py --config=configs/deblur_gopro.py --workdir=runs/deblur_gopro \
        --config.data.root=data/GoPro --config.validation.root=data/GoPro
"""

from ml_collections import ConfigDict

from configs import deblur_dvd


def get_config() -> ConfigDict:
    """The experiment."""
    config = deblur_dvd.get_config()
    config.num_steps = 200_000
    config.data.dataset = config.validation.dataset = "gopro"
    config.data.root = config.validation.root = "data/GoPro"
    config.evaluation.protocol = "gopro"
    config.evaluation.root = "data/GoPro"
    return config
