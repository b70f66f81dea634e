"""One frame of one moment comes out for every frame of two."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from odd_media import (
    BT2020,
    colours,
    flagged,
    flat_frame,
    patches_of,
    tags_of,
    write_patches,
)

from bvsrpp_jax.errors import InputError
from bvsrpp_jax.media import open_clip
from bvsrpp_jax.media.deinterlacing import deinterlaced

NAME = Path("in.mpg")


def moments(count: int) -> np.ndarray:
    """[count, 48, 64] uint8: bars that move by three pixels each time."""
    t, y, x = np.mgrid[:count, :48, :64]
    return np.round(128 + 80 * np.sin((x - 3 * t) / 4 + y / 20)).astype(np.uint8)


def grey(picture: np.ndarray, field: str | None = None) -> av.VideoFrame:
    h, w = picture.shape
    codes = np.full((h * 3 // 2, w), 128, np.uint8)
    codes[:h] = picture
    return flagged(av.VideoFrame.from_ndarray(codes, "yuv420p"), field)


def woven(order: str, flag: str | None = None) -> list[av.VideoFrame]:
    """Frames whose first field is of an even moment, whose second of the next."""
    shown = moments(12)
    frames, second = shown[0::2].copy(), shown[1::2]
    line = 1 if order == "tff" else 0
    frames[:, line::2] = second[:, line::2]
    return [grey(picture, flag or order) for picture in frames]


def error(frames: list[av.VideoFrame]) -> float:
    """Mean distance from the even moments, without the first and the last frame."""
    pairs = list(zip(frames, moments(12)[0::2], strict=True))[1:-1]
    return np.mean([np.abs(luma(f) - shown.astype(int)) for f, shown in pairs])


def luma(frame: av.VideoFrame) -> np.ndarray:
    plane = frame.planes[0]
    return np.frombuffer(plane, np.uint8).reshape(plane.height, -1)[:, : plane.width]


def timed(frames):
    return zip(frames, range(0, 3 * len(frames), 3), strict=True)


@pytest.mark.parametrize("field", ["tff", "bff"])
def test_the_second_field_moves_to_the_moment_of_the_first(field):
    def done(flag: str) -> float:
        given = timed(woven(field, flag))
        return error([frame for frame, _ in deinterlaced(given, NAME)])

    other = {"tff": "bff", "bff": "tff"}[field]
    assert done(field) < 0.1 * error(woven(field))
    assert done(other) > 0.5 * error(woven(field))


@pytest.mark.parametrize("count", [1, 2, 6])
def test_as_many_frames_at_the_same_moments(count):
    times = [7, 10, 11, 40, 41, 90][:count]
    given = list(zip(woven("tff"), times, strict=False))
    for frame, time in given:
        frame.duration = time + 1
    done = list(deinterlaced(iter(given), NAME))
    assert [pts for _, pts in done] == times
    assert [frame.duration for frame, _ in done] == [time + 1 for time in times]
    assert not any(frame.interlaced_frame for frame, _ in done)


def test_frames_that_are_not_flagged_pass_as_they_are():
    given = woven("tff")
    given[2:4] = [grey(picture) for picture in moments(2)]
    expected = [luma(frame).copy() for frame in given[2:4]]
    done = [luma(frame) for frame, _ in deinterlaced(timed(given), NAME)]
    np.testing.assert_array_equal(done[2:4], expected)
    assert np.any(done[1] != luma(woven("tff")[1]))


def test_a_clip_without_flags_is_told_so():
    given = [grey(picture) for picture in moments(3)]
    with pytest.warns(UserWarning, match="in.mpg: no frame is flagged as interlaced"):
        assert len(list(deinterlaced(timed(given), NAME))) == 3


def test_a_change_of_size_does_not_reach_the_filter():
    """Its neighbours in time would be read beyond their end."""
    small, large = woven("tff")[:2], grey(np.zeros((96, 128), np.uint8), "tff")
    done = list(deinterlaced(timed([*small, large]), NAME))
    assert [(f.width, f.height) for f, _ in done] == [(64, 48), (64, 48), (128, 96)]


def test_frames_too_small_for_the_filter(tmp_path):
    frame = grey(np.zeros((2, 64), np.uint8), "tff")
    with pytest.raises(InputError, match="in.mpg: cannot be deinterlaced .*Leave out"):
        list(deinterlaced(timed([frame]), NAME))


def test_colours_and_tags_come_through():
    (rgb,) = colours(1)
    given = [flagged(flat_frame(rgb, "yuv420p10le", BT2020), "tff") for _ in range(3)]
    for frame, _ in deinterlaced(timed(given), NAME):
        assert tags_of(frame) == BT2020
        assert frame.format.name == "yuv420p10le"
        assert np.abs(patches_of(frame) - rgb).max() < 0.002


@pytest.mark.parametrize("field", ["tff", "bff"])
def test_a_file_is_refused_by_name_or_deinterlaced_on_request(tmp_path, field):
    path = tmp_path / "in.mkv"
    options = {"flags": "+ilme+ildct", "qscale": "1"}
    write_patches(path, colours(4), codec="mpeg2video", field=field, options=options)
    with pytest.raises(InputError, match="frame 0 is interlaced. Pass --deinterlace"):
        open_clip(path)
    with open_clip(path, deinterlace=True) as clip:
        frames = list(clip)
    assert [frame.pts * clip.info.time_base for frame in frames] == [
        Fraction(i, 25) for i in range(4)
    ]


def test_pictures_are_not_interlaced(tmp_path):
    with pytest.raises(InputError, match="pictures are not interlaced"):
        open_clip(tmp_path, deinterlace=True)
