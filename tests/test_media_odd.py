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
from typing import NamedTuple

import av
import numpy as np
import pytest
from media_files import write_video
from odd_media import (
    BT601_525,
    BT601_625,
    BT709,
    BT709_FULL,
    BT2020,
    HLG,
    PQ,
    colours,
    looks,
    pixel_aspect,
    sound,
    to_ycbcr,
    write_patches,
)

from bvsrpp_jax.media import create_clip, open_clip

SCALE = 2
READS_WEBP = "webp_anim" in av.formats_available


class Kind(NamedTuple):
    """One row of the table.

    Attributes:
      name: of the input file.
      settings: of `write_patches`.
      target: name of the output file.
      opening, coding: settings of `open_clip` and `create_clip`.
      tags: of the output, None for the input's.
      note: what the user is told, None for nothing.
      count: number of frames.
    """

    name: str
    settings: dict
    target: str = "out.mp4"
    opening: dict = {}
    coding: dict = {"crf": 0}
    tags: tuple | None = None
    note: str | None = None
    count: int = 3


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
    assert np.abs(codes[0] - codes[1]).max() <= 1.5  # the source's own is rounded, too


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


TEN = {"codec": "libx265", "pix_fmt": "yuv420p10le"}
MKV = {"target": "out.mkv", "coding": {"codec": "ffv1"}}
RAW = {"codec": "rawvideo"}
FFV1 = {"codec": "ffv1"}
GUESS_SD = (6, 1, 6, 6)
FIELDS = {"codec": "mpeg2video", "options": {"qscale": "1", "flags": "+ilme+ildct"}}
TS = {
    "options": {"g": "1"},
    "time_base": Fraction(1, 90000),
    "pts": [900 + 3600 * i + i % 3 for i in range(48)],
}

KINDS = {
    # How colours are coded.
    "BT.601 525": Kind("in.mp4", {"tags": BT601_525}),
    "BT.601 625": Kind("in.mkv", {"tags": BT601_625}, **MKV),
    "BT.709": Kind("in.mp4", {"tags": BT709}),
    "BT.709 full range": Kind("in.mp4", {"tags": BT709_FULL}),
    "BT.2020": Kind("in.mp4", {**TEN, "tags": BT2020}),
    "PQ": Kind("in.mp4", {**TEN, "tags": PQ}, note="is HDR .PQ.: its tags are kept"),
    "HLG": Kind("in.mkv", {**TEN, "tags": HLG}, **MKV, note="is HDR .HLG."),
    "no tags": Kind("in.mp4", {"tags": (2, 0, 2, 2)}, tags=GUESS_SD),
    "yuvj420p": Kind(
        "in.avi",
        {
            "codec": "mjpeg",
            "pix_fmt": "yuvj420p",
            "tags": (5, 2, 2, 2),
            "options": {"qscale": "1"},
        },
        tags=(5, 2, 2, 2),
    ),
    "grey": Kind(
        "in.mkv",
        {**FFV1, "pix_fmt": "gray", "tags": (2, 0, 2, 2)},
        **MKV,
        tags=(6, 2, 6, 6),
    ),
    "grey of ten bits": Kind(
        "in.mkv",
        {**FFV1, "pix_fmt": "gray10le", "tags": (2, 0, 2, 2)},
        **MKV,
        tags=(6, 2, 6, 6),
    ),
    "RGB": Kind(
        "in.mkv",
        {**FFV1, "pix_fmt": "bgr0", "tags": (0, 2, 2, 2)},
        **MKV,
        tags=GUESS_SD,
    ),
    "RGB of 16 bits": Kind(
        "in.mkv",
        {**FFV1, "pix_fmt": "gbrp16le", "tags": (0, 2, 2, 2)},
        **MKV,
        tags=GUESS_SD,
    ),
    "PNG in MOV": Kind(
        "in.mov",
        {"codec": "png", "pix_fmt": "rgb24", "tags": (0, 2, 2, 2)},
        "out.mov",
        tags=GUESS_SD,
    ),
    "deep PNG in MOV": Kind(
        "in.mov",
        {"codec": "png", "pix_fmt": "rgb48be", "tags": (0, 2, 2, 2)},
        "out.mov",
        tags=GUESS_SD,
    ),
    "raw RGB": Kind(
        "in.avi", {**RAW, "pix_fmt": "bgr24", "tags": (2, 0, 2, 2)}, tags=GUESS_SD
    ),
    "4:4:4": Kind("in.mp4", {"pix_fmt": "yuv444p"}),
    "ProRes": Kind(
        "in.mov", {"codec": "prores_ks", "pix_fmt": "yuv422p10le"}, "out.mov"
    ),
    "P010": Kind("in.nut", {**RAW, "pix_fmt": "p010le"}, **MKV, tags=GUESS_SD),
    "NV12": Kind("in.nut", {**RAW, "pix_fmt": "nv12"}, **MKV, tags=GUESS_SD),
    "12 bits": Kind("in.mkv", {**FFV1, "pix_fmt": "yuv422p12le"}, **MKV),
    "transparency": Kind(
        "in.mkv", {**FFV1, "pix_fmt": "yuva420p"}, **MKV, note="transparency is dropped"
    ),
    "VP9 with transparency": Kind(
        "in.webm", {"codec": "libvpx-vp9", "pix_fmt": "yuva420p"}, "out.webm"
    ),
    # Rhythms.
    "NTSC rate": Kind(
        "in.mp4", {"time_base": Fraction(1001, 30000), "rate": Fraction(30000, 1001)}
    ),
    "variable rate MP4": Kind(
        "in.mp4",
        {"pts": [0, 40, 90, 400, 960], "time_base": Fraction(1, 1000)},
        count=5,
    ),
    "variable rate MKV": Kind(
        "in.mkv",
        {"pts": [0, 40, 90, 400, 960], "time_base": Fraction(1, 1000)},
        count=5,
    ),
    "late start MP4": Kind("in.mp4", {"pts": [7, 8, 9]}),
    "late start MKV": Kind("in.mkv", {"pts": [7, 8, 9]}, **MKV),
    "transport stream": Kind("in.ts", TS, count=48),
    "transport stream to MKV": Kind("in.ts", TS, **MKV, count=48),
    "B-frames": Kind("in.mp4", {"options": {"bf": "3"}}, count=12),
    "1000 fps": Kind(
        "in.mp4", {"time_base": Fraction(1, 1000), "rate": Fraction(1000)}
    ),
    "240 fps": Kind(
        "in.mkv", {"time_base": Fraction(1, 240), "rate": Fraction(240)}, **MKV
    ),
    "one frame": Kind("in.mp4", {"last": 50}, count=1),
    "one frame MKV": Kind("in.mkv", {"last": 50}, **MKV, count=1),
    "open GOP": Kind(
        "in.mp4",
        {"options": {"x264-params": "open-gop=1:keyint=4:bframes=3:b-adapt=0"}},
        count=12,
    ),
    "GIF": Kind(
        "in.gif",
        {
            "codec": "gif",
            "pix_fmt": "rgb8",
            "pts": [0, 130],
            "time_base": Fraction(1, 100),
            "last": 40,
            "tags": (0, 0, 2, 2),
        },
        tags=GUESS_SD,
        count=2,
    ),
    "APNG": Kind(
        "in.png",
        {
            "codec": "apng",
            "pix_fmt": "rgb24",
            "pts": [0, 130],
            "time_base": Fraction(1, 100),
            "last": 40,
            "tags": (0, 0, 2, 2),
            "format": "apng",
        },
        tags=GUESS_SD,
        count=2,
    ),
    "WebP": Kind(
        "in.webp",
        {
            "codec": "libwebp_anim",
            "pix_fmt": "bgra",
            "pts": [0, 130],
            "time_base": Fraction(1, 1000),
            "last": 40,
            "tags": (0, 0, 2, 2),
            "options": {"lossless": "1"},
        },
        tags=GUESS_SD,
        count=2,
    ),
    # Containers.
    "AVI": Kind(
        "in.avi", {"codec": "mpeg4", "options": {"qscale": "1"}}, tags=GUESS_SD
    ),
    "FLV": Kind("in.flv", {}),
    "program stream": Kind(
        "in.mpg", {"codec": "mpeg2video", "options": {"qscale": "1"}}
    ),
    "IVF": Kind("in.ivf", {"codec": "libvpx-vp9"}),
    "Y4M": Kind("in.y4m", {"codec": "wrapped_avframe"}, tags=GUESS_SD),
    "MXF": Kind("in.mxf", {"codec": "mpeg2video", "options": {"qscale": "1"}}),
    # Fields.
    "interlaced, top first": Kind(
        "in.mkv",
        {**FIELDS, "field": "tff", "tags": BT601_625},
        opening={"deinterlace": True},
    ),
    "interlaced, bottom first": Kind(
        "in.mkv", {**FIELDS, "field": "bff"}, opening={"deinterlace": True}
    ),
    # Shapes.
    "quarter turn": Kind("in.mp4", {"turn": 90}),
    "half turn": Kind("in.mp4", {"turn": 180}),
    "quarter turn of wide pixels": Kind(
        "in.mov", {"turn": -90, "aspect": Fraction(4, 3)}, "out.mkv"
    ),
    "wide pixels": Kind("in.mp4", {"aspect": Fraction(16, 11)}),
    "odd sides": Kind(
        "in.mkv", {**FFV1, "pix_fmt": "yuv444p", "size": (63, 47)}, **MKV
    ),
}


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
