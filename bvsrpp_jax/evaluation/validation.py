"""Validation while training: PSNR and SSIM of whole clips, spread over devices.

Clips go to the processes in turn and, in each, to its devices; every device restores
whole clips on its own, so nothing waits in a collective but the sum at the end.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.experimental import multihost_utils

from bvsrpp_jax.data.catalogue import ValidationClip
from bvsrpp_jax.data.degradations import bicubic_resize, to_uint8
from bvsrpp_jax.evaluation.metrics import Channel, psnr, ssim
from bvsrpp_jax.ops.precision import in_full_precision
from bvsrpp_jax.restoration.padding import crop, pad


def make_validation(
    model: Any, clips: Sequence[Callable[[], ValidationClip]], *, channel: Channel
) -> Callable[[Any], tuple[dict[str, float], dict[str, np.ndarray]]]:
    """The function that validates parameters.

    Args:
      model: a `BasicVSRPlusPlus`.
      clips: each reads one clip when it is called; only as many as there are devices
        are in memory at a time.
      channel: "rgb" or "y".

    Returns:
      validate(params) -> scores, pictures. Scores are means over frames, then over
      clips: `psnr`, `ssim`, and `psnr_gain` over the input (over its bicubic
      enlargement, for a network that upscales). The picture shows the middle frame of
      the first clip: input, bicubic, ours, truth, side by side; on process 0 only. In
      a run of several processes all of them call it.
    """

    @jax.jit
    @in_full_precision
    def restore(params, lq):
        padded = pad(lq, min_side=model.min_side, multiple=model.side_multiple)
        output = model.apply({"params": params}, padded[None])[0]
        return crop(output, lq.shape[1:3], scale=model.scale)

    def validate(params: Any) -> tuple[dict[str, float], dict[str, np.ndarray]]:
        devices = jax.local_devices()
        params = jax.tree.map(lambda x: jnp.asarray(x).addressable_data(0), params)
        mine = range(jax.process_index(), len(clips), jax.process_count())
        copies = [jax.device_put(params, device) for device in devices]
        with ThreadPoolExecutor(len(devices)) as pool:
            jobs = [
                pool.submit(
                    _validate_clip, restore, copies[i % len(copies)], clips[n], channel
                )
                for i, n in enumerate(mine)
            ]
            results = [job.result() for job in jobs]
        pictures = {"validation": results[0][1]} if 0 in mine else {}
        return _mean_of_all([scores for scores, _ in results]), pictures

    return validate


def _validate_clip(restore, params, read, channel):
    """Scores [psnr, ssim, psnr of the input] of one clip, and its picture."""
    lq, gt = read()
    output = to_uint8(np.asarray(restore(params, lq)))
    scale = gt.shape[1] // lq.shape[1]
    enlarged = to_uint8(bicubic_resize(lq, scale))
    score = partial(psnr, b=gt, channel=channel)
    structure = ssim(output, gt, channel=channel).mean()
    middle = len(gt) // 2
    shown = to_uint8(lq[middle]).repeat(scale, axis=0).repeat(scale, axis=1)
    picture = [shown, enlarged[middle], output[middle], gt[middle]]
    scores = [score(output).mean(), structure, score(enlarged).mean()]
    return scores, np.concatenate(picture, axis=1)


def _mean_of_all(rows):
    """The scores of all processes' clips."""
    total = np.append(np.sum(rows, axis=0), len(rows)) if rows else np.zeros(4)
    if jax.process_count() > 1:
        total = multihost_utils.process_allgather(total).sum(axis=0)
    mean_psnr, mean_ssim, mean_input = total[:3] / total[3]
    return {
        "psnr": float(mean_psnr),
        "ssim": float(mean_ssim),
        "psnr_gain": float(mean_psnr - mean_input),
    }
