"""What the output's suffix and the encoder's name decide."""

from functools import cache
from pathlib import Path

import av

from bvsrpp_jax.errors import InputError

# Suffix -> (FFmpeg's muxer, the encoder used unless another is asked for).
CONTAINERS = {
    ".mp4": ("mp4", "libx264"),
    ".m4v": ("mp4", "libx264"),
    ".mov": ("mov", "libx264"),
    ".mkv": ("matroska", "libx264"),
    ".webm": ("webm", "libvpx-vp9"),
}
# The constant-quality setting of each encoder, where nothing visible is lost. Encoders
# that are not listed have none: `crf` is refused for them.
DEFAULT_CRF = {
    "libx264": 16,
    "libx265": 18,
    "libvpx-vp9": 20,
    "libsvtav1": 20,
}
HIGHEST_CRF = {"libx264": 51, "libx265": 51, "libvpx-vp9": 63, "libsvtav1": 63}
_SAMPLINGS = ("yuv420p", "yuv422p", "yuv444p")


def container_of(path: Path) -> tuple[str, str]:
    """The muxer and the default encoder for an output file.

    Raises:
      InputError: a suffix that is not in `CONTAINERS`.
    """
    try:
        return CONTAINERS[path.suffix.lower()]
    except KeyError:
        known = " ".join(CONTAINERS)
        raise InputError(
            f"{path}: no output format has the suffix {path.suffix!r}. Use one of"
            f" {known} .png, or a name that ends in / for a folder of pictures."
        ) from None


def find_encoder(name: str) -> av.Codec:
    """The encoder of that name.

    Raises:
      InputError: there is none for video.
    """
    try:
        codec = av.Codec(name, "w")
    except ValueError as error:
        codec, cause = None, error
    else:
        cause = None
    if codec is None or codec.type != "video":
        raise InputError(
            f"codec {name}: not a video encoder of this installation. Use for example"
            f" {', '.join(DEFAULT_CRF)} or ffv1."
        ) from cause
    return codec


def quality_options(codec: str, crf: int | None) -> dict[str, str]:
    """Options that set the quality of an encoder.

    Raises:
      InputError: a crf for an encoder that does not have one.
    """
    if crf is not None and codec not in DEFAULT_CRF:
        raise InputError(
            f"crf: {codec} has no such setting. Leave it out, or use one of"
            f" {', '.join(DEFAULT_CRF)}."
        )
    if codec not in DEFAULT_CRF:
        return {}
    if crf is not None and not 0 <= crf <= HIGHEST_CRF[codec]:
        raise InputError(
            f"crf: {crf} is out of range. {codec} takes 0 (best) to"
            f" {HIGHEST_CRF[codec]}."
        )
    options = {"crf": str(DEFAULT_CRF[codec] if crf is None else crf)}
    if codec == "libx265":  # or it writes its statistics to stderr
        options["x265-params"] = "log-level=error"
    if codec == "libx264" and _has_avx512():
        options["x264-params"] = "asm=avx2"
    return options


@cache
def _has_avx512() -> bool:
    """Whether x264 would use AVX-512.

    There its macroblock tree reads memory that nobody has written, at widths that are
    no multiple of 128: no two runs give the same bytes (the core of 2026,
    tests/test_media_segments.py). With AVX2, which such processors have, they do.
    """
    flags = Path("/proc/cpuinfo")
    return flags.exists() and " avx512" in flags.read_text()


def pixel_format(codec: av.Codec, *, width: int, height: int, deep: bool) -> str:
    """The pixel format to encode: 4:2:0 where it can be, ten bits for deep sources.

    Odd sizes take 4:4:4, the only sampling that keeps every pixel.

    Raises:
      InputError: the encoder has no fitting format.
    """
    offered = {format.name for format in codec.video_formats or ()}
    samplings = list(_SAMPLINGS)
    if height % 2:
        samplings.remove("yuv420p")
    if width % 2:
        samplings = ["yuv444p"]
    eight, ten = samplings, [f"{sampling}10le" for sampling in samplings]
    for name in ten if deep else eight + ten:
        if name in offered:
            return name
    depth = "more than eight bits" if deep else "eight bits"
    raise InputError(
        f"codec {codec.name}: cannot encode {width}x{height} pixels of {depth}. Use"
        " libx264 or libx265."
    )
