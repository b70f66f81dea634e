"""Single pictures: read upright as RGB, written as PNG of 8 or 16 bits."""

import re
import warnings
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from PIL import Image, ImageOps

from bvsrpp_jax.errors import InputError
from bvsrpp_jax.media.allowed import MAX_PIXELS, decoding_options
from bvsrpp_jax.media.animations import is_animation
from bvsrpp_jax.media.color import BT709, RGB, Color
from bvsrpp_jax.media.container import check_ordinary, check_size
from bvsrpp_jax.media.failures import told_as
from bvsrpp_jax.media.pixels import to_rgb

PICTURES = {".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp"}
PICTURE_COLOR = Color(RGB, True)
_GREY_COLOR = Color(BT709, True)  # any matrix: grey has no chroma
_FORMATS = ("PNG", "JPEG", "BMP", "TIFF", "WEBP")  # one of Pillow's runs Ghostscript
_PROBLEM, _ADVICE = "is not a picture that can be read", "Replace or remove it."
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


def read_picture(file: Path, *, max_pixels: int = MAX_PIXELS) -> np.ndarray:
    """Reads one picture, upright.

    Returns:
      [h, w, 3] RGB: uint16 for 16-bit PNG, else uint8.

    Raises:
      InputError: it is damaged, has more than `max_pixels`, or its samples are neither
        8 bits nor a 16-bit PNG's.
    """
    check_ordinary(file, _ADVICE)
    try:
        with told_as(file, _PROBLEM, _ADVICE):
            if is_animation(file):
                raise InputError(f"{file}: is an animation. Restore it by itself.")
            size = _size_of_deep_png(file)
            if size is None:
                return _read_with_pillow(file, max_pixels)
            check_size(file, *size, max_pixels=max_pixels)
            return _read_with_ffmpeg(file, max_pixels)
    except (InputError, MemoryError):
        raise
    except Exception as error:  # damage comes out of Pillow as any kind of exception
        reason = str(error) or type(error).__name__
        raise InputError(f"{file}: {_PROBLEM} ({reason}). {_ADVICE}") from error


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


def _read_with_pillow(file: Path, max_pixels: int) -> np.ndarray:
    with Image.open(file, formats=_FORMATS) as image:
        check_size(file, *image.size, max_pixels=max_pixels)
        return _to_rgb8(ImageOps.exif_transpose(image), file)


def _to_rgb8(image: Image.Image, file: Path) -> np.ndarray:
    if image.mode.startswith(("I", "F")):
        raise InputError(
            f"{file}: has samples of more than 8 bits. Convert it to a 16-bit PNG."
        )
    if image.has_transparency_data:
        warnings.warn(f"{file}: its transparency is dropped", stacklevel=2)
        image = image.convert("RGBA")
    return np.asarray(image.convert("RGB"))


def _size_of_deep_png(file: Path) -> tuple[int, int] | None:
    """Pillow reads 16-bit colour PNG with 8 bits, so the header is asked."""
    with file.open("rb") as opened:
        header = opened.read(25)
    if header[:8] != _PNG or header[24:25] != b"\x10":
        return None
    return int.from_bytes(header[16:20], "big"), int.from_bytes(header[20:24], "big")


def _read_with_ffmpeg(file: Path, max_pixels: int) -> np.ndarray:
    decoder = av.CodecContext.create("png", "r")
    decoder.options = decoding_options(max_pixels)
    packet = av.Packet(file.read_bytes())
    frames = [*decoder.decode(packet), *decoder.decode(None)]
    if not frames:
        raise InputError(f"{file}: {_PROBLEM} (it ends too early). {_ADVICE}")
    return to_rgb(frames[0], _GREY_COLOR)


def _natural(file: Path) -> list:
    """Digits compare as numbers: frame2 before frame10."""
    parts = re.split(r"(\d+)", file.name)
    return [(int(part), "") if part.isdigit() else (-1, part) for part in parts]
