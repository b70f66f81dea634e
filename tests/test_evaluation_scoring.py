"""A clip's results against its ground truth, frame by frame."""

import math

import numpy as np
import pytest
from clip_trees import write_pairs

from bvsrpp_jax.data.catalogue import ArrayClips
from bvsrpp_jax.data.degradations import bicubic_resize, to_uint8
from bvsrpp_jax.data.folder_layout import pairs
from bvsrpp_jax.data.sources import source_of
from bvsrpp_jax.errors import InputError
from bvsrpp_jax.evaluation.clips import clips_of
from bvsrpp_jax.evaluation.measures import Measures
from bvsrpp_jax.evaluation.metrics import psnr, ssim
from bvsrpp_jax.evaluation.protocols import Protocol
from bvsrpp_jax.evaluation.record import ClipScores, MethodScores
from bvsrpp_jax.evaluation.scoring import baseline_of, digest_of, score_clip
from bvsrpp_jax.evaluation.temporal import make_tofs

NUM_FRAMES = 11
SIDES = {"height": 32, "width": 48}


def open_clip(root, *, mirrored=False, **options):
    write_pairs(root, ("a",), num_frames=NUM_FRAMES, **SIDES, **options)
    source = source_of(pairs(root / "gt", root / "lq"))
    protocol = Protocol("", "folder", mirrored=mirrored)
    return clips_of(protocol, source, scale=4)[0]


@pytest.fixture
def clip(tmp_path):
    return open_clip(tmp_path)


def near(gt, seed=0):
    """Results that are a little off, every frame by as much as its number."""
    rng = np.random.default_rng(seed)
    for number, frame in enumerate(gt):
        noise = rng.normal(0, 1 + number, frame.shape)
        yield np.clip(frame + noise, 0, 255).astype(np.uint8)


def truth(clip):
    return [gt for _, gt in clip.pairs()]


def score(clip, outputs, *, centre=False, **measures):
    return score_clip(clip, outputs, measures=Measures(**measures), centre=centre)


@pytest.mark.parametrize("channel", ["rgb", "y"])
def test_values_are_those_of_the_metrics(clip, channel):
    gt, outputs = np.stack(truth(clip)), np.stack(list(near(truth(clip))))
    own, baseline = score(clip, iter(outputs), channel=channel).scores
    lq = np.stack([lq for lq, _ in clip.pairs()]).astype(np.float32) / 255
    enlarged = to_uint8(bicubic_resize(lq, 4))
    for scores, frames in ((own, outputs), (baseline, enlarged)):
        assert scores.name == "a"
        assert list(scores.frames) == list(range(NUM_FRAMES))
        for name, metric in (("psnr", psnr), ("ssim", ssim)):
            expected = metric(frames, gt, channel=channel)
            np.testing.assert_allclose(scores.values[name], expected, rtol=1e-12)
    assert baseline_of(clip) == "bicubic"


def test_float_results_are_clipped_and_rounded_as_the_papers_do(clip):
    outputs = [frame / np.float32(255) for frame in near(truth(clip))]
    beyond = [np.where(x == 1, 1.7, x + 0.4 / 255).astype(np.float32) for x in outputs]
    known, _ = score(clip, near(truth(clip))).scores
    rounded, _ = score(clip, iter(beyond)).scores
    assert rounded.values == known.values


def test_without_rounding_the_value_is_that_of_the_floats(clip):
    outputs = [
        np.clip(frame / np.float32(255) + np.float32(0.4 / 255), 0, 1)
        for frame in near(truth(clip))
    ]
    found, _ = score(clip, iter(outputs), rounding="none").scores
    errors = 255 * np.stack(outputs).astype(float) - np.stack(truth(clip))
    expected = 10 * np.log10(255**2 / np.mean(errors**2, axis=(1, 2, 3)))
    np.testing.assert_allclose(found.values["psnr"], expected, rtol=1e-6)


def test_the_centre_of_a_mirrored_clip_is_the_mean_of_its_two_results(tmp_path):
    clip = open_clip(tmp_path, mirrored=True)
    middle, mirrored = 5, 16  # of eleven frames, shown twice
    gt = truth(clip)
    outputs = [np.zeros(frame.shape, np.float32) for frame in gt]
    outputs[middle] = gt[middle] / np.float32(255) + 0.25
    outputs[mirrored] = gt[middle] / np.float32(255) - 0.25
    result = score(clip, iter(outputs), centre=True)
    own, baseline = result.scores
    assert list(own.frames) == list(baseline.frames) == [middle]
    assert own.values["psnr"] == [np.inf]
    assert result.pictures.worst == middle


def test_pictures_are_of_the_worst_frame_and_of_the_middle_row(clip):
    outputs = list(near(truth(clip)))
    pictures = score(clip, iter(outputs)).pictures
    assert pictures.worst == NUM_FRAMES - 1
    np.testing.assert_array_equal(pictures.frames["output"], outputs[-1])
    np.testing.assert_array_equal(pictures.frames["gt"], truth(clip)[-1])
    assert pictures.frames["input"].shape == (8, 12, 3)
    assert pictures.profiles.keys() == {"output", "gt", "bicubic"}
    rows = np.stack(outputs)[:, SIDES["height"] // 2]
    np.testing.assert_array_equal(pictures.profiles["output"], rows)


def test_motion_has_no_value_at_the_first_frame(clip):
    outputs = list(near(truth(clip)))
    result = score(clip, iter(outputs), metrics=("tof", "psnr"))
    tofs = make_tofs()
    frames = zip(outputs, truth(clip), strict=True)
    known = [tofs({"own": output}, gt)["own"] for output, gt in frames]
    own, _ = result.scores
    assert known[0] is None
    assert np.isnan(own.values["tof"][0])
    assert list(own.values["tof"][1:]) == known[1:]
    assert own.mean("tof") == pytest.approx(np.mean(known[1:]))
    assert result.pictures.worst == 1 + np.argmax(known[1:])


def test_clips_without_motion_do_not_count_for_it():
    clips = [ClipScores("a", [0, 1], {"tof": [math.nan, 2.0]})]
    clips.append(ClipScores("b", [0], {"tof": [math.nan]}))
    assert MethodScores("ours", clips).mean("tof") == 2
    assert math.isnan(MethodScores("ours", clips[1:]).mean("tof"))


def test_frames_too_small_to_measure_are_named(clip):
    Measures(border=10).check_clips([clip])
    with pytest.raises(InputError, match="a: frames of 48x32 less a border of 11 are"):
        Measures(border=11).check_clips([clip])
    Measures(metrics=("psnr",), border=11).check_clips([clip])


def test_same_size_input_is_its_own_baseline():
    frames = np.random.default_rng(0).integers(0, 256, (3, 16, 16, 3), dtype=np.uint8)
    noise = (("noise", {"sigma": (10.0, 10.0)}),)
    protocol = Protocol("", "", degradations=noise)
    (clip,) = clips_of(protocol, ArrayClips([frames]), scale=1)
    result = score(clip, iter(frames))
    assert baseline_of(clip) == "input"
    lq = to_uint8(np.stack([lq for lq, _ in clip.pairs()]))
    np.testing.assert_allclose(result.scores[1].values["psnr"], psnr(lq, frames))
    assert result.pictures.profiles.keys() == {"output", "gt", "input"}


def test_without_input_there_is_no_baseline():
    frames = np.random.default_rng(0).integers(0, 256, (3, 16, 16, 3), dtype=np.uint8)
    protocol, source = Protocol("", ""), ArrayClips([frames])
    (clip,) = clips_of(protocol, source, scale=4, needs_input=False)
    (own,) = score(clip, iter(frames)).scores
    assert own.values["psnr"] == [np.inf] * 3
    assert baseline_of(clip) is None


def test_the_digest_is_that_of_the_frames(tmp_path):
    first = open_clip(tmp_path / "first")
    again = open_clip(tmp_path / "again")
    other = open_clip(tmp_path / "other", template="{:03d}.png", first=1)
    assert score(first, near(truth(first))).digest == digest_of(again)
    assert digest_of(again) != digest_of(other)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda outputs: outputs[:-1], "a: there are 10 results, fewer"),
        (lambda outputs: [*outputs, outputs[0]], "a: there are more results"),
        (lambda outputs: [o[::2] for o in outputs], "result 0 is 48x16, its ground"),
    ],
)
def test_results_of_another_number_or_size_are_named(clip, change, message):
    with pytest.raises(InputError, match=message):
        score(clip, iter(change(list(near(truth(clip))))))


def test_what_restores_may_fail(clip):
    def outputs():
        yield from truth(clip)[:3]
        raise InputError("the network's output is not finite")

    with pytest.raises(InputError, match="not finite"):
        score(clip, outputs())
