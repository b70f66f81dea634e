"""PSNR and SSIM against the official evaluation's own numbers and scikit-image."""

from pathlib import Path

import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from bvsrpp_jax.evaluation import similarity
from bvsrpp_jax.evaluation.metrics import luma, prepare, psnr, ssim

GOLDEN = Path(__file__).parent / "golden" / "metrics.npz"
PSNR_BOUND = 1e-4  # decibels: the recording's mean is float32
SSIM_BOUND = 1e-6


@pytest.fixture(scope="module")
def golden():
    return dict(np.load(GOLDEN))


def frames(*shape, seed=0):
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def as_kind(clip, kind):
    return clip if kind == "uint8" else (clip / 255).astype(kind)


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


@pytest.mark.parametrize("kind", ["uint8", "float32", "float64"])
@pytest.mark.parametrize("border", [0, 2, 3, 4])
def test_ones_against_twos_is_the_known_value_whatever_the_border(border, kind):
    # The values every project of the field tests against.
    ones, twos = as_kind(constant(1), kind), as_kind(constant(2), kind)
    assert psnr(ones, twos, border=border) == pytest.approx(48.1308036, abs=1e-6)
    assert psnr(ones, twos, channel="y", border=border) == pytest.approx(
        49.4527218,
        abs=1e-5,  # their luma is float32
    )
    assert ssim(ones, twos, border=border) == pytest.approx(0.913062377743969, abs=1e-7)
    assert ssim(ones, twos, channel="y", border=border) == pytest.approx(
        0.9987801, abs=1e-7
    )


@pytest.mark.parametrize("kind", ["uint8", "float32", "float64"])
def test_black_against_white_is_zero_decibels_without_wrapping_round(kind):
    black, white = as_kind(constant(0), kind), as_kind(constant(255), kind)
    assert psnr(black, white) == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("channel", ["rgb", "y"])
def test_floats_that_are_whole_codes_score_as_the_codes_do(channel):
    a, b = frames(2, 16, 19, 3), frames(2, 16, 19, 3, seed=1)
    for metric in (psnr, ssim):
        expected = metric(a, b, channel=channel)
        for kinds in (("float64", "float64"), ("float64", "uint8")):
            x, y = (as_kind(x, kind) for x, kind in zip((a, b), kinds, strict=True))
            np.testing.assert_allclose(metric(x, y, channel=channel), expected, 1e-12)


def test_prepared_output_is_clamped_and_rounded_only_where_asked():
    output = np.array([[-0.2, 0.5 / 255, 1.5 / 255], [0.3, 1.0, 1.7]])
    rounded = prepare(output)
    assert rounded.dtype == np.uint8
    np.testing.assert_array_equal(rounded, [[0, 0, 2], [76, 255, 255]])  # half to even
    np.testing.assert_array_equal(
        prepare(output, rounding="none"), [[0, 0.5 / 255, 1.5 / 255], [0.3, 1, 1]]
    )
    for rounding in ("uint8", "none"):
        assert prepare(rounded, rounding=rounding) is rounded


@pytest.mark.parametrize("rounding", ["uint8", "none"])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_output_that_is_not_finite_is_not_scored(rounding, value):
    with pytest.raises(ValueError, match="not finite"):
        prepare(np.full((2, 2, 3), value), rounding=rounding)


def test_rounding_has_a_name():
    with pytest.raises(ValueError, match="rounding is 'int8'"):
        prepare(np.zeros((2, 2, 3)), rounding="int8")


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


@pytest.mark.parametrize("size", [(11, 11), (12, 30), (40, 11), (45, 61)], ids=str)
def test_tiles_and_products_leave_no_trace(monkeypatch, size):
    # Windows of 1 to 35 a side, over whole tiles and parts of one.
    a, b = frames(3, *size), frames(3, *size, seed=1)
    whole = similarity.structural_similarity(a, b)
    monkeypatch.setattr(similarity, "TILE", (8, 12))
    assert similarity.structural_similarity(a, b) == pytest.approx(whole, abs=1e-13)
    assert whole == pytest.approx(from_definition(a, b), abs=1e-12)


def from_definition(a, b):
    """SSIM window by window."""
    values = []
    for plane_a, plane_b in zip(a.astype(float), b.astype(float), strict=True):
        windows = (sliding_window_view(p, (11, 11)) for p in (plane_a, plane_b))
        gaussian = np.exp(-((np.arange(11) - 5) ** 2) / (2 * 1.5**2))
        weights = np.outer(gaussian, gaussian) / gaussian.sum() ** 2
        x, y = (w.reshape(*w.shape[:2], -1) for w in windows)
        weights = weights.ravel()
        mean_x, mean_y = x @ weights, y @ weights
        dx, dy = x - mean_x[..., None], y - mean_y[..., None]
        c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
        luminance = (2 * mean_x * mean_y + c1) / (mean_x**2 + mean_y**2 + c1)
        spread = (dx**2 + dy**2) @ weights
        values.append(luminance * (2 * (dx * dy) @ weights + c2) / (spread + c2))
    return np.mean(values)


def test_no_product_is_large_enough_for_a_second_thread():
    widest = max(similarity.TILE) + similarity.SSIM_WINDOW + similarity.STRIDE
    assert similarity.DOWN.size * widest < 2**18


@pytest.mark.parametrize("metric", [psnr, ssim])
def test_frames_may_come_in_a_list(metric):
    a, b = np.random.default_rng(0).integers(0, 256, (2, 2, 12, 12, 3), np.uint8)
    np.testing.assert_array_equal(metric([*a], [*b]), metric(a, b))


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
        (frames(1, 16, 16, 3) + 0.0, frames(1, 16, 16, 3), {}, r"a leaves \[0, 1\]"),
        (frames(1, 16, 16, 3), frames(1, 16, 16, 3) * np.nan, {}, "b leaves"),
        (frames(1, 16, 16, 3) - 1j, frames(1, 16, 16, 3), {}, "a is complex128"),
        (frames(16, 16, 3), frames(16, 16, 3), {}, r"need \[t, h, w, 3\]"),
        (frames(1, 16, 16, 1), frames(1, 16, 16, 1), {}, r"need \[t, h, w, 3\]"),
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
