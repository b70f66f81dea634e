"""What the output's suffix and the encoder's name decide."""

from pathlib import Path

import av

from bvsrpp_jax.errors import InputError
from bvsrpp_jax.media.pixels import bit_depth, is_rgb

# Suffix -> (FFmpeg's muxer, the encoder used unless another is asked for, the one for
# more than eight bits: few players show H.264 of ten, and VP9 of ten is not built in).
CONTAINERS = {
    ".mp4": ("mp4", "libx264", "libx265"),
    ".m4v": ("mp4", "libx264", "libx265"),
    ".mov": ("mov", "libx264", "libx265"),
    ".mkv": ("matroska", "libx264", "libx265"),
    ".webm": ("webm", "libvpx-vp9", "libsvtav1"),
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


def container_of(path: Path, *, deep: bool) -> tuple[str, str]:
    """The muxer and the default encoder for an output file.

    Args:
      path: the file.
      deep: whether it will have more than eight bits.

    Raises:
      InputError: a suffix that is not in `CONTAINERS`.
    """
    try:
        muxer, eight, ten = CONTAINERS[path.suffix.lower()]
        return muxer, ten if deep else eight
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
    return options


def is_deep(pixel_format: str | None, *, deep: bool) -> bool:
    """Whether an output has more than eight bits: as asked for, or as its source.

    Raises:
      InputError: no format has that name, or not one that is made from RGB here.
    """
    if pixel_format is None:
        return deep
    try:
        format = av.VideoFormat(pixel_format)
    except ValueError as error:
        raise InputError(
            f"pixel format {pixel_format}: there is none of that name. Use for example"
            " yuv420p or yuv420p10le."
        ) from error
    if not _is_ycbcr(format):
        raise InputError(
            f"pixel format {pixel_format}: is not Y'CbCr of 8 to 16 bits. Use for"
            " example yuv420p or yuv444p10le."
        )
    return bit_depth(format) > 8


def choose_pixel_format(
    codec: av.Codec, *, width: int, height: int, deep: bool, asked: str | None = None
) -> str:
    """The pixel format to encode: 4:2:0 where it can be, ten bits for deep sources.

    Odd sizes take 4:4:4, the only sampling that keeps every pixel.

    Args:
      codec: the encoder.
      width, height: of the frames.
      deep: whether the source has more than eight bits.
      asked: take this one.

    Raises:
      InputError: the encoder has no fitting format, or not the one asked for.
    """
    offered = {format.name for format in codec.video_formats or ()}
    if asked is not None:
        _check_asked(codec, offered, asked, width, height)
        return asked
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
        f" {'libx265 or libsvtav1' if deep else 'libx264 or libx265'}."
    )


def _check_asked(
    codec: av.Codec, offered: set[str], asked: str, width: int, height: int
) -> None:
    if asked not in offered:
        raise InputError(
            f"pixel format {asked}: {codec.name} has none of that name. It has"
            f" {' '.join(sorted(filter(_can_be_asked, offered))) or 'none of use'}."
        )
    step_x, step_y = _sampling_steps(av.VideoFormat(asked))
    if width % step_x or height % step_y:
        raise InputError(
            f"pixel format {asked}: cannot hold {width}x{height} pixels, which are"
            f" not multiples of {step_x} and {step_y}. Use --size or a 4:4:4 format."
        )


def _sampling_steps(format: av.VideoFormat) -> tuple[int, int]:
    """How many columns and rows of pixels share a sample of colour."""
    return 16 // format.chroma_width(16), 16 // format.chroma_height(16)


def _can_be_asked(name: str) -> bool:
    return _is_ycbcr(av.VideoFormat(name))


def _is_ycbcr(format: av.VideoFormat) -> bool:
    """Not the yuvj formats either: the range is a tag of its own."""
    return (
        len(format.components) == 3
        and not is_rgb(format)
        and not format.name.startswith(("yuvj", "xyz"))
        and 8 <= bit_depth(format) <= 16
    )
