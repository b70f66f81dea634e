"""Windows cover a clip once, with settled frames only, in bounded memory."""

import numpy as np
import pytest

from bvsrpp_jax.restoration.window import windows

SETTINGS = [(1, 0), (3, 1), (4, 0), (5, 1), (8, 2), (8, 3), (13, 6)]


@pytest.mark.parametrize(("size", "overlap"), SETTINGS)
def test_every_frame_is_kept_once_in_order(size, overlap):
    for count in range(1, 5 * size + 3):
        kept = [
            frame
            for window in windows(range(count), size=size, overlap=overlap)
            for frame in window.frames[window.keep]
        ]
        assert kept == list(range(count)), count


@pytest.mark.parametrize(("size", "overlap"), SETTINGS)
def test_all_windows_of_a_clip_have_one_size(size, overlap):
    for count in range(1, 4 * size + 2):
        found = list(windows(range(count), size=size, overlap=overlap))
        assert {len(window.frames) for window in found} == {min(size, count)}
        assert all(
            w.frames == list(range(w.start, w.start + len(w.frames))) for w in found
        )


@pytest.mark.parametrize(("size", "overlap"), SETTINGS)
def test_kept_frames_have_their_neighbours(size, overlap):
    """At least `overlap` frames on either side, but for the ends of the clip."""
    for count in range(1, 4 * size + 2):
        for window in windows(range(count), size=size, overlap=overlap):
            end = window.start + len(window.frames)
            for frame in window.frames[window.keep]:
                assert frame - window.start >= min(overlap, frame)
                assert end - 1 - frame >= min(overlap, count - 1 - frame)


def test_no_more_windows_than_needed():
    assert len(list(windows(range(8), size=8, overlap=2))) == 1
    assert len(list(windows(range(12), size=8, overlap=2))) == 2
    assert len(list(windows(range(13), size=8, overlap=2))) == 3


def test_frames_are_read_as_they_are_needed():
    read = []

    def frames():
        for index in range(1000):
            read.append(index)
            yield index

    for window in windows(frames(), size=8, overlap=2):
        assert len(read) <= window.start + 2 * 8
    assert len(read) == 1000


def test_an_empty_clip_has_no_windows():
    assert list(windows([], size=8, overlap=2)) == []


@pytest.mark.parametrize(("size", "overlap"), [(4, 2), (0, 0), (3, -1), (1, 1)])
def test_windows_that_would_keep_nothing_are_refused(size, overlap):
    with pytest.raises(ValueError, match="window"):
        list(windows(np.zeros((5, 1, 1, 3)), size=size, overlap=overlap))
