"""tOF: known motion has its known value, and steadiness counts, not sharpness."""

import builtins
import math

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter
from skimage.registration import optical_flow_ilk

from bvsrpp_jax.data.degradations import bicubic_resize
from bvsrpp_jax.errors import InputError
from bvsrpp_jax.evaluation.metrics import luma, psnr
from bvsrpp_jax.evaluation.temporal import make_motion, make_tofs, tof_of_flows

SIDE = 48


def make_tof():
    """For one method."""
    tofs = make_tofs()
    return lambda output, gt: tofs({"output": output}, gt)["output"]


@pytest.fixture(scope="module")
def scene():
    """A smooth picture, larger than the frames that are cut out of it."""
    coarse = np.random.default_rng(0).random((30, 30, 3))
    return bicubic_resize(coarse, 4).clip(0, 1)


def clip(scene, places):
    return [scene[y : y + SIDE, x : x + SIDE] for y, x in places]


def values(output, gt):
    tof = make_tof()
    return [tof(*pair) for pair in zip(output, gt, strict=True)]


def steady(count=4):
    return [(20, 20 + 2 * i) for i in range(count)]


def test_equal_clips_have_0_from_the_second_frame_on(scene):
    frames = clip(scene, steady())
    assert values(frames, frames) == [None, 0, 0, 0]


def test_a_known_shift_is_the_flow(scene):
    # The scene slides by (-1, -2): what was at (i, j) is then at (i - 1, j - 2).
    motion = make_motion()
    motion(scene[20 : 20 + SIDE, 20 : 20 + SIDE])
    flow = motion(scene[21 : 21 + SIDE, 22 : 22 + SIDE])
    assert flow.shape == (2, SIDE, SIDE)
    inside = flow[:, 12:-12, 12:-12]  # at the border the scene comes from nowhere
    np.testing.assert_allclose(inside[0], -1, atol=0.02)
    np.testing.assert_allclose(inside[1], -2, atol=0.02)


def test_a_standing_output_lacks_the_motion_of_the_truth(scene):
    gt = clip(scene, [(20 + 3 * i, 20 + 4 * i) for i in range(3)])
    standing = [gt[0]] * 3
    # 3 down and 4 across: 5 pixels a frame, less what the border hides.
    assert values(standing, gt)[1:] == pytest.approx([5, 5], abs=0.2)


def test_jitter_is_worse_than_a_steady_blur_that_psnr_finds_worse(scene):
    gt = clip(scene, steady(6))
    jitter = clip(scene, [(20 + i % 2, 20 + 2 * i) for i in range(6)])
    blurred = clip(gaussian_filter(scene, (3, 3, 0)), steady(6))
    assert all(psnr(*as_arrays(blurred, gt)) < psnr(*as_arrays(jitter, gt)))
    assert np.mean(values(blurred, gt)[1:]) < np.mean(values(jitter, gt)[1:]) / 10


def as_arrays(*clips):
    return (np.stack(frames).clip(0, 1) for frames in clips)


def test_it_is_the_definition(scene):
    gt, output = clip(scene, steady(2)), clip(scene, [(20, 20), (21, 23)])
    flows = []
    for frames in (output, gt):
        first, second = (np.float32(luma(255 * frame) / 255) for frame in frames)
        flows.append(optical_flow_ilk(first, second, radius=7, num_warp=5))
    total = 0.0
    for i in range(SIDE):
        for j in range(SIDE):
            down, right = (float(flows[0][k][i, j]) - flows[1][k][i, j] for k in (0, 1))
            total += math.sqrt(down**2 + right**2)
    assert values(output, gt)[1] == pytest.approx(total / SIDE**2, rel=1e-6)


def test_it_looks_at_a_frame_and_the_one_before_alone(scene):
    gt, output = clip(scene, steady()), clip(scene, [(20, 20 + i) for i in range(4)])
    assert values(output[2:], gt[2:])[1] == values(output, gt)[3]


def test_codes_are_as_good_as_floats(scene):
    gt, output = clip(scene, steady(2)), clip(scene, [(20, 20), (20, 23)])
    codes = [np.round(255 * frame).astype(np.uint8) for frame in output]
    floats = [frame / 255 for frame in codes]
    assert values(codes, gt)[1] == pytest.approx(values(floats, gt)[1], rel=1e-4)


def test_flat_frames_have_no_motion():
    flat = [np.full((SIDE, SIDE, 3), value, np.uint8) for value in (40, 40, 90)]
    assert np.isfinite(values(flat, flat[:1] * 3)[1:]).all()
    assert values(flat, flat)[1:] == [0, 0]


def test_the_flow_of_the_truth_can_be_shared(scene):
    gt, output = clip(scene, steady(2)), clip(scene, [(20, 20), (20, 23)])
    flows = []
    for frames in (output, gt):
        motion = make_motion()
        assert motion(frames[0]) is None
        flows.append(motion(frames[1]))
    assert tof_of_flows(*flows) == values(output, gt)[1]


def test_frames_that_do_not_belong_together_are_named():
    frame = np.zeros((SIDE, SIDE, 3), np.uint8)
    with pytest.raises(ValueError, match=r"output is \(48, 48, 3\) but gt is \(48, 47"):
        make_tof()(frame, frame[:, 1:])
    with pytest.raises(ValueError, match=r"\(47, 48\) after one of \(48, 48\)"):
        values([frame, frame[1:]], [frame, frame[1:]])
    with pytest.raises(ValueError, match="16 pixels a side"):
        make_tof()(frame[:15], frame[:15])


def test_without_scikit_image_the_extra_is_named(monkeypatch):
    real = builtins.__import__

    def without(name, *args, **kwargs):
        if name.startswith("skimage"):
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(InputError, match=r"bvsrpp-jax\[eval\]"):
        make_tof()
