"""Pictures for training: 8 bits a sample, RGB, undamaged, or an error that names them.

Grey and palette pictures become RGB. An alpha channel is dropped where it is opaque
everywhere; a picture one can see through is refused, as nobody can say what it shows.
Frames of more than 8 bits are refused, as the paper's networks are trained on 8.
"""

import io
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from PIL import Image, ImageFile, UnidentifiedImageError

from bvsrpp_jax.errors import InputError

_PNG = b"\x89PNG\r\n\x1a\n"
_ADVICE = "Replace it, or remove the clip."
# What Pillow raises on damage: it reads on for as long as it can.
_DAMAGE = (
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    IndexError,
    struct.error,
    zlib.error,
    Image.DecompressionBombError,
    av.error.FFmpegError,
)


def read_picture(path: Path) -> np.ndarray:
    """Reads a picture file as [h, w, 3] uint8.

    Raises:
      InputError: it cannot be read, or is none of the kind described above.
    """
    with _reading(path):
        data = path.read_bytes()
    return decode_picture(data, str(path))


def decode_picture(data: bytes, name: str) -> np.ndarray:
    """Decodes the bytes of a picture file as [h, w, 3] uint8.

    Args:
      data: PNG, JPEG, or what else Pillow reads.
      name: what messages call it.

    Raises:
      InputError: it is damaged, or none of the kind described above.
    """
    if data.startswith(_PNG):
        kinds = _check_png(data, name)
        depth, color = data[24], data[25]
        if depth == 16:
            raise InputError(f"{name}: has 16 bits a sample. Convert it to 8 bits.")
        small = int.from_bytes(data[16:20]) * int.from_bytes(data[20:24]) < 2**26
        if color == 2 and small and not kinds & {b"tRNS", b"eXIf", b"acTL"}:
            return _decode_rgb_png(data, name)
    return _decode_with_pillow(data, name)


def picture_size(path: Path) -> tuple[int, int]:
    """Height and width of a picture, from its header.

    Raises:
      InputError: it cannot be read.
    """
    with _reading(path), Image.open(path) as image:
        return image.height, image.width


def encode_png(pixels: np.ndarray) -> bytes:
    """[h, w, 3] uint8 -> PNG, for records that are written once and read for weeks.

    A fifth of the time of the default compression for a tenth more bytes (720p).
    """
    encoder = av.CodecContext.create("png", "w")
    encoder.height, encoder.width, _ = pixels.shape
    encoder.pix_fmt, encoder.time_base = "rgb24", Fraction(1, 25)
    encoder.options = {"pred": "mixed", "compression_level": "1"}
    encoder.thread_count = 1
    frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), "rgb24")
    packets = [*encoder.encode(frame), *encoder.encode(None)]
    return b"".join(bytes(packet) for packet in packets)


def _check_png(data: bytes, name: str) -> set[bytes]:
    """Returns the types of the chunks; each must be whole and have its checksum.

    Decoders leave the checksums of pixels unread: a flipped bit would train.
    """
    kinds, position = set(), len(_PNG)
    while b"IEND" not in kinds:
        size = int.from_bytes(data[position : position + 4])
        end = position + 8 + size
        kind, checksum = data[position + 4 : position + 8], data[end : end + 4]
        content = memoryview(data)[position + 4 : end]
        if len(checksum) < 4 or zlib.crc32(content) != int.from_bytes(checksum):
            raise InputError(f"{name}: is damaged (PNG checksum or end). {_ADVICE}")
        kinds.add(kind)
        position = end + 4
    return kinds


def _decode_rgb_png(data: bytes, name: str) -> np.ndarray:
    """FFmpeg takes half of Pillow's time, most of what a training step's data costs."""
    decoder = av.CodecContext.create("png", "r")
    decoder.thread_count = 1
    with _reading(name):
        frames = [*decoder.decode(av.Packet(data)), *decoder.decode(None)]
    if len(frames) != 1 or frames[0].is_corrupt or frames[0].format.name != "rgb24":
        raise InputError(f"{name}: cannot be read. {_ADVICE}")
    return frames[0].to_ndarray()


def _decode_with_pillow(data: bytes, name: str) -> np.ndarray:
    with _reading(name), Image.open(io.BytesIO(data)) as image:
        image.load()
        return _to_rgb8(image, name)


def _to_rgb8(image: ImageFile.ImageFile, name: str) -> np.ndarray:
    if image.mode.startswith(("I", "F")):
        raise InputError(f"{name}: has more than 8 bits a sample. Convert it to 8.")
    if image.getexif().get(0x0112, 1) != 1:  # Orientation
        raise InputError(f"{name}: is stored turned (EXIF). Turn its pixels for good.")
    if image.has_transparency_data:
        rgba = np.asarray(image.convert("RGBA"))
        if rgba[..., 3].min() < 255:
            raise InputError(f"{name}: is partly transparent. Flatten it first.")
        return np.ascontiguousarray(rgba[..., :3])
    return np.asarray(image.convert("RGB"))


@contextmanager
def _reading(name: Path | str) -> Iterator[None]:
    """Tells damage in one line."""
    try:
        yield
    except InputError:
        raise
    except UnidentifiedImageError as error:
        raise InputError(f"{name}: is not a picture. {_ADVICE}") from error
    except _DAMAGE as error:
        told = getattr(error, "strerror", None) or str(error) or type(error).__name__
        reason = " ".join(told.split())
        raise InputError(f"{name}: cannot be read ({reason}). {_ADVICE}") from error
