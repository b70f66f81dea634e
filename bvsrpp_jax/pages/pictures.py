"""Pictures as they lie in a page: WebP in base64, an element each."""

import base64
import io

import numpy as np
from PIL import Image

WEBP_SIDE = 16383  # pixels: more the format does not hold


def encoded(pixels: np.ndarray, quality: int | None = None) -> bytes:
    """WebP of [h, w, 3] uint8, at most `WEBP_SIDE` pixels a side.

    Args:
      pixels: the picture.
      quality: 1 to 100; None loses nothing, with the least effort: a tenth larger, ten
        times as fast.
    """
    settings = {"lossless": True, "quality": 0, "method": 0}
    if quality is not None:
        settings = {"quality": quality}
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "WEBP", **settings)
    return buffer.getvalue()


def embedded(name: str, picture: bytes) -> bytes:
    """A picture as an element of text that the script looks up by its id."""
    opening = f'<script type="text/plain" id="{name}">'.encode()
    return opening + base64.b64encode(picture) + b"</script>\n"
