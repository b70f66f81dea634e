"""Only ordinary, whole video files are opened, and never anything that they name."""

import os
import sys

import av
import numpy as np
import pytest
from media_files import write_video

from bvsrpp_jax.errors import InputError
from bvsrpp_jax.media.container import decodable_video, open_container


def refused(path, *parts):
    with pytest.raises(InputError) as caught:
        decodable_video(open_container(path), path)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert all(part in message for part in parts), message


@pytest.mark.parametrize(
    "content",
    [
        b"a text that is called .mp4\n" * 20,
        b"<!DOCTYPE html><html><body>404</body></html>",
        bytes(range(256)) * 8,
    ],
)
def test_what_is_not_a_video_is_refused(tmp_path, content):
    path = tmp_path / "clip.mp4"
    path.write_bytes(content)
    refused(path, "is not a video that can be read")


def test_missing_empty_and_special_files_are_refused(tmp_path):
    refused(tmp_path / "nowhere.mp4", "cannot be read (No such file or directory)")
    (tmp_path / "empty.mp4").touch()
    refused(tmp_path / "empty.mp4", "is empty")
    os.mkfifo(tmp_path / "pipe.mp4")  # opening it would wait for ever
    refused(tmp_path / "pipe.mp4", "is not an ordinary file")


def test_truncated_files_are_refused_at_once(tmp_path):
    path = write_video(tmp_path / "clip.mkv")
    path.write_bytes(path.read_bytes()[:-200])
    refused(path, "truncated")


@pytest.mark.parametrize(
    "script",
    [
        "ffconcat version 1.0\nfile secret.mp4\n",
        "#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nsecret.mp4\n#EXT-X-ENDLIST\n",
    ],
)
def test_playlists_in_disguise_are_refused(tmp_path, script):
    write_video(tmp_path / "secret.mp4")
    path = tmp_path / "clip.mp4"
    path.write_text(script)
    refused(path, "is not a video")


def test_sound_alone_and_covers_are_no_video(tmp_path):
    write_video(tmp_path / "clip.mkv", tracks=1)
    with (
        av.open(str(tmp_path / "clip.mkv")) as source,
        av.open(str(tmp_path / "sound.mkv"), "w") as output,
    ):
        sound = source.streams.audio[0]
        copy = output.add_stream_from_template(sound)
        for packet in source.demux(sound):
            if packet.size:
                packet.stream = copy
                output.mux(packet)
    refused(tmp_path / "sound.mkv", "has no video stream")

    with av.open(str(tmp_path / "cover.mp4"), "w") as output:
        cover = output.add_stream("mjpeg", rate=1, width=16, height=16)
        cover.pix_fmt = "yuvj420p"
        cover.disposition = av.stream.Disposition.attached_pic
        grey = np.full((16, 16, 3), 99, np.uint8)
        output.mux(cover.encode(av.VideoFrame.from_ndarray(grey, "rgb24")))
        output.mux(cover.encode(None))
    refused(tmp_path / "cover.mp4", "has no video stream")


@pytest.mark.parametrize(
    "name",
    [
        "-i.mp4",
        "a; touch PWNED;.mp4",
        "%d.mp4",
        "two\nlines.mp4",
        "http:x.mp4",
        "concat:a|b.mp4",
        "*?[1].mp4",
        "{}.mp4",
        pytest.param(
            os.fsdecode(b"\xff\xfe.mp4"),
            marks=pytest.mark.skipif(sys.platform != "linux", reason="bytes in names"),
        ),
    ],
)
def test_names_are_only_names(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    path = write_video(tmp_path / "plain.mp4").rename(tmp_path / name)
    with open_container(path.relative_to(tmp_path)) as container:
        assert decodable_video(container, path).width == 64
    assert os.listdir(tmp_path) == [name]
