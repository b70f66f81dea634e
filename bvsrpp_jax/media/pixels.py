"""From decoded frames to RGB arrays and back, within one code value.

swscale, asked for accurate rounding and with both colour spaces named, is within half a
code of eight-bit limited range in both directions. It is off by a whole code when it
writes full range and by up to four ten-bit codes for deeper formats, so there it only
changes the sampling of the chroma planes and the matrix is `color`'s own. Chroma of
4:2:0 output sits where H.264 and its successors expect it, level with the left luma
sample; swscale's default is half a pixel further right.
"""

from fractions import Fraction

import av
import numpy as np
from av.filter import Graph
from av.video.reformatter import Interpolation

from bvsrpp_jax.media.color import BT601, LUMA, RGB, Color, rgb_to_yuv, yuv_to_rgb

_ACCURATE = int(
    Interpolation.BICUBIC
    | Interpolation.ACCURATE_RND
    | Interpolation.FULL_CHR_H_INT
    | Interpolation.FULL_CHR_H_INP
)
_LIMITED, _FULL = 1, 2  # AVColorRange


def bit_depth(format: av.VideoFormat) -> int:
    """Bits of the deepest component."""
    return max(component.bits for component in format.components)


def is_rgb(format: av.VideoFormat) -> bool:
    """Whether pixels are stored as RGB, directly or through a palette."""
    return format.is_rgb or format.has_palette


def is_transparent(frame: av.VideoFrame) -> bool:
    """Whether a background would be seen through any of its pixels."""
    if not any(component.is_alpha for component in frame.format.components):
        return False
    return bool(frame.reformat(format="rgba").to_ndarray()[..., 3].min() < 255)


def to_rgb(frame: av.VideoFrame, color: Color) -> np.ndarray:
    """Decodes the colours of a frame; transparency is dropped.

    Args:
      frame: of any pixel format.
      color: how its codes are to be read; ignored for RGB formats.

    Returns:
      [h, w, 3] RGB: uint8 for formats of up to eight bits, else uint16 over 0..65535.
    """
    bits = bit_depth(frame.format)
    if is_rgb(frame.format) or bits <= 8:
        target = "rgb24" if bits <= 8 else "rgb48le"
        return frame.reformat(
            format=target,
            dst_color_range=_FULL,
            interpolation=_ACCURATE,
            **_source_color(frame.format, color),
        ).to_ndarray()
    return yuv_to_rgb(_codes(frame, bits), color, bits=bits)


def to_16_bits(pixels: np.ndarray) -> np.ndarray:
    """uint8 over its whole range -> uint16 over its own; uint16 as it is."""
    return pixels * np.uint16(257) if pixels.dtype == np.uint8 else pixels


class YuvEncoder:
    """Makes frames for an encoder out of RGB arrays of one size.

    Args:
      width, height: of the arrays.
      color: matrix and range to encode with, tagged on every frame.
      format: the encoder's pixel format, Y'CbCr.
      deep: whether arrays are uint16, not uint8.
    """

    def __init__(
        self, width: int, height: int, *, color: Color, format: str, deep: bool
    ):
        self._color = color
        self._bits = bit_depth(av.VideoFormat(format))
        self._by_matrix = deep or self._bits > 8 or color.full_range
        given = _planar_444(self._bits) if self._by_matrix else "rgb24"
        self._graph = _scale_graph(width, height, given, format, color)

    def __call__(self, pixels: np.ndarray) -> av.VideoFrame:
        """[h, w, 3] uint8 or uint16 RGB -> a frame without a timestamp."""
        if self._by_matrix:
            frame = self._by_own_matrix(pixels)
        else:
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), "rgb24")
        frame.pts, frame.time_base = 0, Fraction(1)
        self._graph.push(frame)
        encoded = self._graph.pull()
        encoded.pts = None
        _tag(encoded, self._color)
        return encoded

    def _by_own_matrix(self, pixels: np.ndarray) -> av.VideoFrame:
        yuv = rgb_to_yuv(pixels, self._color, bits=self._bits)
        yuv = yuv.astype(np.uint8 if self._bits == 8 else np.uint16)
        height, width, _ = yuv.shape
        frame = av.VideoFrame(width, height, _planar_444(self._bits))
        for plane, codes in zip(frame.planes, np.moveaxis(yuv, -1, 0), strict=True):
            rows = np.zeros((height, plane.line_size // yuv.itemsize), yuv.dtype)
            rows[:, :width] = codes
            plane.update(rows)
        _tag(frame, self._color)
        return frame


def _planar_444(bits: int) -> str:
    return "yuv444p" if bits == 8 else f"yuv444p{bits}le"


def _scale_graph(width: int, height: int, given: str, wanted: str, color: Color):
    """A filter graph, since PyAV's own reformat cannot place the chroma samples."""
    graph = Graph()
    source = graph.add_buffer(
        width=width,
        height=height,
        format=av.VideoFormat(given),
        time_base=Fraction(1),
    )
    matrix, range_ = _swscale_matrix(color), _FULL if color.full_range else _LIMITED
    settings = {
        "flags": "bicubic+accurate_rnd+full_chroma_int+full_chroma_inp",
        "in_range": range_ if given != "rgb24" else _FULL,
        "in_color_matrix": matrix,
        "out_range": range_,
        "out_color_matrix": matrix,
        "out_chroma_loc": "left",
    }
    arguments = ":".join(f"{name}={value}" for name, value in settings.items())
    scale = graph.add("scale", arguments)
    format = graph.add("format", f"pix_fmts={wanted}")
    graph.link_nodes(source, scale, format, graph.add("buffersink")).configure()
    return graph


def _swscale_matrix(color: Color) -> int:
    """swscale's number of the matrix: H.273's, with one number for both BT.601."""
    if color.matrix not in LUMA:
        raise ValueError(f"matrix {color.matrix} is not one of {sorted(LUMA)}")
    return 5 if color.matrix == BT601 else color.matrix


def _source_color(format: av.VideoFormat, color: Color) -> dict[str, int]:
    if is_rgb(format) or color.matrix == RGB:
        return {}
    return {
        "src_colorspace": _swscale_matrix(color),
        "src_color_range": _FULL if color.full_range else _LIMITED,
    }


def _codes(frame: av.VideoFrame, bits: int) -> np.ndarray:
    """[h, w, 3] uint16: the codes of a frame of 9 to 16 bits, chroma at full size."""
    grey = len(frame.format.components) < 3
    resampled = frame.reformat(
        format=f"gray{bits}le" if grey else _planar_444(bits),
        src_color_range=_LIMITED,
        dst_color_range=_LIMITED,
        interpolation=_ACCURATE,
    )
    planes = [
        np.frombuffer(plane, np.uint16).reshape(plane.height, -1)[:, : plane.width]
        for plane in resampled.planes
    ]
    if grey:
        planes += 2 * [np.full_like(planes[0], 1 << bits - 1)]
    return np.stack(planes, -1)


def _tag(frame: av.VideoFrame, color: Color) -> None:
    frame.colorspace = color.matrix
    frame.color_range = _FULL if color.full_range else _LIMITED
    frame.color_primaries = color.primaries
    frame.color_trc = color.transfer
