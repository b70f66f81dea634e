"""Truncated files are recognised before anything is decoded."""

import pytest
from media_files import write_video

from bvsrpp_jax.errors import InputError
from bvsrpp_jax.media import integrity
from bvsrpp_jax.media.integrity import check_whole

KINDS = {
    "mp4": {},
    "fast.mp4": {"muxer_options": {"movflags": "faststart"}},
    "fragmented.mp4": {"muxer_options": {"movflags": "frag_keyframe+empty_moov"}},
    "mov": {},
    "mkv": {},
    "webm": {"codec": "libvpx-vp9"},
    "avi": {"codec": "mpeg4"},
}


@pytest.mark.parametrize("kind", KINDS)
def test_whole_files_pass_and_cut_ones_do_not(tmp_path, kind):
    path = write_video(tmp_path / f"clip.{kind}", **KINDS[kind])
    check_whole(path)
    whole = path.read_bytes()
    for share in (0.5, 0.9):
        path.write_bytes(whole[: int(share * len(whole))])
        with pytest.raises(InputError, match=r"clip.*: truncated: the file has \d+"):
            check_whole(path)


def test_streams_of_unknown_length_pass(tmp_path):
    options = {"live": "1"}
    path = write_video(tmp_path / "live.mkv", muxer_options=options)
    path.write_bytes(path.read_bytes()[:-100])
    check_whole(path)


def test_bytes_after_the_end_do_not_matter(tmp_path):
    path = write_video(tmp_path / "clip.mp4")
    path.write_bytes(path.read_bytes() + b"\0" * 50)
    check_whole(path)


@pytest.mark.parametrize("size", [1 << 63, (1 << 64) - 1])
def test_boxes_that_end_beyond_all_files_are_cut(tmp_path, size):
    path = tmp_path / "clip.mp4"
    path.write_bytes(b"\0\0\0\1mdat" + size.to_bytes(8, "big"))
    with pytest.raises(InputError, match=f"its header promises {size}"):
        check_whole(path)


def test_a_file_of_boxes_alone_is_left_to_the_demuxer(tmp_path, monkeypatch):
    monkeypatch.setattr(integrity, "_MOST_BOXES", 100)
    path = tmp_path / "clip.mp4"
    path.write_bytes(200 * b"\0\0\0\x08moov" + b"\0\0\1\0moov")
    check_whole(path)


@pytest.mark.parametrize("content", [b"\x1a\x45\xdf\xa3", b"RIFF", b"\0\0\0\x08moov"])
def test_headers_without_a_body_pass_to_the_demuxer(tmp_path, content):
    path = tmp_path / "stub"
    path.write_bytes(content)
    check_whole(path)
