"""Decoded frames to RGB and back, within one code value of the definition."""

import av
import numpy as np
import pytest
from test_media_color import MATRICES, colours, decode, encode

from bvsrpp_jax.media.color import BT709, Color
from bvsrpp_jax.media.pixels import YuvEncoder, is_transparent, to_rgb

BLOCK = 16


def blocks(values):
    """Every colour as a block, so that chroma sampling does not matter inside."""
    return values.repeat(BLOCK, 0).repeat(BLOCK, 1)


def middles(planes, shape):
    """The sample in the middle of every block, of planes of any sampling."""
    rows, columns = shape
    return np.stack(
        [
            plane[
                plane.shape[0] // rows // 2 :: plane.shape[0] // rows,
                plane.shape[1] // columns // 2 :: plane.shape[1] // columns,
            ]
            for plane in planes
        ],
        -1,
    )


def planes(frame):
    size = np.uint8 if frame.format.components[0].bits == 8 else np.uint16
    return [
        np.frombuffer(plane, size).reshape(plane.height, -1)[:, : plane.width]
        for plane in frame.planes
    ]


@pytest.mark.parametrize("deep", [False, True])
@pytest.mark.parametrize("format", ["yuv420p", "yuv444p", "yuv420p10le"])
@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("matrix", MATRICES)
def test_colours_are_within_one_code_both_ways(matrix, full, format, deep):
    values, bits = colours(5), 10 if "10" in format else 8
    peak, dtype = (65535, np.uint16) if deep else (255, np.uint8)
    rgb = np.round(peak * values).astype(dtype)
    color = Color(matrix, full)
    height, width = (BLOCK * side for side in rgb.shape[:2])
    encoder = YuvEncoder(width, height, color=color, format=format, deep=deep)
    frame = encoder(blocks(rgb))

    codes = middles(planes(frame), rgb.shape[:2])
    wanted = encode(rgb / peak, matrix, full=full, bits=bits)
    assert np.abs(codes - wanted).max() <= 1

    back = middles(np.moveaxis(to_rgb(frame, color), -1, 0), rgb.shape[:2])
    wanted = decode(codes, matrix, full=full, bits=bits)
    error = np.abs(back / np.iinfo(back.dtype).max - wanted).max()
    assert error <= 1 / (2**bits - 1)
    assert back.dtype == (np.uint16 if bits > 8 else np.uint8)


def test_frames_carry_their_tags():
    color = Color(BT709, True, 9, 16)
    encoder = YuvEncoder(16, 16, color=color, format="yuv420p", deep=False)
    frame = encoder(np.zeros((16, 16, 3), np.uint8))
    tags = frame.colorspace, frame.color_range, frame.color_primaries, frame.color_trc
    assert tuple(map(int, tags)) == (1, 2, 9, 16)


def test_ten_bits_stay_more_than_eight():
    ramp = np.linspace(0, 65535, 512).astype(np.uint16)
    rgb = np.broadcast_to(ramp[None, :, None], (16, 512, 3))
    color = Color(BT709)
    encoder = YuvEncoder(512, 16, color=color, format="yuv420p10le", deep=True)
    back = to_rgb(encoder(rgb), color)
    assert len(np.unique(back[8, :, 1])) > 400
    assert np.abs(back.astype(int) - rgb)[:, 4:-4].max() <= 3 * 64  # 3 of 1023


def test_chroma_sits_level_with_the_left_luma_sample():
    red = np.zeros((32, 128, 3), np.uint8)
    red[..., 0] = 2 * np.arange(128)  # Cr grows linearly along x
    encoder = YuvEncoder(128, 32, color=Color(BT709), format="yuv420p", deep=False)
    cr = planes(encoder(red))[2][8, 8:56].astype(float)
    slope = 224 * (1 - 0.2126) / (2 - 2 * 0.2126) * 2 / 255
    position = (cr - 128) / slope - 2 * np.arange(8, 56)
    assert abs(position.mean()) < 0.1  # half a pixel by swscale's own choice


def test_grey_and_palettes_become_rgb():
    grey = av.VideoFrame.from_ndarray(np.full((8, 8), 200, np.uint8), "gray")
    assert to_rgb(grey, Color(BT709, True))[4, 4].tolist() == [200, 200, 200]


def test_sixteen_bit_rgb_is_kept():
    codes = np.full((8, 8, 3), 12345, np.uint16)
    frame = av.VideoFrame.from_ndarray(codes, "rgb48le")
    assert (to_rgb(frame, Color(0, True)) == codes).all()


@pytest.mark.parametrize("format", ["rgba", "yuva420p", "yuva444p10le"])
def test_transparency_is_seen_where_there_is_some(format):
    pixels = np.full((16, 16, 4), 255, np.uint8)
    opaque = av.VideoFrame.from_ndarray(pixels, "rgba").reformat(format=format)
    pixels[3, 4, 3] = 200
    not_quite = av.VideoFrame.from_ndarray(pixels, "rgba").reformat(format=format)
    assert is_transparent(not_quite)
    assert not is_transparent(opaque)
    assert not is_transparent(opaque.reformat(format="yuv420p"))
