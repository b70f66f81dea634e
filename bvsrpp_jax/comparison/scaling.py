"""Frames of two clips brought to one size and one type."""

import numpy as np
from PIL import Image

BICUBIC = Image.Resampling.BICUBIC  # a = -1/2, antialiased where it shrinks


def resized(pixels: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Bicubic resize.

    Args:
      pixels: [h, w, 3] uint8 or uint16.
      size: (width, height) of the result; a frame that has it is returned as it is.

    Returns:
      [height, width, 3] of the same type, rounded and clipped.
    """
    height, width, _ = pixels.shape
    if (width, height) == size:
        return pixels
    if pixels.dtype == np.uint8:
        return np.asarray(Image.fromarray(pixels).resize(size, BICUBIC))
    planes = np.moveaxis(pixels.astype(np.float32), -1, 0)  # Pillow's RGB has 8 bits
    resized = [Image.fromarray(plane).resize(size, BICUBIC) for plane in planes]
    peak = np.iinfo(pixels.dtype).max
    return np.clip(np.stack(resized, -1) + 0.5, 0, peak).astype(pixels.dtype)


def as_type(pixels: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """uint8 over 0..255 or uint16 over 0..65535 -> either of them, rounded."""
    if pixels.dtype == dtype:
        return pixels
    if dtype == np.uint8:
        return ((pixels.astype(np.uint32) + 128) // 257).astype(np.uint8)
    return pixels.astype(np.uint16) * np.uint16(257)
