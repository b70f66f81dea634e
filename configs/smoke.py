"""A minute of training on any machine, to see that it works.

A tiny network learns from generated clips (`bvsrpp_jax/data/generated.py`); no data and
no weights are needed. The loss falls from 0.08 (mean of the first five steps) to 0.04
within twenty, which is where the bilinear picture stands; sixty steps are too few to
beat bicubic, so `psnr_gain` stays negative. On two cores the steps take 45 seconds,
after a minute and a half of compilation.

    python train.py --config=configs/smoke.py --workdir=runs/smoke
"""

from ml_collections import ConfigDict

from configs import lite


def get_config() -> ConfigDict:
    """The experiment."""
    config = lite.get_config()
    config.num_steps = 60
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
    config.evaluation.protocol = "generated"
    config.evaluation.root = ""

    config.rates.rate = 2e-3
    config.ema_decay = 0.9
    config.log_every = 5
    config.validate_every = 30
    config.checkpoint_every = 30
    return config
