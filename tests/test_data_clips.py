"""Training samples: fixed by seed and step, paired, of the right degradation."""

from itertools import islice

import numpy as np
import pytest

from bvsrpp_jax.data.clips import Prepared, as_batch, batches, cut, open_prepared
from bvsrpp_jax.data.degradations import bicubic_resize
from bvsrpp_jax.errors import InputError

OPTIONS = {"crop_size": 64, "filmed": 0.5, "occlusion": 0.5, "batch_size": 2}


@pytest.fixture(scope="module")
def prepared():
    rng = np.random.default_rng(0)
    photographs = [rng.integers(0, 256, (200, 220, 3), dtype=np.uint8)]
    return Prepared(photographs, [rng.integers(0, 256, (9, 70, 80, 3), dtype=np.uint8)])


def take(prepared, count, **options):
    options = {"num_frames": ((0, 3),), **OPTIONS, **options}
    return list(islice(batches(prepared, **options), count))


def test_batches_have_the_documented_shapes_and_ranges(prepared):
    (batch,) = take(prepared, 1)
    assert batch["lq"].shape == (2, 3, 16, 16, 3)
    assert batch["gt"].shape == (2, 3, 64, 64, 3)
    for frames in batch.values():
        assert frames.dtype == np.float32
        assert frames.min() >= 0
        assert frames.max() <= 1


def test_the_input_is_the_bicubic_of_the_truth_in_8_bit(prepared):
    (batch,) = take(prepared, 1)
    levels = 255 * batch["lq"]
    np.testing.assert_allclose(levels, np.round(levels), atol=1e-4)
    exact = 255 * bicubic_resize(batch["gt"], 1 / 4).clip(0, 1)
    assert np.abs(levels - exact).max() <= 0.501


def test_a_run_resumed_at_step_2_sees_what_comes_next(prepared):
    whole, rest = take(prepared, 4), take(prepared, 2, first_step=2)
    for a, b in zip(whole[2:], rest, strict=True):
        np.testing.assert_array_equal(a["gt"], b["gt"])


def test_steps_and_seeds_differ(prepared):
    first, second = take(prepared, 2)
    (other,) = take(prepared, 1, seed=1)
    assert not np.array_equal(first["gt"], second["gt"])
    assert not np.array_equal(first["gt"], other["gt"])


def test_clips_lengthen_from_the_step_that_says_so(prepared):
    taken = take(prepared, 4, num_frames=((0, 2), (3, 4)))
    assert [batch["gt"].shape[1] for batch in taken] == [2, 2, 2, 4]


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


def test_as_batch_keeps_black_and_white():
    gt = np.zeros((1, 1, 8, 8, 3), np.uint8)
    gt[..., 1] = 255
    batch = as_batch(gt)
    assert (batch["lq"][..., 0] == 0).all()
    assert (batch["lq"][..., 1] == 1).all()


def test_a_prepared_folder_is_opened_and_what_it_lacks_named(tmp_path):
    (tmp_path / "clips").mkdir()
    np.save(tmp_path / "clips" / "a.npy", np.ones((1, 2, 2, 3), np.uint8))
    prepared = open_prepared(tmp_path, needs=("clips",))
    assert prepared.photographs == []
    assert prepared.clips[0].shape == (1, 2, 2, 3)
    with pytest.raises(InputError, match=r"photographs: no \.npy file.*prepare_lite"):
        open_prepared(tmp_path, needs=("photographs", "clips"))


@pytest.mark.parametrize("content", [b"", b"text", b"\x93NUMPY\x01\x00v\x00"])
def test_a_file_that_is_no_array_is_named(tmp_path, content):
    (tmp_path / "clips").mkdir()
    (tmp_path / "clips" / "a.npy").write_bytes(content)
    with pytest.raises(InputError, match=r"a\.npy: .*Prepare it again"):
        open_prepared(tmp_path, needs=("clips",))
