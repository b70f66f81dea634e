"""Segments joined are the clip: every packet, every timestamp, in any container."""

import os
import platform
import random
import resource
import subprocess
import sys
from dataclasses import replace
from fractions import Fraction
from functools import partial
from pathlib import Path

import av
import numpy as np
import pytest
from media_files import INFO, pictures, read_frames, seconds, write_video

from bvsrpp_jax.errors import InputError
from bvsrpp_jax.media.clip import Frame
from bvsrpp_jax.media.frames import OnePictureWriter, PictureWriter
from bvsrpp_jax.media.pictures import read_picture
from bvsrpp_jax.media.pixels import to_rgb
from bvsrpp_jax.media.segments import (
    Damaged,
    decoding_times,
    read_seal,
    segment_name,
)
from bvsrpp_jax.media.writer import VideoWriter

CLIP = replace(INFO, time_base=Fraction(1, 1000), num_frames=20)
UNEVEN = [40 * i + (i % 3) * 9 for i in range(20)]
ENCODERS = [
    ("mp4", "libx264"),
    ("mkv", "libx264"),
    ("mp4", "libx265"),
    ("mov", "libx265"),
    ("webm", "libvpx-vp9"),
    ("mp4", "libsvtav1"),
    ("mkv", "libsvtav1"),
    ("mkv", "ffv1"),
]


def frames(first=0, last=20, pts=UNEVEN):
    shown = pictures(20)
    return [Frame(shown[i], pts[i]) for i in range(first, last)]


def cut(folder, writer, cuts=(0, 1, 9, 20), job="job"):
    """Writes frames 0 to 20 in segments."""
    segments = writer.segments(threads=2)
    paths = []
    for first, last in zip(cuts, cuts[1:], strict=False):
        path = folder / segment_name(first)
        segments.write(path, frames(first, last), job=job, first=first)
        paths.append(path)
    return paths


def joined(path, info=CLIP, cuts=(0, 1, 9, 20), **settings):
    with VideoWriter(path, info, threads=2, **settings) as writer:
        paths = cut(path.parent, writer, cuts)
        writer.join(paths)
        writer.commit()
    return path, paths


def coded(path):
    """(timestamp, decoding time, duration, key, bytes) of every packet of a file."""
    with av.open(str(path)) as container:
        return [
            (packet.pts, packet.dts, packet.duration, packet.is_keyframe, bytes(packet))
            for packet in container.demux(video=0)
            if packet.size
        ]


@pytest.mark.parametrize(("suffix", "codec"), ENCODERS)
def test_joined_segments_are_one_clip(tmp_path, suffix, codec):
    path, paths = joined(tmp_path / f"out.{suffix}", codec=codec)
    packets = coded(path)
    alone = []
    for part in paths:  # muxers change packets, each in their own way
        with VideoWriter(tmp_path / f"0.{suffix}", CLIP, codec=codec) as writer:
            writer.join([part])
            writer.commit()
        alone += coded(tmp_path / f"0.{suffix}")
    assert [packet[3:] for packet in packets] == [packet[3:] for packet in alone]
    assert seconds(path) == [Fraction(time, 1000) for time in UNEVEN]
    timed = [packet[:2] for packet in packets if packet[1] is not None]  # not in mkv
    assert [dts for _, dts in timed] == sorted({dts for _, dts in timed})
    assert all(dts <= pts for pts, dts in timed)
    for picture, frame in zip(pictures(20), read_frames(path), strict=True):
        assert np.abs(to_rgb(frame, CLIP.color).astype(int) - picture).mean() < 4


@pytest.mark.parametrize(("suffix", "codec"), ENCODERS)
def test_one_segment_is_the_file_that_is_written_at_once(tmp_path, suffix, codec):
    path, _ = joined(tmp_path / f"out.{suffix}", cuts=(0, 20), codec=codec)
    whole = tmp_path / f"whole.{suffix}"
    with VideoWriter(whole, CLIP, codec=codec, threads=2) as writer:
        for frame in frames():
            writer.write(frame)
        writer.commit()
    assert coded(path) == coded(whole)


def test_the_sound_is_laid_beside_the_segments(tmp_path):
    source = write_video(tmp_path / "in.mp4", tracks=1, audio_seconds=0.8)
    path, _ = joined(tmp_path / "out.mp4", copy_from=source)
    with av.open(str(path)) as container:
        packets = [packet for packet in container.demux() if packet.size]
        kinds = [p.stream.type for p in sorted(packets, key=lambda p: p.pos)]
    for part in range(0, 50, 10):
        assert set(kinds[part : part + 10]) == {"audio", "video"}


def test_decoding_times_grow_and_nothing_is_decoded_late():
    draw = random.Random(0)
    for _ in range(300):
        times = sorted(draw.sample(range(1000), draw.randint(1, 40)))
        segments = []
        while times:
            length = draw.randint(1, 9)
            part, times = times[:length], times[length:]
            segments.append(sorted(part, key=lambda t: t + draw.randint(0, 60)))
        dts = list(decoding_times(segments))
        shown = [time for part in segments for time in part]
        assert dts == sorted(set(dts))
        assert all(d <= p for d, p in zip(dts, shown, strict=True))


def test_decoding_times_of_a_clip_that_one_can_draw():
    assert list(decoding_times([[0, 1, 2]])) == [0, 1, 2]
    # I3 is decoded first of its segment, and shown last: one picture ahead.
    assert list(decoding_times([[0], [10, 40, 20]])) == [-10, 0, 10, 20]


def test_damage_anywhere_is_seen(tmp_path):
    _, (path, *_) = joined(tmp_path / "out.mp4")
    data = path.read_bytes()
    assert read_seal(path).num_frames == 1
    for place in range(0, len(data), max(1, len(data) // 50)):
        flipped = bytearray(data)
        flipped[place] ^= 1
        for bad in (flipped, data[:place], data[:place] + data[place + 1 :]):
            path.write_bytes(bad)
            with pytest.raises(Damaged):
                read_seal(path)
    path.unlink()
    with pytest.raises(Damaged):
        read_seal(path)


def test_segments_of_another_encoder_are_refused(tmp_path):
    with VideoWriter(tmp_path / "out.mp4", CLIP) as writer:
        paths = cut(tmp_path, writer)
    wide = replace(CLIP, width=66)
    with (
        VideoWriter(tmp_path / "out.mp4", wide) as other,
        pytest.raises(InputError, match=r"00000000.segment: is of another encoder"),
    ):
        other.join(paths)


def test_an_encoder_that_fails_leaves_no_segment(tmp_path):
    def failing():
        yield from frames(0, 3)
        raise KeyboardInterrupt

    with VideoWriter(tmp_path / "out.mp4", CLIP) as writer:
        segments = writer.segments(threads=1)
        with pytest.raises(KeyboardInterrupt):
            segments.write(tmp_path / "0.segment", failing(), job="", first=0)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["out.mp4", "out"])
def test_a_failure_of_reading_is_not_told_as_one_of_writing(tmp_path, name):
    """Frames come from a network and a disk of their own."""

    def failing():
        yield from frames(0, 3)
        raise ConnectionResetError("the device is gone")

    writer = PictureWriter if name == "out" else partial(VideoWriter, info=CLIP)
    parts = tmp_path / "parts"
    parts.mkdir()
    with writer(tmp_path / name) as sink:
        segments = sink.segments(threads=1)
        with pytest.raises(ConnectionResetError, match="the device is gone"):
            segments.write(parts / "0.segment", failing(), job="", first=0)
    assert not (parts / "0.segment").exists()


@pytest.mark.parametrize("limit", [0, 4000])
@pytest.mark.parametrize("name", ["out.mp4", "out"])
def test_a_disk_that_is_full_is_told_by_segments(tmp_path, name, limit):
    noise = np.random.default_rng(0).integers(0, 256, (5, 48, 64, 3), np.uint8)
    writer = PictureWriter if name == "out" else partial(VideoWriter, info=CLIP, crf=1)
    with writer(tmp_path / name) as sink:
        segments, path = sink.segments(threads=1), tmp_path / "0.segment"
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
        try:
            with pytest.raises(InputError, match=f"{name}: cannot be written .File to"):
                segments.write(path, map(Frame, noise, range(5)), job="", first=0)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert list(tmp_path.iterdir()) == []


def test_pictures_are_their_own_segments(tmp_path):
    parts = tmp_path / "parts"
    parts.mkdir()
    with PictureWriter(tmp_path / "out") as writer:
        paths = cut(parts, writer)
        writer.join(paths)
        writer.commit()
    for index, picture in enumerate(pictures(20)):
        name = f"{index:08d}.png"
        np.testing.assert_array_equal(read_picture(tmp_path / "out" / name), picture)
        assert (parts / name).samefile(tmp_path / "out" / name)  # no second copy
    (parts / "00000003.png").write_bytes(b"")
    assert read_seal(paths[0]).num_frames == 1
    with pytest.raises(Damaged, match=r"00000003.png has changed"):
        read_seal(paths[1])


def test_a_picture_refuses_a_second_frame_before_it_is_restored_for_nothing(tmp_path):
    with OnePictureWriter(tmp_path / "out.png") as writer:
        with pytest.raises(InputError, match="a picture holds one frame"):
            cut(tmp_path, writer, cuts=(0, 2))
        writer.join(cut(tmp_path, writer, cuts=(0, 1)))
        writer.commit()
    np.testing.assert_array_equal(read_picture(tmp_path / "out.png"), pictures(1)[0])


# Widths of 20 macroblocks: with 24 or 80 x264's AVX-512 code has nothing to spill over.
ENCODE = """
import hashlib, sys
from pathlib import Path
sys.path[:0] = {paths!r}
from dataclasses import replace
import numpy as np
import test_media_segments as t
info = replace(t.CLIP, width=320, height=64)
noise = np.random.default_rng(0).integers(-8, 9, (20, 64, 320, 3))
shown = np.clip(t.pictures(20, width=320, height=64) + noise, 0, 255).astype(np.uint8)
frames = [t.Frame(shown[i], t.UNEVEN[i]) for i in range(20)]
for suffix, codec in t.ENCODERS:
    folder = Path({folder!r})
    with t.VideoWriter(folder / f"out.{{suffix}}", info, codec=codec) as writer:
        path = folder / "0.segment"
        writer.segments(threads=2).write(path, frames, job="", first=0)
    print(suffix, codec, hashlib.sha256(path.read_bytes()).hexdigest())
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="MALLOC_PERTURB_")
def test_encoders_give_the_same_bytes_whatever_memory_held_before(tmp_path):
    """The C library fills what it hands out with one byte, then with another."""
    here = Path(__file__).parent
    code = ENCODE.format(paths=[str(here), str(here.parent)], folder=str(tmp_path))
    told = []
    for fill in ("85", "170"):
        done = subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "MALLOC_PERTURB_": fill, "SVT_LOG": "1"},
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == 0, done.stderr
        told.append(done.stdout.splitlines())
    assert told[0] == told[1]
    assert len(told[0]) == len(ENCODERS)
