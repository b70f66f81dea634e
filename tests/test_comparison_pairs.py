"""Which frames of two clips belong together, and at what size."""

from fractions import Fraction

import numpy as np
import pytest
from comparison_clips import folder
from media_files import pictures, write_video

from bvsrpp_jax.comparison.pairs import Pairs, open_both
from bvsrpp_jax.comparison.scaling import as_type, resized
from bvsrpp_jax.data.degradations import bicubic_resize
from bvsrpp_jax.errors import InputError


def paired(a, b, **options):
    """All pairs, and the object they came from."""
    with open_both(a, b, **options) as sources:
        pairs = Pairs(*sources)
        return list(pairs), pairs


def test_frames_are_paired_by_number_and_keep_their_sizes(tmp_path):
    small, large = pictures(3, width=16, height=12), pictures(3)
    a, b = folder(tmp_path / "a", small), folder(tmp_path / "b", large)
    for first, second in ((a, b), (b, a)):
        found, pairs = paired(first, second)
        assert pairs.size == (64, 48)
        assert [pair.pts for pair in found] == [0, 1, 2]
        assert pairs.notes == pairs.ending == []
    np.testing.assert_array_equal([pair.a for pair in found], large)
    np.testing.assert_array_equal([pair.b for pair in found], small)


def test_the_shorter_clip_decides_and_a_note_says_so(tmp_path):
    a, b = folder(tmp_path / "a", pictures(3)), folder(tmp_path / "b", pictures(5))
    found, pairs = paired(a, b)
    assert len(found) == 3
    assert pairs.ending == ["A ends after 3 frames, B goes on: compared up to there."]
    found, pairs = paired(b, a / "0.png")
    assert len(found) == 1
    assert pairs.ending == ["B ends after 1 frame, A goes on: compared up to there."]


def test_other_rates_and_shapes_are_noted(tmp_path):
    a = write_video(tmp_path / "a.mp4", pictures(9), time_base=Fraction(1, 50))
    b = write_video(tmp_path / "b.mp4", pictures(9, width=48))
    _, pairs = paired(a, b)
    rates, shapes = pairs.notes
    assert rates.endswith("compared frame by frame, at the times of B.")
    assert shapes.startswith("A is 64x48, B 48x48, which is another shape")


def test_a_rate_that_is_not_exact_is_no_other_rate(tmp_path):
    times = {"pts": [0, 40, 80, 121], "time_base": Fraction(1, 1000)}
    a = write_video(tmp_path / "a.mp4", pictures(4), **times)
    b = write_video(tmp_path / "b.mp4", pictures(4))
    with open_both(a, b) as (first, second):
        assert first.info.rate != second.info.rate
        assert Pairs(first, second).notes == []


def test_pictures_have_the_rate_of_the_video_beside_them(tmp_path):
    video = write_video(tmp_path / "a.mp4", pictures(8), time_base=Fraction(1, 50))
    images = folder(tmp_path / "b", pictures(8))
    for a, b in ((video, images), (images, video)):
        found, pairs = paired(a, b, start=Fraction(3, 50))
        assert (len(found), pairs.notes) == (5, [])
    np.testing.assert_array_equal(found[0].a, pictures(8)[3])


def test_a_clip_against_itself(tmp_path):
    a = folder(tmp_path / "a", pictures(2))
    found, _ = paired(a, a)
    assert all((pair.a == pair.b).all() for pair in found)
    assert len(found) == 2


def test_what_is_not_there_is_told(tmp_path):
    a = folder(tmp_path / "a", pictures(2))
    with pytest.raises(InputError, match=r"none\.mp4: cannot be read"):
        paired(a, tmp_path / "none.mp4")
    with pytest.raises(InputError, match="no picture is left from 2 s on"):
        paired(a, a, start=Fraction(2))


def test_enlarging_is_the_bicubic_of_the_field():
    """MATLAB's `imresize` has the same kernel; it mirrors at the border instead.

    Two codes: Pillow rounds to eight bits after each axis.
    """
    frame = pictures(1, width=24, height=16)[0]
    expected = 255 * bicubic_resize(frame / 255, 4).clip(0, 1)
    inside = slice(8, -8)
    found = resized(frame, (96, 64)).astype(float)
    error = np.abs(found - expected)[inside, inside]
    assert error.max() < 2
    deep = resized(as_type(frame, np.dtype(np.uint16)), (96, 64))
    error = np.abs(deep / 257 - expected)[inside, inside]
    assert error.max() < 0.01  # a thousandth of a code by each of two roundings


def test_depths_are_changed_without_loss_or_bias():
    eight = np.arange(256, dtype=np.uint8)
    sixteen = as_type(eight, np.dtype(np.uint16))
    assert (sixteen[0], sixteen[-1]) == (0, 65535)
    np.testing.assert_array_equal(as_type(sixteen, np.dtype(np.uint8)), eight)
    every = np.arange(65536, dtype=np.uint16)
    nearest = np.floor(every / 257 + 0.5)
    np.testing.assert_array_equal(as_type(every, np.dtype(np.uint8)), nearest)
