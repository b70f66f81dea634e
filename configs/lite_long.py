"""`lite`, second stage: the first one's network on clips of 16 frames.

A recurrent network that has seen six frames at a time may amplify its features from
frame to frame and still look perfect in training; after twenty frames the picture
breaks up. A few steps on long clips teach it to stay put. A quarter of an hour on two
cores. Figures: bvsrpp_jax/weights/default/README.md.

    python train.py --config=configs/lite_long.py --workdir=runs/lite_long \
        --config.data.root=prepared --config.validation.root=prepared \
        --config.init_from=runs/lite/weights.safetensors
"""

from ml_collections import ConfigDict

from configs import lite


def get_config() -> ConfigDict:
    """The experiment."""
    config = lite.get_config()
    config.num_steps = 100
    config.init_from = "runs/lite/weights.safetensors"
    config.model.remat = True  # the activations of 16 frames are many
    config.data.samples.num_frames = ((0, 16),)
    config.rates.rate = 3e-4
    config.log_every = 5
    config.validate_every = 50
    config.checkpoint_every = 50
    return config
