"""H.264 and HEVC: real ones, repeatable, of the quality and colour asked for."""

import io
from fractions import Fraction

import av
import numpy as np
import pytest
from media_files import pictures

from bvsrpp_jax.data.compression import compress_h264, compress_hevc
from bvsrpp_jax.media.color import assumed
from bvsrpp_jax.media.pixels import YuvEncoder, to_rgb

BOTH = pytest.mark.parametrize("codec", [compress_h264, compress_hevc])


def clip(frames=6, size=64):
    """A pattern that moves by one pixel a frame."""
    y, x = np.mgrid[: size + frames, :size]
    wide = 128 + 60 * np.sin(x / 5) + 50 * np.cos(y / 3)
    picture = np.stack([wide, wide[::-1], 255 - wide], -1).clip(0, 255).astype(np.uint8)
    return np.stack([picture[t : t + size] for t in range(frames)])


def draw(frames, seed, *, codec=compress_h264, crf):
    return np.stack(list(codec(frames, np.random.default_rng(seed), crf=crf)))


def compress(frames, crf, codec=compress_h264):
    return draw(frames, 0, codec=codec, crf=(crf, crf))


def error(frames, crf, codec):
    return np.abs(compress(frames, crf, codec).astype(int) - frames).mean()


def encoded_alone(frames, crf):
    """What x265 makes of a clip of 256x256 with all its threads off, through a file."""
    color = assumed(frames.shape[1])
    to_yuv = YuvEncoder(256, 256, color=color, format="yuv420p", deep=False)
    file = io.BytesIO()
    with av.open(file, "w", "matroska") as output:
        stream = output.add_stream("libx265", 25, options={"crf": str(crf)})
        stream.width = stream.height = 256
        stream.pix_fmt = "yuv420p"
        stream.options["x265-params"] = (
            "log-level=error:pools=none:frame-threads=1:wpp=0:lookahead-slices=0"
        )
        for index, pixels in enumerate(frames):
            frame = to_yuv(pixels)
            frame.pts, frame.time_base = index, Fraction(1, 25)
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    with av.open(io.BytesIO(file.getvalue())) as container:
        return np.stack([to_rgb(f, color) for f in container.decode(video=0)])


@BOTH
def test_the_same_clip_and_quality_give_the_same_pixels(codec):
    np.testing.assert_array_equal(
        compress(clip(), 28, codec), compress(clip(), 28, codec)
    )


@pytest.mark.parametrize(("height", "width"), [(64, 64), (64, 128)])
def test_hevc_reads_no_memory_that_nobody_has_written(height, width):
    # One block of 64 is all the width or height: there x265 does, without our setting.
    rng = np.random.default_rng(5)
    grain = rng.integers(0, 255, (14, height, width, 3)).astype(np.uint8) // 3
    frames = grain + pictures(14, width=width, height=height) // 2
    results = set()
    for fill in range(8):
        junk = [rng.integers(0, 255, 300 * n + fill) for n in range(1, 80)]
        del junk
        results.add(compress(frames, 28, compress_hevc).tobytes())
    assert len(results) == 1


def test_hevc_is_the_encoder_s_without_any_threads():
    # Its threads are as many as the machine has cores, and four rows of blocks change
    # with them.
    frames = clip(frames=6, size=256)
    np.testing.assert_array_equal(
        compress(frames, 30, compress_hevc), encoded_alone(frames, 30)
    )


@BOTH
def test_frames_pass_through_without_being_held(codec):
    taken = 0

    def frames():
        nonlocal taken
        for frame in np.tile(clip(frames=4, size=64), (60, 1, 1, 1)):
            taken += 1
            yield frame

    compressed = codec(frames(), np.random.default_rng(0), crf=(30, 30))
    next(compressed)
    assert taken < 100  # of 240: the encoders look ahead by 40 and 20
    assert sum(1 for _ in compressed) == 239


@BOTH
def test_frames_keep_their_number_order_and_type(codec):
    # With 12 frames the encoder sends some before those that they are shown after.
    frames = clip(frames=12)
    decoded = compress(frames, 10, codec)
    assert decoded.dtype == np.uint8
    distance = np.abs(decoded[:, None].astype(int) - frames[None]).mean(axis=(2, 3, 4))
    assert distance.argmin(axis=1).tolist() == list(range(12))


def test_a_single_frame_works():
    assert compress(clip(frames=1), 20).shape == (1, 64, 64, 3)


@BOTH
def test_quality_falls_with_the_rate_factor(codec):
    errors = [error(clip(), crf, codec) for crf in (10, 25, 40)]
    assert errors[0] < 3
    assert errors[0] < errors[1] < errors[2]
    assert errors[2] > 5


@BOTH
@pytest.mark.parametrize(
    "color", [(200, 30, 60), (20, 180, 90), (0, 0, 255), (255,) * 3]
)
def test_colours_come_back(codec, color):
    frames = np.full((2, 64, 64, 3), color, np.uint8)
    assert np.abs(compress(frames, 10, codec).astype(int) - frames).max() <= 2


def test_the_quality_is_drawn_from_the_whole_range():
    frames = clip(frames=2, size=32)
    fixed = {compress(frames, crf).tobytes() for crf in (24, 25, 26)}
    assert len(fixed) == 3
    drawn = {draw(frames, seed, crf=(24, 26)).tobytes() for seed in range(20)}
    assert drawn == fixed


def test_floats_are_clipped_and_rounded_first():
    frames = clip()
    frames[0, :8, :8] = 255
    floats = frames / np.float32(255) - np.float32(0.001)
    floats[0, :8, :8] = 1.2
    np.testing.assert_array_equal(compress(floats, 20), compress(frames, 20))


@pytest.mark.parametrize("crf", [(-1, 20), (30, 20), (20, 52)])
def test_an_impossible_quality_is_refused(crf):
    with pytest.raises(ValueError, match="best <= worst <= 51"):
        draw(clip(), 0, crf=crf)


def test_odd_sides_are_refused():
    with pytest.raises(ValueError, match="63x64; yuv420p needs even sides"):
        compress(clip()[:, :, 1:], 20)


def test_frames_that_are_too_small_for_hevc_are_refused():
    with pytest.raises(ValueError, match="62x64; HEVC needs 64 a side"):
        compress(clip()[:, :, 2:], 20, compress_hevc)
