"""A table of odd but valid media."""

from fractions import Fraction
from typing import NamedTuple

from odd_media import (
    BT601_525,
    BT601_625,
    BT709,
    BT709_FULL,
    BT2020,
    HLG,
    PQ,
)


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
