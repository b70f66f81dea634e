"""Samples of prepared arrays: fixed by seed and step, paired, rightly degraded."""

import hashlib
import pickle

import numpy as np
import pytest

from bvsrpp_jax.data.degradations import bicubic_resize
from bvsrpp_jax.data.prepared import (
    Prepared,
    PreparedSamples,
    cut,
    degrade,
    open_prepared,
)
from bvsrpp_jax.errors import InputError

OPTIONS = {
    "seed": 7,
    "num_frames": ((0, 3),),
    "crop_size": 64,
    "filmed": 0.5,
    "occlusion": 0.5,
}

# Recorded from the code that trained the bundled model: the digest of eight cut clips,
# the mean colours of eight filmed ones.
CUT = "b9dea8f6fd02b7631d63cc2d3133a8239378922e895e3e111fee72df167ca3f8"
FILMED = [
    (128.49, 154.92, 125.51),
    (85.80, 107.02, 168.20),
    (103.37, 91.08, 150.63),
    (96.57, 59.52, 157.43),
    (121.42, 142.17, 132.58),
    (62.62, 145.32, 191.39),
    (109.75, 132.12, 144.25),
    (128.13, 65.71, 125.87),
]


@pytest.fixture(scope="module")
def prepared():
    """A photograph whose colours tell the place, and a clip of noise."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:200, :220]
    return Prepared(
        [np.stack([y, x, 255 - y], -1).astype(np.uint8)],
        [rng.integers(0, 256, (9, 70, 80, 3), dtype=np.uint8)],
    )


def draws(prepared, count=4, **options):
    samples = PreparedSamples(prepared, **{**OPTIONS, **options})
    return [samples.draw(step, i) for step in range(count) for i in range(2)]


def levels(frames):
    return np.round(255 * frames).astype(np.uint8)


def test_cut_clips_are_those_that_the_bundled_model_was_trained_on(prepared):
    digest = hashlib.sha256()
    for sample in draws(prepared, filmed=0.0):
        digest.update(levels(sample["gt"]))
    assert digest.hexdigest() == CUT


def test_filmed_clips_are_those_that_the_bundled_model_was_trained_on(prepared):
    means = [255 * s["gt"].mean((0, 1, 2)) for s in draws(prepared, filmed=1.0)]
    np.testing.assert_allclose(means, FILMED, atol=0.05)  # Pillow's rounding may change


def test_a_sample_has_the_documented_form(prepared):
    for sample in draws(prepared):
        assert sample["lq"].shape == (3, 16, 16, 3)
        assert sample["gt"].shape == (3, 64, 64, 3)
        for frames in sample.values():
            assert frames.dtype == np.float32
            assert frames.flags.c_contiguous
            assert 0 <= frames.min() <= frames.max() <= 1


def test_the_input_is_the_bicubic_of_the_truth_in_8_bit(prepared):
    for sample in draws(prepared):
        exact = 255 * bicubic_resize(sample["gt"], 1 / 4).clip(0, 1)
        in_levels = 255 * sample["lq"]
        np.testing.assert_allclose(in_levels, np.round(in_levels), atol=1e-4)
        assert np.abs(in_levels - exact).max() <= 0.501


def test_steps_samples_and_seeds_differ(prepared):
    drawn = [*draws(prepared), *draws(prepared, seed=1)]
    assert len({sample["gt"].tobytes() for sample in drawn}) == 16


def test_clips_lengthen_from_the_step_that_says_so(prepared):
    lengths = [len(s["gt"]) for s in draws(prepared, num_frames=((0, 2), (3, 4)))]
    assert lengths == [2, 2, 2, 2, 2, 2, 4, 4]


def test_the_description_tells_filmed_from_cut(prepared):
    samples = PreparedSamples(prepared, **OPTIONS)
    noisy = {
        (step, 0): np.abs(np.diff(samples.draw(step, 0)["gt"], axis=2)).mean() > 0.1
        for step in range(8)
    }
    assert set(noisy.values()) == {False, True}
    for (step, i), is_cut in noisy.items():
        kind = "cut clip" if is_cut else "filmed photograph"
        assert samples.describe(step, i) == f"{kind} of 3 frames, seed [7, {step}, {i}]"


def test_cut_takes_every_frame_or_every_second():
    clip = np.broadcast_to(
        np.arange(9, dtype=np.uint8)[:, None, None, None], (9, 4, 4, 3)
    )
    steps = set()
    for seed in range(50):
        rng = np.random.default_rng(seed)
        frames = cut([clip], num_frames=3, size=2, rng=rng)
        steps |= set(np.diff(frames[:, 0, 0, 0]).tolist())
    assert steps == {1, 2}


def test_a_clip_that_is_too_short_is_refused():
    clip = np.zeros((2, 4, 4, 3), np.uint8)
    with pytest.raises(ValueError, match="2 frames; need 3"):
        cut([clip], num_frames=3, size=2, rng=np.random.default_rng(0))


def test_degrade_keeps_black_and_white():
    gt = np.zeros((1, 8, 8, 3), np.uint8)
    gt[..., 1] = 255
    sample = degrade(gt)
    assert (sample["lq"][..., 0] == 0).all()
    assert (sample["lq"][..., 1] == 1).all()


@pytest.mark.parametrize("scale", [2, 3, 8])
def test_the_input_is_as_much_smaller_as_the_scale_says(prepared, scale):
    side = 16 * scale
    options = {**OPTIONS, "crop_size": side, "filmed": 1.0, "scale": scale}
    sample = PreparedSamples(prepared, **options).draw(0, 0)
    assert sample["gt"].shape[1:] == (side, side, 3)
    assert sample["lq"].shape[1:] == (16, 16, 3)


@pytest.mark.parametrize(
    ("changes", "message"),
    [({"scale": 1}, "nothing to restore"), ({"scale": 7}, "no multiple of scale, 7")],
)
def test_scales_that_cannot_be_are_named(prepared, changes, message):
    with pytest.raises(ValueError, match=message):
        PreparedSamples(prepared, **{**OPTIONS, **changes})


def test_a_prepared_folder_is_opened_and_what_it_lacks_named(tmp_path):
    (tmp_path / "clips").mkdir()
    np.save(tmp_path / "clips" / "a.npy", np.ones((1, 2, 2, 3), np.uint8))
    prepared = open_prepared(tmp_path, needs=("clips",))
    assert prepared.photographs == []
    assert prepared.clips[0].shape == (1, 2, 2, 3)
    with pytest.raises(InputError, match=r"photographs: no \.npy file.*prepare_lite"):
        open_prepared(tmp_path, needs=("photographs", "clips"))


def test_mapped_files_are_not_copied_into_other_processes(tmp_path, prepared):
    (tmp_path / "clips").mkdir()
    np.save(tmp_path / "clips" / "a.npy", prepared.clips[0])
    pickled = pickle.dumps(open_prepared(tmp_path))
    assert len(pickled) < 1000
    np.testing.assert_array_equal(pickle.loads(pickled).clips[0], prepared.clips[0])


def test_arrays_in_memory_are_pickled_as_they_are(prepared):
    copy = pickle.loads(pickle.dumps(PreparedSamples(prepared, **OPTIONS)))
    np.testing.assert_array_equal(copy.draw(1, 0)["gt"], draws(prepared)[2]["gt"])


@pytest.mark.parametrize("content", [b"", b"text", b"\x93NUMPY\x01\x00v\x00"])
def test_a_file_that_is_no_array_is_named(tmp_path, content):
    (tmp_path / "clips").mkdir()
    (tmp_path / "clips" / "a.npy").write_bytes(content)
    with pytest.raises(InputError, match=r"a\.npy: .*Prepare it again"):
        open_prepared(tmp_path, needs=("clips",))
