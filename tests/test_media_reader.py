"""Frames as they are meant to be seen: upright, in true colour, all of one size."""

from fractions import Fraction

import numpy as np
import pytest
from media_files import FULL, LIMITED, pictures, write_video

from bvsrpp_jax.errors import InputError
from bvsrpp_jax.media.color import BT601, BT709, BT2020, RGB, Color, assumed
from bvsrpp_jax.media.reader import VideoReader


def read(path, **part):
    with VideoReader(path, **part) as reader:
        return reader.info, list(reader)


@pytest.mark.parametrize("count", [1, 2, 5])
def test_every_frame_comes(tmp_path, count):
    info, frames = read(write_video(tmp_path / "clip.mp4", pictures(count)))
    assert (info.width, info.height, info.num_frames) == (64, 48, count)
    assert [frame.pts * info.time_base for frame in frames] == [
        Fraction(i, 25) for i in range(count)
    ]
    error = np.abs(frames[0].pixels.astype(int) - pictures(1)[0])
    assert error.mean() < 6  # coded by x264


@pytest.mark.parametrize("suffix", ["mp4", "mkv"])
def test_a_frame_lasts_until_the_next(tmp_path, suffix):
    """Whatever the packets say, which are in another order."""
    pts = [0, 40, 90, 400, 960]
    path = write_video(
        tmp_path / f"clip.{suffix}", pts=pts, time_base=Fraction(1, 1000)
    )
    info, frames = read(path)
    lengths = [frame.duration * info.time_base for frame in frames[:-1]]
    assert lengths == [Fraction(ms, 1000) for ms in (40, 50, 310, 560)]


@pytest.mark.parametrize("size", [(1, 1), (63, 47), (65, 48)])
def test_odd_sizes(tmp_path, size):
    width, height = size
    frames = pictures(2, width=width, height=height)
    path = write_video(tmp_path / "clip.mkv", frames, codec="ffv1", pix_fmt="yuv444p")
    assert read(path)[1][0].pixels.shape == (height, width, 3)


@pytest.mark.parametrize("rotation", [(90,), (180,), (-90,), (0, True), (90, True)])
def test_frames_are_turned_upright(tmp_path, rotation):
    lossless = {"codec": "libx264", "codec_options": {"qp": "0"}, "pix_fmt": "yuv444p"}
    plain = read(write_video(tmp_path / "plain.mp4", **lossless))[1]
    aspect = Fraction(4, 3)
    path = write_video(
        tmp_path / "turned.mp4", rotation=rotation, aspect=aspect, **lossless
    )
    info, frames = read(path)
    degrees, mirrored = (*rotation, False)[:2]
    wanted = np.rot90(plain[0].pixels, degrees // 90)  # counter-clockwise
    wanted = wanted[:, ::-1] if mirrored else wanted
    np.testing.assert_array_equal(frames[0].pixels, wanted)
    assert (info.height, info.width) == wanted.shape[:2]
    sideways = degrees % 180 != 0
    assert info.sample_aspect_ratio == (1 / aspect if sideways else aspect)


@pytest.mark.parametrize(
    "color", [(BT709, LIMITED, 1, 1), (BT601, FULL, 6, 6), (BT2020, LIMITED, 9, 16)]
)
def test_tags_decide_how_codes_are_read(tmp_path, color):
    flat = np.full((2, 48, 64, 3), (200, 120, 40), np.uint8)
    path = write_video(
        tmp_path / "clip.mkv", flat, color=color, codec="ffv1", pix_fmt="yuv444p"
    )
    info, frames = read(path)
    matrix, range_, primaries, transfer = color
    assert info.color == Color(matrix, range_ == FULL, primaries, transfer)
    assert np.abs(frames[0].pixels.astype(int) - (200, 120, 40)).max() <= 2


@pytest.mark.parametrize(("lines", "matrix"), [(48, BT601), (720, BT709)])
def test_missing_tags_are_assumed_from_the_height(tmp_path, lines, matrix):
    flat = np.full((1, lines, 32, 3), (200, 60, 40), np.uint8)
    tagged = (matrix, LIMITED, 2, 2)
    kind = {"codec": "ffv1", "pix_fmt": "yuv444p"}
    path = write_video(tmp_path / "tagged.avi", flat, color=tagged, **kind)
    info, frames = read(path)  # AVI has no place for tags
    assert info.color == assumed(lines)
    assert np.abs(frames[0].pixels.astype(int) - (200, 60, 40)).max() <= 2


def test_ten_bits_are_read_as_sixteen(tmp_path):
    path = write_video(tmp_path / "clip.mp4", codec="libx265", pix_fmt="yuv420p10le")
    info, frames = read(path)
    assert info.deep
    assert frames[0].pixels.dtype == info.dtype == np.uint16
    assert frames[0].pixels.max() > 40000


def test_rgb_video(tmp_path):
    info, frames = read(write_video(tmp_path / "rgb.mkv", codec="ffv1", pix_fmt="bgra"))
    assert info.color.matrix == RGB
    np.testing.assert_array_equal(frames[4].pixels, pictures()[4])


def test_excerpts_start_at_time_zero(tmp_path):
    path = write_video(tmp_path / "clip.mp4", pictures(50), tracks=1)
    info, frames = read(path, start=Fraction("0.99"), duration=Fraction("0.2"))
    assert [frame.pts * info.time_base for frame in frames] == [
        Fraction(i, 25) for i in range(5)
    ]
    assert info.num_frames == 5
    whole = read(path)[1]
    np.testing.assert_array_equal(frames[0].pixels, whole[25].pixels)
    with VideoReader(path, start=Fraction(1), duration=Fraction(1, 5)) as reader:
        assert reader.excerpt == (1, Fraction(6, 5))


def test_an_excerpt_after_the_end_is_an_error(tmp_path):
    path = write_video(tmp_path / "clip.mp4")
    with pytest.raises(InputError, match="no frame is left from 9 s on"):
        VideoReader(path, start=Fraction(9))


def test_a_change_of_size_names_frame_and_sizes(tmp_path):
    first = write_video(tmp_path / "a.h264", pictures(3))
    second = write_video(tmp_path / "b.h264", pictures(3, width=96, height=64))
    path = tmp_path / "both.h264"
    path.write_bytes(first.read_bytes() + second.read_bytes())
    with pytest.raises(InputError, match=r"frame 3 has 96x64 .* before it 64x48"):
        read(path)


def test_interlaced_video_is_refused_by_name(tmp_path):
    options = {"x264-params": "interlaced=1"}
    path = write_video(tmp_path / "clip.mp4", codec_options=options)
    with pytest.raises(InputError, match="frame 0 is interlaced"):
        read(path)


def test_matrices_that_are_not_linear_are_refused(tmp_path):
    path = write_video(tmp_path / "clip.mp4", codec_options={"colorspace": "bt2020c"})
    with pytest.raises(InputError, match="colour matrix 10"):
        read(path)
