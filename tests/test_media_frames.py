"""Folders of pictures as clips."""

from fractions import Fraction

import numpy as np
import pytest
from media_files import pictures

from bvsrpp_jax.errors import InputError
from bvsrpp_jax.media.clip import Frame
from bvsrpp_jax.media.frames import OnePictureWriter, PictureReader, PictureWriter
from bvsrpp_jax.media.pictures import encode_png, read_picture


def folder(path, frames):
    path.mkdir()
    for index, pixels in enumerate(frames):
        (path / f"{index}.png").write_bytes(encode_png(pixels))
    return path


def test_pictures_follow_at_the_given_rate(tmp_path):
    path = folder(tmp_path / "in", pictures(12))
    reader = PictureReader(path, rate=Fraction(30000, 1001))
    frames = list(reader)
    np.testing.assert_array_equal([frame.pixels for frame in frames], pictures(12))
    assert [frame.pts for frame in frames] == list(range(12))
    assert reader.info.time_base == Fraction(1001, 30000)
    assert (reader.info.width, reader.info.height) == (64, 48)
    assert reader.info.num_frames == 12


def test_excerpts(tmp_path):
    path = folder(tmp_path / "in", pictures(10))
    part = PictureReader(path, start=Fraction("0.1"), duration=Fraction("0.12"))
    frames = list(part)  # 25 a second: 0.12 s, 0.16 s, 0.20 s
    np.testing.assert_array_equal([f.pixels for f in frames], pictures(10)[3:6])
    assert [frame.pts for frame in frames] == [0, 1, 2]
    with pytest.raises(InputError, match="no picture is left from 2 s on"):
        PictureReader(path, start=Fraction(2))


@pytest.mark.parametrize(
    "other", [pictures(1, width=63)[0], pictures(1)[0].astype(np.uint16)]
)
def test_the_odd_one_out_is_named(tmp_path, other):
    path = folder(tmp_path / "in", [*pictures(2), other])
    with pytest.raises(InputError, match=r"2.png: .* but 0.png is 64x48 of 8 bits"):
        list(PictureReader(path))


def test_one_picture_is_a_clip(tmp_path):
    path = folder(tmp_path / "in", pictures(1))
    reader = PictureReader(path / "0.png")
    assert reader.info.num_frames == len(list(reader)) == 1


def test_frames_become_numbered_pictures_when_all_are_there(tmp_path):
    with PictureWriter(tmp_path / "out") as writer:
        for pts, pixels in enumerate(pictures(3)):
            writer.write(Frame(pixels, 7 * pts))
        assert not (tmp_path / "out").exists()
        writer.commit()
    assert [p.name for p in tmp_path.iterdir()] == ["out"]
    names = sorted(p.name for p in (tmp_path / "out").iterdir())
    assert names == ["00000000.png", "00000001.png", "00000002.png"]
    last = read_picture(tmp_path / "out" / names[2])
    np.testing.assert_array_equal(last, pictures(3)[2])


def test_a_folder_without_commit_leaves_nothing(tmp_path):
    with PictureWriter(tmp_path / "out") as writer:
        writer.write(Frame(pictures(1)[0], 0))
    assert list(tmp_path.iterdir()) == []


def test_an_earlier_folder_is_replaced_whole(tmp_path):
    for count in (3, 1):
        with PictureWriter(tmp_path / "out") as writer:
            for pixels in pictures(count):
                writer.write(Frame(pixels, 0))
            writer.commit()
    assert [p.name for p in tmp_path.iterdir()] == ["out"]
    assert [p.name for p in (tmp_path / "out").iterdir()] == ["00000000.png"]


def test_one_picture_out(tmp_path):
    with OnePictureWriter(tmp_path / "out.png") as writer:
        writer.write(Frame(pictures(1)[0], 0))
        writer.commit()
    np.testing.assert_array_equal(read_picture(tmp_path / "out.png"), pictures(1)[0])
    with OnePictureWriter(tmp_path / "second.png") as writer:
        writer.write(Frame(pictures(1)[0], 0))
        with pytest.raises(InputError, match="second.png: a picture holds one frame"):
            writer.write(Frame(pictures(1)[0], 1))
    assert [p.name for p in tmp_path.iterdir()] == ["out.png"]
