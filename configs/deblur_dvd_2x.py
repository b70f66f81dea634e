"""Deblurring on DVD with features at half the size rather than a quarter of it.

The finer networks of arXiv:2204.05308 ("BasicVSR++ 2x"), whose weights were published
without code: one strided convolution and one pixel shuffle instead of two. Fifteen
blocks, as the coarser ones have, are our choice. Four times the features, so about four
times the memory and the time. For the other restoration recipes add
--config.model.feature_stride=2.

    python train.py --config=configs/deblur_dvd_2x.py --workdir=runs/deblur_dvd_2x \
        --config.data.root=data/DVD --config.validation.root=data/DVD
"""

from ml_collections import ConfigDict

from configs import deblur_dvd


def get_config() -> ConfigDict:
    """The experiment."""
    config = deblur_dvd.get_config()
    config.model.feature_stride = 2
    return config
