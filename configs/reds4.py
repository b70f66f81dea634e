"""BasicVSR++ x4 on REDS (arXiv:2104.13371, Table 1, "REDS4 BIx4").

Published: 32.39 dB / 0.9069 (PSNR and SSIM of RGB on the four REDS4 clips). Not
reproduced here: neither data nor accelerators were at hand. Official hardware: eight
GPUs, one clip each; users of the official code report 13 days. On fewer devices
`accumulate` keeps the batch: 8 on one device.

Data: REDS train_sharp and train_sharp_bicubic; docs/datasets.md says where they go.
Start: the SPyNet of the official code; `bvsrpp models` says where it is.

    python train.py --config=configs/reds4.py --workdir=runs/reds4 \
        --config.data.root=data/REDS --config.validation.root=data/REDS \
        --config.init_from=spynet_20210409-c6c1bd09.pth
"""

from ml_collections import ConfigDict
from ml_collections.config_dict import placeholder


def get_config() -> ConfigDict:
    """The experiment. The other recipes of the paper start from this one."""
    config = ConfigDict()
    config.seed = 0
    config.num_steps = 600_000
    # Weights to start from: a flow network (SPyNet), or a whole network; "" for none.
    config.init_from = "spynet_20210409-c6c1bd09.pth"

    config.model = ConfigDict()
    config.model.mid_channels = 64
    config.model.num_blocks = 7
    config.model.scale = 4  # 2, 3, 4 or 8; 1 restores at the same size
    # None of these: as the paper's networks have them (models/basicvsrpp.py).
    config.model.feature_stride = placeholder(int)  # 1, 2 or 4
    config.model.branches = placeholder(tuple)
    config.model.second_order = placeholder(bool)
    config.model.alignment = placeholder(str)  # deformable or flow
    config.model.dtype = "float32"  # bfloat16 computes features in half the memory
    config.model.remat = True  # recompute activations rather than store them

    config.data = ConfigDict()
    config.data.dataset = "reds"
    config.data.root = "data/REDS"
    config.data.split = "train"
    config.data.batch_size = 8  # clips a step, over all devices
    config.data.num_threads = 2  # that read and decode, in each process
    config.data.num_workers = 0  # processes that do so instead
    config.data.samples = ConfigDict()
    config.data.samples.num_frames = 30
    config.data.samples.crop_size = 256  # pixels of the ground truth
    config.data.samples.mirror = False  # play every clip forward, then backward
    # How lq is made of gt: names in order out of bicubic, blur, noise, h264, hevc; none
    # takes the data set's own lq.
    config.data.samples.degradations = ()

    config.validation = ConfigDict()
    config.validation.dataset = "reds"
    config.validation.root = "data/REDS"
    config.validation.split = "test"  # REDS4: clips 000, 011, 015, 020
    config.validation.degradations = ()
    config.validation.channel = "rgb"  # or y
    config.validation.num_frames = placeholder(int)  # of each clip; none: all

    config.evaluation = ConfigDict()  # eval.py
    config.evaluation.protocol = "reds4"  # bvsrpp_jax/evaluation/protocols.py
    config.evaluation.root = "data/REDS"
    config.evaluation.metrics = ("psnr", "ssim")
    # uint8 as the published figures; none as newer code, which does not round.
    config.evaluation.rounding = "uint8"
    config.evaluation.border = 0
    # None of these: as the protocol has it.
    config.evaluation.channel = placeholder(str)  # rgb or y
    config.evaluation.degradations = placeholder(tuple)  # how lq is made of gt
    config.evaluation.ensemble = placeholder(int)  # 1, 2, 8 or 16 results, averaged

    config.rates = ConfigDict()
    config.rates.rate = 1e-4
    config.rates.flow_rate_factor = 0.25
    config.rates.min_rate = 1e-7
    config.fix_iter = 5000  # updates during which the flow network is frozen
    config.flow_loss_weight = 0.0
    config.accumulate = 1  # parts of each device's share, one after the other
    config.clip_norm = placeholder(float)  # largest global norm of a gradient
    config.ema_decay = placeholder(float)  # 0.999 averages the parameters

    config.log_every = 100
    config.validate_every = 5000
    config.checkpoint_every = 5000
    config.keep_checkpoints = 3  # the newest; the best one is kept besides
    config.watchdog_seconds = 3600.0  # without a step that ends the process
    return config
