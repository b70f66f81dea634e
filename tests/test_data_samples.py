"""Samples of clips: paired, everywhere in the clip, every clip once an epoch."""

import pickle
from collections import Counter

import numpy as np
import pytest

from bvsrpp_jax.data.degradations import bicubic_downsample, blur_downsample
from bvsrpp_jax.data.samples import ClipSamples
from bvsrpp_jax.data.sources import Clip
from bvsrpp_jax.errors import InputError

PAPER = {"batch_size": 2, "seed": 0, "num_frames": 3, "crop_size": 16, "scale": 4}


class MemoryClips:
    """A source of arrays, counting how often it is read."""

    def __init__(self, gt, lq=None):
        self.clips = [Clip(f"clip{k}", len(frames)) for k, frames in enumerate(gt)]
        self.gt, self.lq, self.reads = gt, lq, 0

    def read(self, clip, start, stop):
        self.reads += 1
        frames = {"gt": self.gt[clip][start:stop]}
        if self.lq:
            frames["lq"] = self.lq[clip][start:stop]
        return frames


def places(number, frames, height, width):
    """[t, h, w, 3] uint8: pixels that say 16 * clip + frame, row and column."""
    grid = np.stack(np.mgrid[:frames, :height, :width], -1)
    return np.uint8(grid + [16 * number, 0, 0])


def blocks(source, scale=4):
    """Ground truth whose pixels are repeated `scale` times: any crop is paired."""
    return [clip.repeat(scale, 1).repeat(scale, 2) for clip in source]


def paired(count=2, frames=5, height=6, width=7):
    lq = [places(k, frames, height, width) for k in range(count)]
    return MemoryClips(blocks(lq), lq)


def noise_clips(height=40, width=52, frames=2):
    rng = np.random.default_rng(0)
    return MemoryClips([rng.integers(0, 256, (frames, height, width, 3), np.uint8)])


def draws(samples, count=300):
    return [samples.draw(step, 0) for step in range(count)]


def levels(frames):
    return np.round(255 * frames).astype(int)


def test_a_sample_has_the_documented_form():
    sample = ClipSamples(paired(), **PAPER).draw(0, 1)
    assert sample["lq"].shape == (3, 4, 4, 3)
    assert sample["gt"].shape == (3, 16, 16, 3)
    for frames in sample.values():
        assert frames.dtype == np.float32
        assert frames.flags.c_contiguous
        assert 0 <= frames.min() <= frames.max() <= 1


def test_input_and_truth_show_the_same_place_in_every_orientation():
    orientations = set()
    for sample in draws(ClipSamples(paired(), **PAPER)):
        np.testing.assert_array_equal(sample["gt"][:, ::4, ::4], sample["lq"])
        first = levels(sample["lq"])[0]
        down, right = first[1, 0] - first[0, 0], first[0, 1] - first[0, 0]
        orientations.add((*down[1:], *right[1:]))
    assert len(orientations) == 8


def test_frames_follow_one_another_and_are_flipped_alike():
    for sample in draws(ClipSamples(paired(), **PAPER)):
        steps = np.diff(levels(sample["gt"]), axis=0)
        assert (steps == [1, 0, 0]).all()


def test_without_flips_nothing_is_turned():
    for sample in draws(ClipSamples(paired(), **PAPER, flips=False), 50):
        first = levels(sample["lq"])[0]
        assert (first[1, 0] - first[0, 0] == [0, 1, 0]).all()
        assert (first[0, 1] - first[0, 0] == [0, 0, 1]).all()


def test_every_window_and_every_crop_is_equally_likely():
    # 3 starts of 5 frames, 3 rows and 4 columns of 6x7 pixels: 36 places.
    samples = ClipSamples(paired(count=1), **PAPER, flips=False)
    seen = Counter(tuple(levels(s["lq"])[0, 0, 0]) for s in draws(samples, 3600))
    assert seen.keys() == {
        (t, y, x) for t in range(3) for y in range(3) for x in range(4)
    }
    assert max(abs(count - 100) for count in seen.values()) < 45  # 4.5 deviations


def test_every_clip_comes_once_an_epoch_in_ever_new_orders():
    samples = ClipSamples(paired(count=5), **PAPER)
    order = [samples.describe(p // 2, p % 2).split(",")[0] for p in range(40)]
    epochs = [tuple(order[at : at + 5]) for at in range(0, 40, 5)]
    assert all(len(set(epoch)) == 5 for epoch in epochs)
    assert len(set(epochs)) > 4


def test_the_order_of_an_epoch_is_not_drawn_from_a_samples_generator():
    samples = ClipSamples(paired(count=9), **{**PAPER, "batch_size": 1})
    order = [int(samples.describe(step, 0)[9]) for step in range(9)]
    assert order != np.random.default_rng([0, 0, 0]).permutation(9).tolist()


def test_the_mirror_comes_last_and_is_exact():
    source = paired()
    plain, mirrored = (ClipSamples(source, **PAPER, mirror=m) for m in (False, True))
    for step in range(8):
        half, whole = plain.draw(step, 0), mirrored.draw(step, 0)
        for key, frames in whole.items():
            np.testing.assert_array_equal(frames[:3], half[key])
            np.testing.assert_array_equal(frames[3:], half[key][::-1])


def test_degraded_frames_are_mirrored_like_the_others():
    options = {**PAPER, "scale": 1, "mirror": True, "degradations": ("noise",)}
    lq = ClipSamples(noise_clips(frames=3), **options).draw(0, 0)["lq"]
    np.testing.assert_array_equal(lq, lq[::-1])


def test_an_interval_takes_every_second_frame_up_to_the_last():
    samples = ClipSamples(paired(count=1), **PAPER, interval=2, flips=False)
    for sample in draws(samples, 20):
        np.testing.assert_array_equal(levels(sample["gt"])[:, 0, 0, 0], [0, 2, 4])


def test_the_description_names_what_is_drawn_and_reads_nothing():
    source = paired()
    samples = ClipSamples(source, **PAPER)
    for step in range(20):
        first, *_, last = levels(samples.draw(step, 0)["gt"])[:, 0, 0, 0] % 16
        clip = levels(samples.draw(step, 0)["gt"])[0, 0, 0, 0] // 16
        before = source.reads
        text = f"clip clip{clip}, frames {first} to {last}"
        assert samples.describe(step, 0) == text
        assert source.reads == before


def test_a_sample_depends_on_seed_step_and_number_alone():
    samples = ClipSamples(
        noise_clips(), **{**PAPER, "num_frames": 2}, degradations=("bicubic",)
    )
    copy = pickle.loads(pickle.dumps(samples))
    drawn = {(step, i): samples.draw(step, i) for step in range(3) for i in range(2)}
    for (step, i), sample in reversed(drawn.items()):
        np.testing.assert_array_equal(copy.draw(step, i)["gt"], sample["gt"])
        np.testing.assert_array_equal(copy.draw(step, i)["lq"], sample["lq"])
    assert len({sample["gt"].tobytes() for sample in drawn.values()}) == 6
    other = ClipSamples(
        samples.source,
        **{**PAPER, "num_frames": 2, "seed": 1},
        degradations=("bicubic",),
    )
    assert not np.array_equal(other.draw(0, 0)["gt"], drawn[0, 0]["gt"])


@pytest.mark.parametrize(
    ("name", "whole"), [("bicubic", bicubic_downsample), ("blur", blur_downsample)]
)
def test_a_crop_made_on_the_fly_is_that_of_the_whole_frame(name, whole):
    source = noise_clips()
    options = {**PAPER, "num_frames": 2, "degradations": (name,), "flips": False}
    samples = ClipSamples(source, **options)
    low, high = whole(source.gt[0]), source.gt[0]
    seen = set()
    for sample in draws(samples, 400):
        lq, gt = (levels(sample[key]) for key in ("lq", "gt"))
        (place,) = [
            (y, x)
            for y in range(7)
            for x in range(10)
            if (high[:, 4 * y : 4 * y + 16, 4 * x : 4 * x + 16] == gt).all()
        ]
        y, x = place
        np.testing.assert_array_equal(lq, low[:, y : y + 4, x : x + 4])
        seen.add(place)
    assert {(0, 0), (0, 9), (6, 0), (6, 9)} <= seen  # the frame's corners


def test_frames_whose_sides_do_not_divide_are_cropped_inside():
    source = noise_clips(height=43, width=55)
    options = {**PAPER, "num_frames": 2, "degradations": ("blur",)}
    for sample in draws(ClipSamples(source, **options), 50):
        assert sample["lq"].shape == (2, 4, 4, 3)
        assert sample["gt"].shape == (2, 16, 16, 3)


def test_blur_is_made_of_the_frames_as_they_lie_then_flipped():
    source = noise_clips(height=18, width=18)  # one place to crop
    options = {**PAPER, "num_frames": 2, "degradations": ("blur",)}
    low = blur_downsample(source.gt[0])
    # Two pixels remain at one side, so the blur of a flipped frame is another picture.
    assert not np.array_equal(blur_downsample(source.gt[0][:, ::-1]), low[:, ::-1])
    every = [low, low[:, ::-1], low[:, :, ::-1], low[:, ::-1, ::-1]]
    every += [turned.swapaxes(1, 2) for turned in every]
    for sample in draws(ClipSamples(source, **options), 40):
        assert any(np.array_equal(levels(sample["lq"]), turned) for turned in every)


def test_noise_is_added_to_the_truth_after_the_flips():
    source = paired(count=1)
    options = {**PAPER, "scale": 1, "degradations": (("noise", {"sigma": (10, 10)}),)}
    for sample in draws(ClipSamples(source, **options), 20):
        difference = 255 * (sample["lq"] - sample["gt"])
        assert 9 < difference.std() < 11
        assert abs(difference.mean()) < 1.5


def test_degradations_are_applied_in_order():
    source = noise_clips(height=64, width=64)
    options = {**PAPER, "num_frames": 2, "crop_size": 64}
    compressed, noisy = (
        ClipSamples(source, **options, degradations=names).draw(0, 0)["lq"]
        for names in (("bicubic", "noise", "h264"), ("bicubic", "h264", "noise"))
    )
    on_levels = np.abs(255 * compressed - levels(compressed)).max() < 1e-3
    assert on_levels
    assert np.abs(255 * noisy - levels(noisy)).max() > 0.1


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"degradations": ("bicubc",)},
            "degradations: 'bicubc' is unknown. Use bicubic",
        ),
        ({"degradations": ("h264", "bicubic")}, "bicubic comes first"),
        ({"degradations": ("noise",)}, "noise does not make an input of 1/4 the size"),
        ({"degradations": ("blur",), "scale": 2}, "blur does not make an input of 1/2"),
        ({"degradations": ("bicubic",), "scale": 1}, "bicubic does not make"),
        ({"degradations": ("bicubic", ("noise", {"sgma": 1}))}, "degradations: .*sgma"),
        (
            {"degradations": ("bicubic", ("h264", {"crf": (9, 99)}))},
            r"crf is \(9, 99\)",
        ),
        ({"degradations": (("bicubic", {"a": 1}),)}, "takes no parameters"),
        ({"crop_size": 18}, "crop_size: 18 is no multiple of scale, 4"),
        ({"num_frames": 0}, "num_frames: is 0"),
        ({"num_frames": 6}, "clip0: has 5 frames; a sample needs 6"),
        ({"interval": 3}, "clip0: has 5 frames; a sample needs 7"),
        ({"crop_size": 28}, "clip0: frames are 28x24, too small for crop_size 28"),
        ({"scale": 2}, "clip0: input frames are 7x6, .* 28x24, not 2 times as large"),
    ],
)
def test_what_cannot_work_is_told_before_the_first_step(changes, message):
    with pytest.raises(InputError, match=message):
        ClipSamples(paired(), **{**PAPER, **changes})


def test_a_data_set_without_stored_input_is_told():
    with pytest.raises(InputError, match=r"clip0: .* no input frames\. .*'bicubic'"):
        ClipSamples(noise_clips(), **{**PAPER, "num_frames": 2})


def test_an_empty_data_set_is_told():
    with pytest.raises(InputError, match="no clips"):
        ClipSamples(MemoryClips([]), **PAPER)


def test_a_later_clip_that_does_not_fit_is_named_when_it_is_drawn():
    big, small = places(0, 5, 6, 7), places(1, 5, 3, 7)
    samples = ClipSamples(MemoryClips(blocks([big, small]), [big, small]), **PAPER)
    i = int("clip1" in samples.describe(0, 1))
    samples.draw(0, 1 - i)
    with pytest.raises(InputError, match="clip1: frames are 28x12, too small"):
        samples.draw(0, i)


def test_a_sample_beyond_the_batch_is_refused():
    with pytest.raises(ValueError, match="sample 2 is not one of a batch of 2"):
        ClipSamples(paired(), **PAPER).draw(0, 2)
