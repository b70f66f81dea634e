"""What the virtual camera films is the photograph, moved as its path says."""

import numpy as np
import pytest

from bvsrpp_jax.data import virtual_camera
from bvsrpp_jax.data.virtual_camera import Path, blob, composite, film, random_path


def path(centres, *, step=1.0, angle=0.0):
    count = len(centres)
    return Path(np.array(centres, float), np.full(count, step), np.full(count, angle))


@pytest.fixture(scope="module")
def photograph():
    return np.random.default_rng(0).integers(0, 256, (200, 260, 3), dtype=np.uint8)


def test_whole_pixel_positions_are_plain_crops(photograph):
    frames = virtual_camera.render(photograph, path([(100, 80), (103, 78)]), 32)
    np.testing.assert_array_equal(frames[0], photograph[64:96, 84:116])
    np.testing.assert_array_equal(frames[1], photograph[62:94, 87:119])


def test_a_quarter_turn_turns_the_crop(photograph):
    turned = path([(100, 80)], angle=np.pi / 2)
    frame = virtual_camera.render(photograph, turned, 32)[0].astype(int)
    expected = np.rot90(photograph[64:96, 84:116], -1).astype(int)
    matches = [np.abs(np.rot90(expected, k) - frame).max() <= 1 for k in range(4)]
    assert matches.count(True) == 1


def test_a_half_pixel_move_lies_between_its_neighbours():
    ramp = np.repeat(np.arange(0, 200, 2, dtype=np.uint8)[None, :, None], 100, 0)
    ramp = np.repeat(ramp, 3, 2)  # brightness is twice the column
    frames = virtual_camera.render(ramp, path([(50, 50), (50.5, 50)]), 16)
    assert (frames[1].astype(int) - frames[0] == 1).all()


@pytest.mark.parametrize("side", [78, 110, 220])
def test_frames_stay_on_the_photograph(side):
    white = np.full((side, side, 3), 255, np.uint8)  # outside reads black
    for seed in range(30):
        rng = np.random.default_rng(seed)
        clip = film([white], num_frames=3, size=64, occlusion=0.5, rng=rng)
        assert clip.shape == (3, 64, 64, 3)
        assert clip.min() == 255


def test_a_photograph_without_room_for_a_turned_frame_is_refused():
    small = np.zeros((300, 70, 3), np.uint8)
    with pytest.raises(ValueError, match="70x300; need sides of at least 1.2 times"):
        random_path(small, 3, 64, np.random.default_rng(0))


def test_the_start_has_more_detail_than_a_random_place():
    half = np.zeros((200, 400, 3), np.uint8)
    half[:, 200:] = np.random.default_rng(0).integers(0, 256, (200, 200, 3))
    starts = [
        random_path(half, 1, 64, np.random.default_rng(seed)).centre[0, 0]
        for seed in range(100)
    ]
    assert np.mean(np.array(starts) > 200) > 0.8


def test_the_foreground_moves_with_its_photograph():
    moving = path([(100, 100), (96, 103)])  # the picture moves right and up
    alpha = blob(moving, 64, np.random.default_rng(1))
    assert 0 < alpha[0].mean() < 1
    np.testing.assert_allclose(alpha[1][:-3, 4:], alpha[0][3:, :-4], atol=1e-4)


def test_composite_shows_the_front_where_it_is_opaque():
    back, front = np.zeros((1, 2, 2, 3), np.uint8), np.full((1, 2, 2, 3), 200, np.uint8)
    alpha = np.array([[[0.0, 1.0], [0.5, 1.0]]])
    np.testing.assert_allclose(
        composite(back, front, alpha)[..., 0], 200 * alpha, atol=1
    )


def test_the_same_generator_films_the_same_clip(photograph):
    clips = [
        film([photograph], num_frames=2, size=64, occlusion=0.5, rng=rng)
        for rng in (np.random.default_rng(3), np.random.default_rng(3))
    ]
    np.testing.assert_array_equal(*clips)
