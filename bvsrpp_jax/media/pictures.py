"""Single pictures: read upright as RGB, written as PNG of 8 or 16 bits."""

import re
import warnings
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from PIL import Image, ImageOps

from bvsrpp_jax.errors import InputError
from bvsrpp_jax.media.animations import is_animation
from bvsrpp_jax.media.color import BT709, RGB, Color
from bvsrpp_jax.media.failures import told_as
from bvsrpp_jax.media.pixels import to_rgb

PICTURES = {".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp"}
PICTURE_COLOR = Color(RGB, True)
_GREY_COLOR = Color(BT709, True)  # any matrix: grey has no chroma
_PNG = b"\x89PNG\r\n\x1a\n"


def list_pictures(path: Path) -> list[Path]:
    """The picture, or the pictures of a folder in natural order.

    Raises:
      InputError: the folder has none.
    """
    if path.is_file():
        return [path]
    with told_as(path, "cannot be read", "Give a folder of pictures or a video file."):
        entries = [entry for entry in path.iterdir() if not entry.name.startswith(".")]
    files = [entry for entry in entries if entry.suffix.lower() in PICTURES]
    if not files:
        raise InputError(
            f"{path}: the folder has no pictures ({' '.join(sorted(PICTURES))}). Give"
            " another one."
        )
    return sorted(files, key=_natural)


def read_picture(file: Path) -> np.ndarray:
    """Reads one picture, upright.

    Returns:
      [h, w, 3] RGB: uint16 for 16-bit PNG, else uint8.

    Raises:
      InputError: it is damaged, or its samples are neither 8 bits nor a 16-bit PNG's.
    """
    advice = "Replace or remove it."
    try:
        with told_as(file, "is not a picture that can be read", advice):
            if is_animation(file):
                raise InputError(f"{file}: is an animation. Restore it by itself.")
            if _is_deep_png(file):
                return _read_with_ffmpeg(file)
            with Image.open(file) as image:
                return _to_rgb8(ImageOps.exif_transpose(image), file)
    except (SyntaxError, ValueError, Image.DecompressionBombError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(
            f"{file}: is not a picture that can be read ({error}). {advice}"
        ) from error


def encode_png(pixels: np.ndarray) -> bytes:
    """[h, w, 3] uint8 or uint16 RGB -> the bytes of a PNG of as many bits."""
    deep = pixels.dtype == np.uint16
    encoder = av.CodecContext.create("png", "w")
    encoder.height, encoder.width, _ = pixels.shape
    encoder.pix_fmt = "rgb48be" if deep else "rgb24"
    encoder.time_base = Fraction(1, 25)
    frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), encoder.pix_fmt)
    packets = [*encoder.encode(frame), *encoder.encode(None)]
    return b"".join(bytes(packet) for packet in packets)


def _to_rgb8(image: Image.Image, file: Path) -> np.ndarray:
    if image.mode.startswith(("I", "F")):
        raise InputError(
            f"{file}: has samples of more than 8 bits. Convert it to a 16-bit PNG."
        )
    if image.has_transparency_data:
        warnings.warn(f"{file}: its transparency is dropped", stacklevel=2)
        image = image.convert("RGBA")
    return np.asarray(image.convert("RGB"))


def _is_deep_png(file: Path) -> bool:
    """Pillow reads 16-bit colour PNG with 8 bits, so the header is asked."""
    with file.open("rb") as opened:
        header = opened.read(25)
    return header[:8] == _PNG and header[24:25] == b"\x10"


def _read_with_ffmpeg(file: Path) -> np.ndarray:
    decoder = av.CodecContext.create("png", "r")
    packet = av.Packet(file.read_bytes())
    frames = [*decoder.decode(packet), *decoder.decode(None)]
    return to_rgb(frames[0], _GREY_COLOR)


def _natural(file: Path) -> list:
    """Digits compare as numbers: frame2 before frame10."""
    parts = re.split(r"(\d+)", file.name)
    return [(int(part), "") if part.isdigit() else (-1, part) for part in parts]
