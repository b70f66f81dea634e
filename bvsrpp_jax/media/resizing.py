"""The exact size of an output: restored frames are resampled to it.

Lanczos with three lobes, widened when it shrinks so that nothing aliases, in floating
point: the result is within half a code value. swscale is several times faster, but is
off by dozens of codes near the edges of a picture.
"""

import warnings
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from fractions import Fraction

import numpy as np
from PIL import Image

from bvsrpp_jax.media.clip import ClipInfo, Frame

_LARGEST_TERM = 4096  # of a pixel's aspect; more does not fit into every stream
# 854x480 stands for 16:9, and so do 1920x1088 lines of which eight are cut off.
_SQUARE_ENOUGH = Fraction(1, 200)


def sized(info: ClipInfo, size: tuple[int | None, int | None]) -> ClipInfo:
    """What a clip is after it is resampled to a size.

    The picture keeps its shape on a screen: with both sides given by the shape of its
    pixels, with a note when they are not square; with one side given by the other side,
    which is rounded to an even number, and square pixels.

    Args:
      info: the clip before.
      size: width and height in pixels, one of them None for what fits.
    """
    width, height = size
    shape = info.sample_aspect_ratio * info.width / info.height
    if width is None:
        return replace(
            info, width=_even(height * shape), height=height, sample_aspect_ratio=_ONE
        )
    if height is None:
        return replace(
            info, width=width, height=_even(width / shape), sample_aspect_ratio=_ONE
        )
    aspect = shape * height / width
    if abs(aspect - 1) <= _SQUARE_ENOUGH:
        aspect = _ONE
    aspect = aspect.limit_denominator(_LARGEST_TERM)
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


_ONE = Fraction(1)


def _resize_channel(channel: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """[h, w] unsigned integers -> [size[1], size[0]] of the same type."""
    image = Image.fromarray(channel.astype(np.float32))
    codes = np.asarray(image.resize(size, Image.Resampling.LANCZOS))
    return np.clip(codes + 0.5, 0, np.iinfo(channel.dtype).max).astype(channel.dtype)


def _even(length: Fraction) -> int:
    """The even number next to a length: 4:2:0 video has no others."""
    return max(2, 2 * round(length / 2))
