"""PSNR and SSIM against the official evaluation's own numbers and scikit-image."""

from pathlib import Path

import numpy as np
import pytest
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from bvsrpp_jax.evaluation.metrics import luma, psnr, ssim

GOLDEN = Path(__file__).parent / "golden" / "metrics.npz"
PSNR_BOUND = 1e-4  # decibels: the recording's mean is float32
SSIM_BOUND = 1e-6


@pytest.fixture(scope="module")
def golden():
    return dict(np.load(GOLDEN))


def frames(*shape, seed=0):
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def constant(value, size=32):
    return np.full((1, size, size, 3), value, np.uint8)


@pytest.mark.parametrize(
    ("channel", "border"), [("rgb", 0), ("rgb", 4), ("y", 0)], ids=str
)
def test_official_evaluation_gives_the_same_numbers(golden, channel, border):
    options = {"channel": channel, "border": border}
    name = f"{channel}_crop{border}"
    gt, output = golden["gt"], golden["pred"]
    np.testing.assert_allclose(
        psnr(output, gt, **options), golden[f"psnr_{name}"], rtol=0, atol=PSNR_BOUND
    )
    np.testing.assert_allclose(
        ssim(output, gt, **options), golden[f"ssim_{name}"], rtol=0, atol=SSIM_BOUND
    )


@pytest.mark.parametrize("border", [0, 2, 3, 4])
def test_ones_against_twos_is_the_known_value_whatever_the_border(border):
    # The values every project of the field tests against.
    ones, twos = constant(1), constant(2)
    assert psnr(ones, twos, border=border) == pytest.approx(48.1308036, abs=1e-7)
    assert psnr(ones, twos, channel="y", border=border) == pytest.approx(
        49.4527218,
        abs=1e-5,  # their luma is float32
    )
    assert ssim(ones, twos, border=border) == pytest.approx(0.913062377743969, abs=1e-7)
    assert ssim(ones, twos, channel="y", border=border) == pytest.approx(
        0.9987801, abs=1e-7
    )


def test_black_against_white_is_zero_decibels_without_wrapping_round():
    assert psnr(constant(0), constant(255)) == pytest.approx(0, abs=1e-12)


def test_equal_frames_are_infinite_decibels_and_similarity_one():
    clip = frames(2, 16, 16, 3)
    assert np.all(np.isposinf(psnr(clip, clip)))
    assert np.all(ssim(clip, clip) == 1)


def test_scikit_image_agrees():
    a, b = frames(2, 24, 31, 3), frames(2, 24, 31, 3, seed=1)
    options = {
        "gaussian_weights": True,
        "sigma": 1.5,
        "use_sample_covariance": False,
        "data_range": 255,
        "channel_axis": -1,
        "full": True,
    }
    inside = slice(5, -5)  # scikit-image pads; only whole windows are comparable
    for i in range(2):
        _, values = structural_similarity(a[i], b[i], **options)
        assert ssim(a, b)[i] == pytest.approx(values[inside, inside].mean(), abs=1e-6)
        assert psnr(a, b)[i] == pytest.approx(peak_signal_noise_ratio(a[i], b[i]))


def test_each_frame_has_its_own_value():
    a, b = frames(3, 16, 16, 3), frames(3, 16, 16, 3, seed=1)
    b[1] = a[1]
    for metric in (psnr, ssim):
        alone = np.concatenate([metric(a[i : i + 1], b[i : i + 1]) for i in range(3)])
        np.testing.assert_array_equal(metric(a, b), alone)
        assert metric(a, b).shape == (3,)


def test_border_pixels_do_not_count():
    a = frames(1, 20, 22, 3)
    b = np.pad(a[:, 3:-3, 3:-3], [(0, 0), (3, 3), (3, 3), (0, 0)])
    assert np.isposinf(psnr(a, b, border=3))
    assert np.isfinite(psnr(a, b, border=2))
    assert ssim(a, b, border=3) == 1
    assert ssim(a, b, border=2) < 1


def test_luma_spans_studio_range_and_is_not_rounded():
    black, white, grey = luma(np.array([[0] * 3, [255] * 3, [1, 0, 0]], np.uint8))
    assert (black, white) == pytest.approx((16, 235))
    assert grey == pytest.approx(16 + 65.481 / 255)


@pytest.mark.parametrize("metric", [psnr, ssim])
@pytest.mark.parametrize(
    ("a", "b", "options", "message"),
    [
        (frames(1, 16, 16, 3) / 255, frames(1, 16, 16, 3), {}, "a is float64"),
        (frames(1, 16, 16, 3), frames(1, 16, 16, 3) / 255, {}, "b is float64"),
        (frames(16, 16, 3), frames(16, 16, 3), {}, r"uint8 \[t, h, w, 3\]"),
        (frames(1, 16, 16, 1), frames(1, 16, 16, 1), {}, r"uint8 \[t, h, w, 3\]"),
        (frames(1, 16, 16, 3), frames(2, 16, 16, 3), {}, "equal shapes"),
        (frames(1, 16, 16, 3), frames(1, 16, 16, 3), {"border": -1}, "0 or more"),
        (frames(1, 16, 16, 3), frames(1, 16, 16, 3), {"border": 8}, "pixels a side"),
        (frames(1, 16, 16, 3), frames(1, 16, 16, 3), {"channel": "Y"}, "channel"),
    ],
)
def test_wrong_arguments_are_named(metric, a, b, options, message):
    with pytest.raises(ValueError, match=message):
        metric(a, b, **options)


def test_ssim_needs_one_whole_window():
    assert ssim(frames(1, 11, 12, 3), frames(1, 11, 12, 3)) == 1
    with pytest.raises(ValueError, match="10x12 less a border of 0; need 11"):
        ssim(frames(1, 10, 12, 3), frames(1, 10, 12, 3))
