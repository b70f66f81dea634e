"""Files and folders appear complete or not at all."""

import os

import pytest

from bvsrpp_jax.partial import PartialFile, PartialFolder, write_whole


def test_an_old_file_stays_until_the_new_one_is_complete(tmp_path):
    target = tmp_path / "file"
    write_whole(target, b"old")
    with PartialFile(target) as partial:
        partial.handle.write(b"new")  # and never published
    assert target.read_bytes() == b"old"
    write_whole(target, b"new")
    assert target.read_bytes() == b"new"
    assert os.listdir(tmp_path) == ["file"]


def test_a_file_that_cannot_take_its_name_is_removed(tmp_path):
    partial = PartialFile(tmp_path / "out.mp4")
    (tmp_path / "out.mp4").mkdir()  # appears meanwhile
    with pytest.raises(OSError, match="directory"):
        partial.publish()
    partial.discard()
    assert os.listdir(tmp_path) == ["out.mp4"]


def test_an_earlier_folder_comes_back_when_its_replacement_fails(tmp_path):
    target = tmp_path / "out"
    target.mkdir()
    (target / "00000000.png").touch()
    partial = PartialFolder(target)
    partial.path.rmdir()  # so that it cannot take the name
    with pytest.raises(FileNotFoundError):
        partial.publish()
    partial.discard()
    assert os.listdir(tmp_path) == ["out"]
    assert os.listdir(target) == ["00000000.png"]


@pytest.mark.parametrize("kind", [PartialFile, PartialFolder])
def test_another_folder_may_hold_it_meanwhile(tmp_path, kind):
    work = tmp_path / "work"
    work.mkdir()
    partial = kind(tmp_path / "out", work)
    assert len(list(work.iterdir())) == 1
    assert list(tmp_path.iterdir()) == [work]
    partial.publish()
    assert (tmp_path / "out").exists()
    assert list(work.iterdir()) == []
