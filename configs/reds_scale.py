"""Super-resolution on REDS at another scale than x4: 2, 3 or 8.

No row of the paper, which has x4 alone: the recipe of configs/reds4.py, with as many
pixel shuffles as the scale asks for. The input is made of the ground truth on the way,
bicubic as REDS' own x4 is. Not trained here.

    python train.py --config=configs/reds_scale.py:2 --workdir=runs/reds_x2 \
        --config.data.root=data/REDS --config.validation.root=data/REDS
"""

from ml_collections import ConfigDict

from configs import reds4

# Scale -> side of a crop of the ground truth; the network takes input from 64x64 on.
CROPS = {"2": 256, "3": 192, "8": 512}


def get_config(scale: str = "2") -> ConfigDict:
    """The experiment at a scale."""
    if scale not in CROPS:
        raise ValueError(
            f"configs/reds_scale.py:{scale}: write one of {', '.join(CROPS)} after the"
            " colon. x4 is configs/reds4.py."
        )
    config = reds4.get_config()
    config.model.scale = int(scale)
    config.data.samples.crop_size = CROPS[scale]
    config.data.samples.degradations = ("bicubic",)
    config.validation.degradations = ("bicubic",)
    config.evaluation.degradations = ("bicubic",)
    return config
