"""Video files are complete, tagged as they are coded, and appear at the end."""

import os
import resource
from dataclasses import replace
from fractions import Fraction

import av
import numpy as np
import pytest
from media_files import INFO, pictures, read_frames, seconds

from bvsrpp_jax.errors import InputError
from bvsrpp_jax.media.clip import Frame
from bvsrpp_jax.media.color import BT709, BT2020, Color
from bvsrpp_jax.media.pixels import to_rgb
from bvsrpp_jax.media.writer import VideoWriter


def write(path, frames=None, info=INFO, pts=None, **settings):
    frames = pictures() if frames is None else frames
    with VideoWriter(path, info, **settings) as writer:
        for time, pixels in zip(pts or range(len(frames)), frames, strict=True):
            writer.write(Frame(pixels, time))
        writer.commit()
    return path


def files(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("suffix", ["mp4", "m4v", "mov", "mkv", "webm"])
def test_every_container(tmp_path, suffix):
    path = write(tmp_path / f"out.{suffix}")
    frames = read_frames(path)
    assert len(frames) == 5
    error = np.abs(to_rgb(frames[2], INFO.color).astype(int) - pictures()[2])
    assert error.mean() < 4


@pytest.mark.parametrize(("suffix", "resolution"), [("mp4", 1), ("mkv", 1)])
def test_variable_timestamps_are_kept(tmp_path, suffix, resolution):
    pts = [0, 40, 90, 400, 960]
    info = replace(INFO, time_base=Fraction(1, 1000))
    path = write(tmp_path / f"out.{suffix}", info=info, pts=pts)
    assert seconds(path) == [Fraction(p, 1000) for p in pts]


@pytest.mark.parametrize("suffix", ["mp4", "mkv"])
@pytest.mark.parametrize(
    "color",
    [Color(BT709, False, 1, 1), Color(6, True, 6, 6), Color(BT2020, False, 9, 16)],
)
def test_tags_say_what_the_codes_are(tmp_path, color, suffix):
    flat = np.full((3, 48, 64, 3), (200, 120, 40), np.uint8)
    path = write(tmp_path / f"out.{suffix}", flat, replace(INFO, color=color), crf=1)
    frame = read_frames(path)[1]
    assert int(frame.colorspace) == color.matrix
    assert int(frame.color_range) == (2 if color.full_range else 1)
    assert int(frame.color_primaries) == color.primaries
    assert int(frame.color_trc) == color.transfer
    assert np.abs(to_rgb(frame, color).astype(int) - (200, 120, 40)).max() <= 3


@pytest.mark.parametrize("codec", ["libx264", "libx265", "libsvtav1", "ffv1"])
def test_deep_frames_keep_ten_bits(tmp_path, codec):
    ramp = np.linspace(0, 65535, 256).astype(np.uint16)
    frames = np.broadcast_to(ramp[None, None, :, None], (3, 64, 256, 3))
    info = replace(INFO, width=256, height=64, deep=True)
    path = write(tmp_path / "out.mkv", frames, info, codec=codec)
    frame = read_frames(path)[0]
    assert frame.format.name == "yuv420p10le"
    assert len(np.unique(to_rgb(frame, INFO.color)[32, :, 1])) > 230


@pytest.mark.parametrize("size", [(63, 47), (64, 47), (63, 48), (1, 1)])
def test_odd_sizes_keep_every_pixel(tmp_path, size):
    width, height = size
    info = replace(INFO, width=width, height=height)
    path = write(tmp_path / "out.mp4", pictures(2, width=width, height=height), info)
    frame = read_frames(path)[0]
    assert (frame.width, frame.height) == size


def test_pixel_aspect_is_kept(tmp_path):
    info = replace(INFO, sample_aspect_ratio=Fraction(4, 3))
    with av.open(str(write(tmp_path / "out.mp4", info=info))) as container:
        aspect = container.streams.video[0].sample_aspect_ratio
        assert Fraction(aspect.numerator, aspect.denominator) == Fraction(4, 3)


@pytest.mark.parametrize(
    ("name", "codec"),
    [
        ("out.mp4", "hevc"),
        ("out.mov", "hevc"),
        ("out.mkv", "hevc"),
        ("out.webm", "av1"),
    ],
)
def test_deep_frames_take_a_codec_that_players_show(tmp_path, name, codec):
    frames = np.full((2, 48, 64, 3), 30000, np.uint16)
    path = write(tmp_path / name, frames, replace(INFO, deep=True))
    with av.open(str(path)) as container:
        context = container.streams.video[0].codec_context
        assert context.codec.canonical_name == codec
        assert context.pix_fmt == "yuv420p10le"


@pytest.mark.parametrize(
    ("codec", "pixel_format"),
    [
        ("libx264", "yuv444p"),
        ("libx264", "yuv422p10le"),
        ("libx264", "nv12"),
        (None, "yuv420p10le"),
        ("libx265", "yuv420p12le"),
        ("ffv1", "yuv444p16le"),
        ("prores_ks", "yuv422p10le"),
    ],
)
def test_any_pixel_format_of_the_encoder(tmp_path, codec, pixel_format):
    """A flat colour comes back to a code of eight bits."""
    flat = np.full((2, 48, 64, 3), (200, 120, 40), np.uint8)
    settings = {"codec": codec, "pixel_format": pixel_format}
    frame = read_frames(write(tmp_path / "out.mkv", flat, **settings))[0]
    if codec != "libx264" or pixel_format != "nv12":  # the same samples once coded
        assert frame.format.name == pixel_format
    rgb = to_rgb(frame, INFO.color)
    peak = np.iinfo(rgb.dtype).max / 255
    assert np.abs(rgb / peak - (200, 120, 40)).max() < 2.5


def test_eight_bits_of_deep_frames_on_request(tmp_path):
    frames = np.full((2, 48, 64, 3), 30000, np.uint16)
    info = replace(INFO, deep=True)
    path = write(tmp_path / "out.mp4", frames, info, pixel_format="yuv420p")
    with av.open(str(path)) as container:
        assert container.streams.video[0].codec_context.name == "h264"
    rgb = to_rgb(read_frames(path)[0], INFO.color)
    assert np.abs(rgb - 30000 / 257).max() < 2


@pytest.mark.parametrize("count", [1, 2, 3])
@pytest.mark.parametrize("codec", ["libx264", "libx265", "libsvtav1", "ffv1"])
def test_decoding_times_of_few_frames_are_sound(tmp_path, codec, count):
    """Of one or two x265 makes them up now and then, so each is tried often."""
    for _ in range(8 if codec == "libx265" else 1):
        path = write(tmp_path / "out.mp4", pictures(count), codec=codec)
        assert seconds(path) == [Fraction(i, 25) for i in range(count)]
        with av.open(str(path)) as container:
            assert container.duration == 40_000 * count


def test_the_last_frame_lasts(tmp_path):
    with VideoWriter(tmp_path / "out.mkv", INFO) as writer:
        for time, duration in [(0, 1), (1, 40)]:
            writer.write(Frame(pictures()[time], time, duration))
        writer.commit()
    with av.open(str(tmp_path / "out.mkv")) as container:
        assert container.duration == 1_640_000


def test_quality_follows_crf(tmp_path):
    good, bad = (write(tmp_path / f"{crf}.mp4", crf=crf) for crf in (1, 51))
    assert good.stat().st_size > 2 * bad.stat().st_size


@pytest.mark.parametrize(
    ("name", "settings", "message"),
    [
        ("out.xyz", {}, "out.xyz: no output format has the suffix '.xyz'"),
        ("out.mp4", {"codec": "h266"}, "codec h266: not a video encoder"),
        ("out.mp4", {"codec": "aac"}, "codec aac: not a video encoder"),
        ("out.mp4", {"codec": "mjpeg2000"}, "codec mjpeg2000: not"),
        ("out.mkv", {"codec": "ffv1", "crf": 3}, "crf: ffv1 has no such setting"),
        ("out.mp4", {"pixel_format": "yuv9"}, "pixel format yuv9: there is none"),
        ("out.mp4", {"pixel_format": "rgb24"}, "rgb24: is not Y'CbCr of 8 to 16"),
        ("out.mp4", {"pixel_format": "yuvj420p"}, "yuvj420p: is not Y'CbCr"),
        ("out.mp4", {"pixel_format": "gray"}, "gray: is not Y'CbCr"),
        ("out.mp4", {"pixel_format": "yuva420p"}, "yuva420p: is not Y'CbCr"),
        (
            "out.mkv",
            {"codec": "libsvtav1", "pixel_format": "yuv444p"},
            "yuv444p: libsvtav1 has none of that name. It has yuv420p yuv420p10le",
        ),
        ("out.mkv", {"codec": "gif", "pixel_format": "yuv420p"}, "has none of use"),
        ("out.mp4", {"crf": -1}, "crf: -1 is out of range. libx264 takes 0 .* 51"),
        ("out.mp4", {"crf": 52}, "crf: 52 is out of range"),
        ("out.mp4", {"codec": "libx265", "crf": 64}, "crf: 64 is out of range"),
        ("out.webm", {"codec": "libx264"}, "out.webm: .webm cannot hold what libx264"),
        ("out.mkv", {"codec": "gif"}, "codec gif: cannot encode"),
        ("no/out.mp4", {}, "no/out.mp4: cannot be written here"),
    ],
)
def test_settings_that_cannot_be(tmp_path, name, settings, message):
    with pytest.raises(InputError, match=message):
        VideoWriter(tmp_path / name, INFO, **settings)
    assert files(tmp_path) == []


def test_a_sampling_that_does_not_divide_the_size_is_refused(tmp_path):
    info = replace(INFO, width=63)
    with pytest.raises(InputError, match="yuv422p: cannot hold 63x48 .* 2 and 1. Use"):
        VideoWriter(tmp_path / "out.mp4", info, pixel_format="yuv422p")
    assert files(tmp_path) == []


def test_settings_that_the_encoder_refuses(tmp_path):
    info = replace(INFO, width=20000, height=20000)
    with pytest.raises(InputError, match="out.mkv: libsvtav1 refuses these settings"):
        VideoWriter(tmp_path / "out.mkv", info, codec="libsvtav1")
    assert files(tmp_path) == []


def test_the_name_appears_with_commit_and_never_otherwise(tmp_path):
    path = tmp_path / "out.mp4"
    path.write_bytes(b"an earlier one")
    with VideoWriter(path, INFO) as writer:
        writer.write(Frame(pictures()[0], 0))
        assert path.read_bytes() == b"an earlier one"
    assert path.read_bytes() == b"an earlier one"
    assert files(tmp_path) == ["out.mp4"]
    write(path)
    assert len(read_frames(path)) == 5
    assert files(tmp_path) == ["out.mp4"]


def test_the_file_is_on_the_disk_before_it_has_its_name(tmp_path, monkeypatch):
    events = []
    fsync, replace_ = os.fsync, os.replace
    monkeypatch.setattr(os, "fsync", lambda fd: (events.append("fsync"), fsync(fd)))
    monkeypatch.setattr(
        os, "replace", lambda *names: (events.append("rename"), replace_(*names))
    )
    write(tmp_path / "out.mp4")
    assert events == ["fsync", "rename", "fsync"]  # the last one is of the folder


@pytest.mark.parametrize("limit", [100, 4000, 40000])
def test_a_full_disk_is_told_and_leaves_nothing(tmp_path, limit):
    noise = np.random.default_rng(0).integers(0, 256, (12, 48, 64, 3), np.uint8)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
    try:
        with pytest.raises(InputError, match=r"out.mp4: .* \(File too large\)"):
            write(tmp_path / "out.mp4", noise, crf=1)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert files(tmp_path) == []
