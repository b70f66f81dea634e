"""The exact size of an output: restored frames are resampled to it.

Lanczos with three lobes, widened when it shrinks so that nothing aliases, in floating
point: the result is within half a code value. swscale is several times faster, but off
by up to eight codes when it halves a picture (benchmarks/resizing.py).
"""

import warnings
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from fractions import Fraction

import numpy as np
from PIL import Image

from bvsrpp_jax.errors import InputError
from bvsrpp_jax.media.clip import ClipInfo, Frame

LARGEST_SIDE = 16384  # of H.264
_LARGEST_TERM = 4096  # of a pixel's aspect; more does not fit into every stream
_SQUARE_ENOUGH = Fraction(1, 200)  # 854x480 stands for 16:9


def sized(info: ClipInfo, size: tuple[int | None, int | None]) -> ClipInfo:
    """What a clip is after it is resampled to a size.

    The picture keeps its shape on a screen: with both sides given by the shape of its
    pixels, with a note when they are not square; with one side given by the other side,
    which is rounded to an even number, and square pixels.

    Args:
      info: the clip before.
      size: width and height in pixels, one of them None for what fits.

    Raises:
      InputError: a side is out of range.
    """
    shape = info.sample_aspect_ratio * info.width / info.height
    width, height = size
    width = _even(height * shape) if width is None else width
    height = _even(width / shape) if height is None else height
    if not (1 <= width <= LARGEST_SIDE and 1 <= height <= LARGEST_SIDE):
        raise InputError(
            f"size: {width}x{height} is out of range. Give sides from 1 to"
            f" {LARGEST_SIDE}."
        )
    aspect = Fraction(1) if None in size else _pixel_aspect(shape * height / width)
    if aspect != 1:
        warnings.warn(
            f"{info.name}: {width}x{height} is not its shape. Players that heed the"
            f" pixel aspect ratio, {aspect.numerator}:{aspect.denominator}, show it"
            " undistorted",
            stacklevel=2,
        )
    return replace(info, width=width, height=height, sample_aspect_ratio=aspect)


def resize(frame: Frame, info: ClipInfo) -> Frame:
    """A frame at a clip's size; one that has it already is passed as it is.

    Returns:
      [info.height, info.width, 3] of the same type, rounded and clipped.
    """
    size = info.width, info.height
    if frame.pixels.shape[1::-1] == size:
        return frame
    channels = np.moveaxis(frame.pixels, -1, 0)
    with ThreadPoolExecutor(len(channels)) as threads:  # Pillow lets go of the GIL
        resized = threads.map(lambda channel: _resize_channel(channel, size), channels)
        return frame._replace(pixels=np.stack(list(resized), -1))


def _pixel_aspect(exact: Fraction) -> Fraction:
    if abs(exact - 1) <= _SQUARE_ENOUGH:
        return Fraction(1)
    return exact.limit_denominator(_LARGEST_TERM)


def _resize_channel(channel: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """[h, w] unsigned integers -> [size[1], size[0]] of the same type."""
    image = Image.fromarray(channel.astype(np.float32))
    codes = np.asarray(image.resize(size, Image.Resampling.LANCZOS))
    return np.clip(codes + 0.5, 0, np.iinfo(channel.dtype).max).astype(channel.dtype)


def _even(length: Fraction) -> int:
    """The even number next to a length: 4:2:0 video has no others."""
    return max(2, 2 * round(length / 2))
