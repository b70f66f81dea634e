"""Odd but valid media, each through the whole of `media` and compared with itself.

A network that repeats pixels stands between, so that what comes out is known: as many
frames at the same moments, four times the pixels, the same colours to one code value of
the output, the same sound.
"""

import re
import warnings
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from media_files import write_video
from odd_kinds import KINDS, Kind
from odd_media import (
    colours,
    flat_frame,
    looks,
    pixel_aspect,
    sound,
    to_ycbcr,
    write_patches,
)

from bvsrpp_jax.errors import InputError
from bvsrpp_jax.media import create_clip, open_clip
from bvsrpp_jax.media.pictures import encode_png, read_picture

SCALE = 2
READS_WEBP = "webp_anim" in av.formats_available


def restored(source: Path, target: Path, *, opening=None, **coding) -> list[str]:
    """Enlarges a clip, and returns what the user is told."""
    with warnings.catch_warnings(record=True) as notes:
        warnings.simplefilter("always")
        with open_clip(source, **(opening or {})) as clip:
            info = clip.info
            large = replace(info, width=SCALE * info.width, height=SCALE * info.height)
            with create_clip(target, clip, large, **coding) as sink:
                for frame in clip:
                    pixels = frame.pixels.repeat(SCALE, 0).repeat(SCALE, 1)
                    sink.write(frame._replace(pixels=pixels))
                sink.commit()
    return [str(note.message) for note in notes]


def assert_same_colours(before, after) -> None:
    """Within one code value of the output's own pixel format."""
    bits = av.VideoFormat(after.format).components[0].bits
    matrix, range_, *_ = after.tags
    codes = [to_ycbcr(x, matrix, range_ == 2, bits) for x in (before.rgb, after.rgb)]
    assert np.abs(codes[0] - codes[1]).max() <= 1


def assert_same_moments(before, after, target: Path) -> None:
    """Exactly; Matroska counts milliseconds."""
    exact = target.suffix not in (".mkv", ".webm")
    tolerance = 0 if exact else Fraction(1, 2000)
    for was, now in zip(before, after, strict=True):
        assert abs(was.time - now.time) <= tolerance


def turned(look, degrees: int):
    """Counter-clockwise, as FFmpeg counts."""
    size = look.size[::-1] if degrees % 180 else look.size
    return look._replace(rgb=np.rot90(look.rgb, degrees // 90), size=size)


@pytest.mark.parametrize("name", KINDS)
def test_count_moments_size_and_colours(tmp_path, name):
    kind = KINDS[name]
    source = made(kind, tmp_path)
    target = tmp_path / kind.target
    notes = restored(source, target, opening=kind.opening, **kind.coding)
    before, after = looks(source), looks(target)
    assert len(before) == len(after) == kind.count
    assert_same_moments(before, after, target)
    for was, now in zip(before, after, strict=True):
        was = turned(was, kind.settings.get("turn", 0))
        assert now.size == (SCALE * was.size[0], SCALE * was.size[1])
        assert now.tags == (kind.tags or was.tags)
        assert_same_colours(was, now)
    aspect = pixel_aspect(source)
    aspect = 1 / aspect if kind.settings.get("turn", 0) % 180 else aspect
    assert pixel_aspect(target) == aspect
    assert len(notes) == bool(kind.note), notes
    assert re.search(kind.note or "", "".join(notes))


def test_raw_streams_have_an_even_rhythm(tmp_path):
    source = write_patches(tmp_path / "in.h264", colours(6))
    restored(source, tmp_path / "out.mp4")
    times = [look.time for look in looks(tmp_path / "out.mp4")]
    assert times == [Fraction(i, 25) for i in range(6)]


OPEN = "open-gop=1:keyint=8:bframes=3:b-adapt=0:scenecut=0"
CUT = {
    "libx264": {"x264-params": f"{OPEN}:repeat-headers=1"},
    "libx265": {"x265-params": f"{OPEN}:log-level=none"},
    "mpeg2video": {"qscale": "1", "bf": "2", "g": "8"},
}


@pytest.mark.parametrize("suffix", ["ts", "mkv", "mp4"])
@pytest.mark.parametrize("codec", CUT)
def test_recordings_that_begin_anywhere(tmp_path, codec, suffix):
    """Frames whose references are cut off are not shown; the rest is whole."""
    whole, part = tmp_path / "whole.mkv", tmp_path / f"part.{suffix}"
    write_patches(whole, colours(40), codec=codec, options=CUT[codec])
    with av.open(str(whole)) as given, av.open(str(part), "w") as output:
        copy = output.add_stream_from_template(given.streams.video[0])
        for index, packet in enumerate(given.demux(video=0)):
            if packet.size and index >= 3:
                packet.stream = copy
                output.mux(packet)
    assert restored(part, tmp_path / "out.mp4", crf=0) == []
    before, after = looks(whole), looks(tmp_path / "out.mp4")
    assert 30 < len(after) < 38
    for was, now in zip(before[-len(after) :], after, strict=True):
        assert_same_colours(was, now)


@pytest.mark.parametrize("target", ["out.mp4", "out.mkv", "out.webm"])
@pytest.mark.parametrize("kind", ["one frame", "GIF", "WebP"])
def test_the_last_frame_is_shown_as_long(tmp_path, kind, target):
    """Where there are few frames it is most of what there is to see."""
    source = made(KINDS[kind], tmp_path)
    restored(source, tmp_path / target)
    assert ends(tmp_path / target) == ends(source)


def ends(path: Path) -> Fraction:
    """When the last frame is over."""
    with av.open(str(path)) as container:
        return max(
            (packet.pts + packet.duration) * fraction(packet.time_base)
            for packet in container.demux(video=0)
            if packet.size
        )


def made(kind: Kind, folder: Path) -> Path:
    if Path(kind.name).suffix == ".webp" and not READS_WEBP:
        pytest.skip("FFmpeg 8 reads no animated WebP")
    return write_patches(folder / kind.name, colours(kind.count), **kind.settings)


def fraction(rational) -> Fraction:
    return Fraction(rational.numerator, rational.denominator)


SOUNDS = [
    ("in.mp4", "aac", 0, "out.mp4"),
    ("in.mp4", "aac", 0.3, "out.mkv"),
    ("in.mp4", "aac", -0.1, "out.mp4"),
    ("in.mkv", "aac", -0.1, "out.mp4"),
    ("in.mkv", "ac3", 0, "out.mp4"),
    ("in.mkv", "libopus", 1.2, "out.mp4"),
    ("in.webm", "libopus", 0, "out.webm"),
    ("in.mkv", "flac", 0, "out.mkv"),
    ("in.avi", "libmp3lame", 0, "out.mp4"),
    ("in.mov", "pcm_s16le", 0, "out.mov"),
    ("in.mov", "pcm_s24le", 0, "out.mkv"),
    ("in.flv", "aac", 0, "out.mp4"),
    ("in.ts", "mp2", 0, "out.mkv"),
    ("in.ts", "aac", 0, "out.mp4"),
]


@pytest.mark.parametrize(("name", "codec", "offset", "target"), SOUNDS)
def test_sound_stays_as_it_is_and_where_it_is(tmp_path, name, codec, offset, target):
    """Relative to the first frame; the ADTS headers of a stream are no part of it."""
    video = {".webm": "libvpx-vp9", ".avi": "mpeg4"}.get(Path(name).suffix, "libx264")
    source = tmp_path / name
    write_patches(source, colours(5), codec=video, add=sound(codec, offset=offset))
    assert restored(source, tmp_path / target) == []
    header = 7 if (codec, source.suffix) == ("aac", ".ts") else 0
    before, after = heard(source), heard(tmp_path / target)
    assert [data for _, data in after] == [data[header:] for _, data in before]
    assert len(before) > 4
    for (was, _), (now, _) in zip(before, after, strict=True):
        assert abs(was - now) < Fraction(1, 1000)  # edit lists may count so


def heard(path: Path) -> list[tuple[Fraction, bytes]]:
    """Packets of sound, in seconds after the first frame is shown."""
    with av.open(str(path)) as container:
        found = [
            (packet.stream.type, packet.pts * fraction(packet.time_base), bytes(packet))
            for packet in container.demux()
            if packet.size
        ]
    start = min(time for kind, time, _ in found if kind == "video")
    return [(time - start, data) for kind, time, data in found if kind == "audio"]


def test_recordings_whose_first_key_frame_is_far_away(tmp_path):
    """Farther than FFmpeg looks, so that the decoder begins without its headers."""
    whole, part = tmp_path / "whole.mkv", tmp_path / "part.ts"
    noise = np.random.default_rng(0).integers(0, 256, (15, 480, 640, 3), np.uint8)
    options = {"qp": "0", "g": "13", "bf": "0"}
    write_video(whole, noise, codec_options=options, pix_fmt="yuv444p")
    with av.open(str(whole)) as given, av.open(str(part), "w") as output:
        copy = output.add_stream_from_template(given.streams.video[0])
        for packet in list(given.demux(video=0))[1:-1]:
            packet.stream = copy
            output.mux(packet)
    assert part.stat().st_size > 6_000_000
    with open_clip(part) as clip:
        assert len(list(clip)) == 2
    with pytest.raises(InputError, match="has 640x480 pixels, more than 307199"):
        open_clip(part, max_pixels=640 * 480 - 1)


def test_a_folder_of_deep_pictures(tmp_path):
    """Sixteen bits come out as they went in; as video they are ten."""
    rgb = colours(3)
    (tmp_path / "in").mkdir()
    given = []
    for index, patches in enumerate(rgb):
        pixels = flat_frame(patches, "rgb48le").to_ndarray()
        (tmp_path / "in" / f"{index + 9}.png").write_bytes(encode_png(pixels))
        given.append(pixels.repeat(SCALE, 0).repeat(SCALE, 1))
    assert restored(tmp_path / "in", tmp_path / "out") == []
    for index, pixels in enumerate(given):
        written = read_picture(tmp_path / "out" / f"{index:08d}.png")
        np.testing.assert_array_equal(written, pixels)
    assert restored(tmp_path / "in", tmp_path / "out.mkv", codec="ffv1") == []
    for index, (was, now) in enumerate(
        zip(rgb, looks(tmp_path / "out.mkv"), strict=True)
    ):
        assert now.time == Fraction(index, 25)
        assert now.format == "yuv420p10le"
        assert_same_colours(now._replace(rgb=was), now)


def test_one_picture(tmp_path):
    pixels = flat_frame(colours(1)[0], "rgb24").to_ndarray()
    (tmp_path / "in.png").write_bytes(encode_png(pixels))
    assert restored(tmp_path / "in.png", tmp_path / "out.png") == []
    written = read_picture(tmp_path / "out.png")
    np.testing.assert_array_equal(written, pixels.repeat(SCALE, 0).repeat(SCALE, 1))
    assert restored(tmp_path / "in.png", tmp_path / "out.mp4") == []
    assert ends(tmp_path / "out.mp4") == Fraction(1, 25)
