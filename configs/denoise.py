"""BasicVSR++ for denoising, same size, on DAVIS (arXiv:2204.05308).

Figures: in that paper's tables; not reproduced here. Noise is made on the fly:
Gaussian, one standard deviation a clip drawn from 0 to 50 of 255, neither clipped nor
rounded.
Validation: Set8 at standard deviation 50, the same noise at every validation.

    python train.py --config=configs/denoise.py --workdir=runs/denoise \
        --config.data.root=data/DAVIS --config.validation.root=data/Set8
"""

from ml_collections import ConfigDict

from configs import deblur_dvd


def get_config() -> ConfigDict:
    """The experiment."""
    config = deblur_dvd.get_config()
    config.data.dataset = "davis"
    config.data.root = "data/DAVIS"
    config.data.samples.num_frames = 25
    config.data.samples.degradations = ("noise",)
    config.validation.dataset = "set8"
    config.validation.root = "data/Set8"
    config.validation.degradations = (("noise", {"sigma": (50.0, 50.0)}),)
    config.evaluation.protocol = "set8"
    config.evaluation.root = "data/Set8"
    return config
