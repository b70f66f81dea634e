"""The preparation refuses what is kept out, missing or changed."""

import hashlib

import av
import numpy as np
import pytest
from PIL import Image

from bvsrpp_jax.data.lite_sources import SOURCES, Source, check_not_kept_out
from bvsrpp_jax.data.prepare_lite import decode, main, prepare, shrink
from bvsrpp_jax.errors import InputError


def source(path, **options):
    fields = {"package": "none", "licence": "none", "sha256": "0", **options}
    return Source("name", str(path), **fields)


@pytest.mark.parametrize("entry", SOURCES, ids=lambda entry: entry.name)
def test_no_source_is_kept_out_and_all_are_documented(entry):
    check_not_kept_out(entry)
    assert len(entry.sha256) == 64
    assert entry.package
    assert entry.licence


@pytest.mark.parametrize(
    "path",
    ["EveningGlow/a.jpg", "Grey/a.jpg", "Path/a.jpg", "nature/Dune.jpg",
     "bigbuckbunny.mp4", "carphone_pristine.mp4"],
)  # fmt: skip
def test_kept_out_files_are_refused_by_name(path):
    with pytest.raises(InputError, match="kept out"):
        check_not_kept_out(source(path))


@pytest.mark.parametrize("frames", [(0, 117), (120, 140), None])
def test_kept_out_frames_are_refused(frames):
    with pytest.raises(InputError, match="from 116 on"):
        check_not_kept_out(source("cityCC0.mpg", frames=frames))


def test_a_validation_clip_is_never_trained_on():
    (held_out,) = [entry for entry in SOURCES if entry.split == "validation"]
    assert held_out.name == "vtest"


def write_video(path, count):
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=10)
        stream.width, stream.height, stream.pix_fmt = 32, 32, "bgr0"
        for value in range(count):
            picture = np.full((32, 32, 3), 10 * value, np.uint8)
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())


def test_decode_takes_the_range_and_no_more(tmp_path):
    write_video(tmp_path / "a.mkv", 6)
    frames = decode(tmp_path / "a.mkv", (2, 5))
    np.testing.assert_array_equal(frames[:, 0, 0, 0], [20, 30, 40])
    with pytest.raises(InputError, match="ends at frame 6, before 9"):
        decode(tmp_path / "a.mkv", (2, 9))


def test_prepare_writes_photographs_and_clips(tmp_path):
    write_video(tmp_path / "a.mkv", 4)
    Image.new("RGB", (800, 700), (9, 8, 7)).save(tmp_path / "b.png")
    digests = {
        name: hashlib.sha256((tmp_path / name).read_bytes()).hexdigest()
        for name in ("a.mkv", "b.png")
    }
    video = source("a.mkv", sha256=digests["a.mkv"], factors=(0.5,), frames=(1, 3))
    # A third of 700 is too small for the camera and left out.
    photograph = source("b.png", sha256=digests["b.png"], factors=(1 / 2, 1 / 3))
    written = prepare(tmp_path, tmp_path / "out", (video, photograph))
    names = [str(path.relative_to(tmp_path / "out")) for path in written]
    assert names == ["train/clips/name_50.npy", "train/photographs/name_50.npy"]
    assert np.load(written[0]).shape == (2, 16, 16, 3)
    assert (np.load(written[1]) == (9, 8, 7)).all()


def test_another_file_of_the_same_name_is_refused(tmp_path):
    (tmp_path / "a.jpg").write_bytes(b"other")
    with pytest.raises(InputError, match="sha256"):
        prepare(tmp_path, tmp_path / "out", (source("a.jpg"),))
    assert not (tmp_path / "out").exists()


def test_a_missing_file_is_one_line_and_exit_2(tmp_path, capsys):
    assert main(["--source", str(tmp_path), "--output", str(tmp_path / "out")]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_shrink_rounds_and_clips():
    edge = np.zeros((8, 8, 3), np.uint8)
    edge[:, 4:] = 255  # bicubic overshoots on both sides
    half = shrink(edge, 1 / 2)
    assert half.dtype == np.uint8
    assert half[0, 0, 0] == 0
    assert half[0, 3, 0] == 255
