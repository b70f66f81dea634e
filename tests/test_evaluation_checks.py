"""Right data passes; of wrong data the mistake is named."""

import numpy as np
import pytest
from PIL import Image
from skimage import data as photographs

from bvsrpp_jax.data.degradations import bicubic_downsample, blur_downsample
from bvsrpp_jax.data.sources import Clip
from bvsrpp_jax.errors import InputError
from bvsrpp_jax.evaluation.checks import check_clips
from bvsrpp_jax.evaluation.clips import EvaluationClip
from bvsrpp_jax.evaluation.makings import sampled

NUM_FRAMES = 5
MAKINGS = {"bicubic": bicubic_downsample, "blur": blur_downsample}


class Set:
    """Clips in memory."""

    def __init__(self, clips):
        self.clips = [Clip(name, len(gt)) for name, (_, gt) in clips.items()]
        self._frames = list(clips.values())

    def read(self, clip, start, stop):
        lq, gt = self._frames[clip]
        return {"lq": lq[start:stop], "gt": gt[start:stop]}


def drifting(photograph, *, side=96, step=3, top=0):
    """[t, side, side, 3]: a part of a photograph that moves by."""
    return np.stack(
        [
            photograph[top + i * step : top + i * step + side, 40 + i : 40 + i + side]
            for i in range(NUM_FRAMES)
        ]
    )


@pytest.fixture(scope="module")
def truths():
    return {
        "astronaut": drifting(photographs.astronaut()),
        "coffee": drifting(photographs.coffee(), top=100),
        "cat": drifting(photographs.chelsea(), top=60),
    }


def check(lq, gt, *, kernel):
    clips = Set({name: (lq[name], gt[name]) for name in gt})
    scale = next(iter(gt.values())).shape[1] // next(iter(lq.values())).shape[1]
    check_clips(
        [EvaluationClip(clips, i, scale) for i in range(len(gt))], kernel=kernel
    )


def made(truths, making):
    return {name: np.stack(list(map(making, gt))) for name, gt in truths.items()}


@pytest.mark.parametrize("kernel", MAKINGS)
def test_right_input_passes(truths, kernel):
    check(made(truths, MAKINGS[kernel]), truths, kernel=kernel)


@pytest.mark.parametrize("kernel", MAKINGS)
def test_input_of_another_scale_than_the_protocols_is_named(truths, kernel):
    half = {name: gt[:, ::2, ::2] for name, gt in truths.items()}
    with pytest.raises(InputError, match=r"astronaut: the input is 1/2 of .* 1/4\."):
        check(half, truths, kernel=kernel)


@pytest.mark.parametrize("kernel", MAKINGS)
def test_a_level_more_or_less_here_and_there_passes(truths, kernel):
    lq = made(truths, MAKINGS[kernel])
    rng = np.random.default_rng(0)
    for frames in lq.values():
        change = rng.integers(-1, 2, frames.shape) * (rng.random(frames.shape) < 0.3)
        frames[:] = np.clip(frames + change, 0, 255)
    check(lq, truths, kernel=kernel)


@pytest.mark.parametrize("value", [0, 17, 255])
@pytest.mark.parametrize("kernel", [*MAKINGS, None])
def test_flat_frames_pass(kernel, value):
    gt = {"flat": np.full((3, 16, 20, 3), value, np.uint8)}
    check(made(gt, MAKINGS[kernel or "bicubic"]), gt, kernel=kernel)


def test_white_noise_passes():
    rng = np.random.default_rng(0)
    gt = {"noise": rng.integers(0, 256, (3, 32, 32, 3), dtype=np.uint8)}
    check(made(gt, bicubic_downsample), gt, kernel="bicubic")


def pillow(resample):
    def making(frame):
        size = frame.shape[1] // 4, frame.shape[0] // 4
        return np.asarray(Image.fromarray(frame).resize(size, resample))

    return making


WRONG = [
    ("bicubic", pillow(Image.Resampling.BILINEAR), "bilinear with antialiasing"),
    ("bicubic", pillow(Image.Resampling.BOX), "the mean of 4x4 pixels"),
    ("bicubic", pillow(Image.Resampling.NEAREST), "every 4th pixel from 2 on"),
    ("bicubic", lambda gt: gt[::4, ::4], "every 4th pixel from 0 on"),
    ("bicubic", blur_downsample, r"blur, then every 4th pixel \(BD\)"),
    ("bicubic", lambda gt: bicubic_downsample(np.roll(gt, 1, (0, 1))), "by -1 pixels"),
    ("bicubic", lambda gt: bicubic_downsample(gt)[..., ::-1], "red and blue swapped"),
    ("bicubic", lambda gt: bicubic_downsample(gt)[::-1], "upside down"),
    ("bicubic", lambda gt: bicubic_downsample(gt)[:, ::-1], "mirrored"),
    ("blur", bicubic_downsample, r"MATLAB's bicubic \(BI\)"),
    ("blur", lambda gt: blur_downsample(np.roll(gt, 1, (0, 1))), "from 0 on, not 1"),
    ("blur", lambda gt: blur_downsample(np.roll(gt, -1, (0, 1))), "from 2 on, not 1"),
    ("blur", lambda gt: blur_downsample(np.roll(gt, -2, (0, 1))), "from 3 on, not 1"),
    ("blur", pillow(Image.Resampling.BOX), "the mean of 4x4 pixels"),
]


@pytest.mark.parametrize(("kernel", "making", "looks_like"), WRONG)
def test_a_wrong_making_is_named(truths, kernel, making, looks_like):
    with pytest.raises(InputError, match=f"It looks like .*{looks_like}"):
        check(made(truths, making), truths, kernel=kernel)


def test_what_no_mistake_explains_is_said_so(truths):
    lq = made(truths, bicubic_downsample)
    rng = np.random.default_rng(0)
    for frames in lq.values():
        change = rng.integers(-3, 4, frames.shape)
        frames[:] = np.clip(frames + change, 0, 255)
    with pytest.raises(InputError, match="none of the known mistakes"):
        check(lq, truths, kernel="bicubic")


def test_the_kernels_of_the_table_are_those_of_pillow(truths):
    """Inside; at the border Pillow renormalises where MATLAB mirrors."""
    frame = truths["coffee"][0]
    triangle = 1 - np.abs(np.arange(-2, 6) - 1.5) / 4
    cases = (
        (Image.Resampling.BOX, 0, (1, 1, 1, 1)),
        (Image.Resampling.BILINEAR, -2, triangle),
    )
    for resample, first, weights in cases:
        known = pillow(resample)(frame).astype(int)
        found = sampled(frame, first, weights)
        assert np.abs(found - known)[1:-1, 1:-1].max() <= 1


@pytest.mark.parametrize(
    ("order", "name"),
    [([1, 2, 3, 4, 4], "the frame after"), ([0, 0, 1, 2, 3], "the frame before")],
)
def test_neighbouring_frames_are_named(truths, order, name):
    gt = {"clip": truths["cat"]}
    lq = {"clip": made(gt, bicubic_downsample)["clip"][order]}
    with pytest.raises(InputError, match=f"It looks like {name}"):
        check(lq, gt, kernel="bicubic")


def test_the_input_of_another_clip_is_named(truths):
    lq = made(truths, bicubic_downsample)
    lq["coffee"], lq["cat"] = lq["cat"], lq["coffee"]
    with pytest.raises(InputError, match="coffee: .* the input of clip cat"):
        check(lq, truths, kernel="bicubic")
    with pytest.raises(InputError, match="coffee: .* different scenes"):
        check(lq, truths, kernel=None)


def blurred(gt):
    """A box of 5 frames' worth of motion to the right."""
    return np.mean([np.roll(gt, i, axis=2) for i in range(-2, 3)], axis=0).astype(
        np.uint8
    )


def test_blurred_input_of_the_same_size_passes_and_swapped_folders_do_not(truths):
    lq = {name: blurred(gt) for name, gt in truths.items()}
    check(lq, truths, kernel="motion")
    with pytest.raises(InputError, match="astronaut: the input is sharper"):
        check(truths, lq, kernel="motion")


def test_any_degradation_of_the_right_frames_passes_without_a_kernel(truths):
    rng = np.random.default_rng(0)
    noisy = {
        n: np.clip(gt + rng.normal(0, 50, gt.shape), 0, 255).astype(np.uint8)
        for n, gt in truths.items()
    }
    check(noisy, truths, kernel=None)
    check(made(truths, lambda gt: gt[::4, ::4]), truths, kernel=None)


def test_frames_of_any_size_are_compared_at_the_size_of_their_input():
    """164 pixels are 32 tiles of 5 and a rest of 4, which is a tile's at x8."""
    lq = photographs.astronaut()[None, :164, :180]
    gt = lq.repeat(8, axis=1).repeat(8, axis=2)
    check({"a": lq}, {"a": gt}, kernel=None)
    other = gt[:, ::-1, ::-1]
    with pytest.raises(InputError, match="a: .* different scenes"):
        check({"a": lq}, {"a": other}, kernel=None)


def test_frames_out_of_step_are_named_without_a_kernel(truths):
    gt = {"coffee": drifting(photographs.coffee(), step=12, top=50)}
    lq = {"coffee": blurred(gt["coffee"])[[1, 2, 3, 4, 4]]}
    with pytest.raises(InputError, match="coffee: the input's frames are those of the"):
        check(lq, gt, kernel=None)
