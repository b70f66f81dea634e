"""What may be written where, before anything is."""

import os

import pytest

from bvsrpp_jax.errors import InputError
from bvsrpp_jax.media.outputs import check_output


@pytest.fixture
def source(tmp_path):
    (tmp_path / "in.mp4").write_bytes(b"in")
    return tmp_path / "in.mp4"


def refused(path, source, message, *, overwrite=False):
    with pytest.raises(InputError, match=message):
        check_output(path, source=source, overwrite=overwrite)


def test_a_new_name_is_fine(tmp_path, source):
    check_output(tmp_path / "out.mp4", source=source, overwrite=False)


def test_an_existing_file_needs_permission(tmp_path, source):
    (tmp_path / "out.mp4").touch()
    refused(tmp_path / "out.mp4", source, "out.mp4: exists. .*--overwrite")
    check_output(tmp_path / "out.mp4", source=source, overwrite=True)


@pytest.mark.parametrize("link", [os.link, os.symlink])
def test_the_input_is_never_the_output(tmp_path, source, link):
    link(source, tmp_path / "same.mp4")
    for name in ("in.mp4", "same.mp4"):
        refused(tmp_path / name, source, "is the input", overwrite=True)


def test_a_folder_must_be_there(tmp_path, source):
    refused(tmp_path / "no" / "out.mp4", source, "there is no folder .*no")
    refused(source / "out.mp4", source, "there is no folder")


def test_only_ordinary_files_are_replaced(tmp_path, source):
    os.mkfifo(tmp_path / "pipe.mp4")
    refused(tmp_path / "pipe.mp4", source, "not an ordinary file", overwrite=True)


def test_folders_with_other_things_are_never_replaced(tmp_path, source):
    out = tmp_path / "out"
    out.mkdir()
    check_output(out, source=source, overwrite=False)
    (out / "00000000.png").touch()
    refused(out, source, "exists and is not empty")
    check_output(out, source=source, overwrite=True)
    (out / "diary.txt").touch()
    refused(out, source, "holds 'diary.txt'", overwrite=True)
