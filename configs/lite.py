"""`lite`, first stage: the bundled x4 model, small enough for a laptop's CPU.

No row of the paper: a network of a tenth of the size, trained from nothing (no
pretrained flow network) on photographs and three freely licensed clips
(`bvsrpp_jax/data/lite_sources.py`). About an hour on one core and a half. It ends 1.05
dB over bicubic on the validation clip, but on clips of more than fifteen frames its
last branch can diverge, which configs/lite_long.py, the second stage, cures.

    python -m bvsrpp_jax.data.prepare_lite --source raw --output prepared
    python train.py --config=configs/lite.py --workdir=runs/lite \
        --config.data.root=prepared --config.validation.root=prepared
"""

from ml_collections import ConfigDict

from configs import reds4


def get_config() -> ConfigDict:
    """The experiment."""
    config = reds4.get_config()
    config.num_steps = 2200
    config.init_from = ""

    config.model.mid_channels = 24
    config.model.num_blocks = 2
    config.model.deform_groups = 2
    config.model.num_extract_blocks = 2
    config.model.num_reconstruction_blocks = 2
    config.model.hr_channels = 16
    config.model.spynet_channels = (12, 24, 12, 8)
    config.model.remat = False

    config.data.dataset = config.validation.dataset = "prepared"
    config.data.root = config.validation.root = "prepared"
    config.data.batch_size = 1
    config.data.samples = ConfigDict()
    # (from step, frames): short clips first show more scenes in the same time.
    config.data.samples.num_frames = ((0, 3), (1950, 6))
    config.data.samples.crop_size = 256
    config.data.samples.filmed = 0.7  # the rest is cut from real clips
    config.data.samples.occlusion = 0.25
    config.validation.split = "validation"
    config.validation.channel = "y"
    config.validation.degradations = ("bicubic",)
    config.evaluation.protocol = "prepared"
    config.evaluation.root = "prepared"

    config.rates.rate = 1e-3
    config.rates.flow_rate_factor = 1.0  # not pretrained: it learns like the rest
    config.fix_iter = 0
    config.flow_loss_weight = 0.1  # gives the flows a gradient of their own
    config.ema_decay = 0.999

    config.log_every = 20
    config.validate_every = 200
    config.checkpoint_every = 200
    return config
