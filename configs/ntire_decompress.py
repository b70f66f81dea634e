"""The network of the NTIRE 2021 entries for compressed video: c128n25, same size.

Published weights (tracks 1 to 3), but no figure and no schedule; users measured 30.05
dB against 28.34 dB of the input for track 3. Here any folder of clean clips trains:
they are compressed with H.264 on the fly. A folder with gt/ and lq/ trains on its own
pairs with --config.data.samples.degradations="()".

    python train.py --config=configs/ntire_decompress.py --workdir=runs/decompress \
        --config.data.root=clips/train --config.validation.root=clips/validation
"""

from ml_collections import ConfigDict

from configs import deblur_dvd


def get_config() -> ConfigDict:
    """The experiment."""
    config = deblur_dvd.get_config()
    config.model.mid_channels = 128
    config.model.num_blocks = 25
    config.data.dataset = config.validation.dataset = "folder"
    config.data.root = "clips/train"
    config.validation.root = "clips/validation"
    config.data.samples.degradations = ("h264",)
    config.validation.degradations = ("h264",)
    config.evaluation.protocol = "folder"
    config.evaluation.root = "clips/validation"
    config.evaluation.degradations = ("h264",)
    return config
