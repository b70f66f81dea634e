"""Colour tags and the arithmetic between Y'CbCr and RGB.

The numbers of the tags are the code points of ITU-T H.273, which every codec and
container shares: 1 is BT.709, 2 is "not said", 5 and 6 are BT.601, 9 is BT.2020.

    Y' = kr R' + (1 - kr - kb) G' + kb B'
    Cb = (B' - Y') / (2 - 2 kb),  Cr = (R' - Y') / (2 - 2 kr)

Limited range puts Y' on 16..235 and Cb, Cr on 16..240 (times 2^(bits - 8)), full range
on all codes; H.273 equations 20 to 40.
"""

from dataclasses import dataclass, replace

import numpy as np

RGB, UNSPECIFIED, BT709, BT601_625, BT601, BT2020 = 0, 2, 1, 5, 6, 9
# (kr, kb) by matrix code point. Constant-luminance and ICtCp matrices are not linear.
LUMA = {
    BT709: (0.2126, 0.0722),
    4: (0.30, 0.11),  # FCC
    BT601_625: (0.299, 0.114),
    BT601: (0.299, 0.114),
    7: (0.212, 0.087),  # SMPTE 240M
    BT2020: (0.2627, 0.0593),
}


@dataclass(frozen=True)
class Color:
    """How a clip's pixels are coded, as H.273 code points.

    Attributes:
      matrix: a key of `LUMA`, or RGB for pictures that are not coded as Y'CbCr.
      full_range: all codes are used, not 16..235.
      primaries, transfer: passed on as they are; no arithmetic here depends on them.
    """

    matrix: int
    full_range: bool = False
    primaries: int = UNSPECIFIED
    transfer: int = UNSPECIFIED

    def for_video(self, lines: int) -> "Color":
        """The colour to encode with: itself, or for RGB one that suits the size."""
        if self.matrix != RGB:
            return self
        if self.primaries == BT2020:
            return replace(self, matrix=BT2020, full_range=False)
        if self.primaries != UNSPECIFIED:
            return replace(self, matrix=assumed(lines).matrix, full_range=False)
        return assumed(lines)


def assumed(lines: int, *, full_range: bool = False) -> Color:
    """The colour of untagged video of a height: BT.709 from 720 lines up, else BT.601.

    It is what players assume. All tags are filled in, since the restored clip may be
    tall enough for a player to assume differently.
    """
    if lines >= 720:
        return Color(BT709, full_range, BT709, BT709)
    primaries = BT601_625 if lines in (288, 576) else BT601
    return Color(primaries, full_range, primaries, BT601)


def yuv_to_rgb(yuv: np.ndarray, color: Color, *, bits: int) -> np.ndarray:
    """Decodes Y'CbCr codes.

    Args:
      yuv: [h, w, 3] codes of `bits` bits.
      color: matrix and range.
      bits: 8 to 16.

    Returns:
      [h, w, 3] uint16 RGB over 0..65535, rounded, clipped.
    """
    scale, offset = _code_scale(color.full_range, bits)
    matrix = np.linalg.inv(_forward_matrix(color.matrix))
    gain = np.float32(65535 * matrix / scale)  # columns act on Y', Cb, Cr
    rgb = yuv.astype(np.float32) @ gain.T - np.float32(gain @ offset)
    return np.clip(rgb + 0.5, 0, 65535).astype(np.uint16)


def rgb_to_yuv(rgb: np.ndarray, color: Color, *, bits: int) -> np.ndarray:
    """Encodes RGB: the inverse of `yuv_to_rgb`.

    Args:
      rgb: [h, w, 3] uint8 or uint16, over the whole range of the type.
      color: matrix and range.
      bits: 8 to 16.

    Returns:
      [h, w, 3] uint16 codes of `bits` bits, rounded, clipped.
    """
    scale, offset = _code_scale(color.full_range, bits)
    peak = np.iinfo(rgb.dtype).max
    gain = np.float32(_forward_matrix(color.matrix) * scale[:, None] / peak)
    yuv = rgb.astype(np.float32) @ gain.T + np.float32(offset)
    return np.clip(yuv + 0.5, 0, 2**bits - 1).astype(np.uint16)


def _forward_matrix(matrix: int) -> np.ndarray:
    """RGB in [0, 1] -> Y' in [0, 1], Cb and Cr in [-1/2, 1/2]."""
    kr, kb = LUMA[matrix]
    luma = np.array([kr, 1 - kr - kb, kb])
    cb = (np.array([0, 0, 1]) - luma) / (2 - 2 * kb)
    cr = (np.array([1, 0, 0]) - luma) / (2 - 2 * kr)
    return np.stack([luma, cb, cr])


def _code_scale(full_range: bool, bits: int) -> tuple[np.ndarray, np.ndarray]:
    """Codes are `scale * value + offset`, for Y', Cb, Cr."""
    unit = 2 ** (bits - 8)
    if full_range:
        scale = np.full(3, 2**bits - 1)
        return scale, np.array([0, 128, 128]) * unit
    return np.array([219, 224, 224]) * unit, np.array([16, 128, 128]) * unit
