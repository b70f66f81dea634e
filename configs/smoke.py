"""A minute of training on any machine, to see that it works.

A tiny network learns from generated clips (`bvsrpp_jax/data/generated.py`); no data and
no weights are needed. The loss falls from 0.065 (mean of the first ten steps) to below
0.04. It is too short to beat bicubic: `psnr_gain` stays negative.

    python train.py --config=configs/smoke.py --workdir=runs/smoke
"""

from ml_collections import ConfigDict

from configs import lite


def get_config() -> ConfigDict:
    """The experiment."""
    config = lite.get_config()
    config.num_steps = 100
    config.model.mid_channels = 8
    config.model.num_blocks = 1
    config.model.num_extract_blocks = 1
    config.model.num_reconstruction_blocks = 1
    config.model.hr_channels = 8
    config.model.spynet_channels = (4, 8, 4, 4)

    config.data.dataset = config.validation.dataset = "generated"
    config.data.root = config.validation.root = ""
    config.data.samples.num_frames = ((0, 3),)
    config.data.samples.filmed = 1.0
    config.validation.num_frames = 5

    config.rates.rate = 2e-3
    config.ema_decay = 0.9
    config.log_every = 10
    config.validate_every = 50
    config.checkpoint_every = 50
    return config
