"""Tiles cover a frame evenly and leave no trace where they agree."""

import numpy as np
import pytest

from bvsrpp_jax.restoration.tiles import blend, cut, part_of, tiles

CASES = [
    pytest.param((h, w), counts, overlap, multiple, id=f"{h}x{w}-{counts}-{multiple}")
    for (h, w), counts, overlap, multiple in [
        ((40, 60), (1, 2), 8, 1),
        ((61, 47), (3, 2), 9, 1),
        ((97, 64), (4, 1), 12, 4),
        ((90, 89), (3, 3), 8, 4),
    ]
]


def cover(size, counts, overlap, multiple):
    """The size of a tile, and where they are."""
    options = {"overlap": overlap, "multiple": multiple}
    tile = tuple(part_of(*pair, **options) for pair in zip(size, counts, strict=True))
    return tile, tiles(size, tile, **options)


@pytest.mark.parametrize(("size", "counts", "overlap", "multiple"), CASES)
def test_tiles_cover_with_at_least_the_overlap(size, counts, overlap, multiple):
    (h, w), places = cover(size, counts, overlap, multiple)
    assert len(places) == counts[0] * counts[1]
    covered = np.zeros(size, int)
    for place in places:
        covered[place.top : place.top + h, place.left : place.left + w] += 1
        assert place.top % multiple == place.left % multiple == 0
        assert place.top == 0 or place.above >= overlap
        assert place.left == 0 or place.before >= overlap
    assert covered.min() == 1
    assert (places[-1].top + h, places[-1].left + w) == size


@pytest.mark.parametrize(("size", "counts", "overlap", "multiple"), CASES)
@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_tiles_that_agree_leave_no_seam(size, counts, overlap, multiple, dtype):
    rng = np.random.default_rng(0)
    frames = list((255 * rng.random((2, *size, 3))).astype(dtype))
    tile, places = cover(size, counts, overlap, multiple)
    canvas = np.zeros((2, 2 * size[0], 2 * size[1], 3), dtype)
    for place in places:
        output = np.stack(cut(frames, place, tile)).repeat(2, 1).repeat(2, 2)
        blend(canvas, output, place, scale=2)
    np.testing.assert_array_equal(canvas, np.stack(frames).repeat(2, 1).repeat(2, 2))


def test_tiles_that_differ_fade_over_the_middle_of_their_overlap():
    _, (left, right) = cover((4, 28), (1, 2), 8, 1)
    canvas = np.zeros((1, 4, 28, 3), np.float32)
    blend(canvas, np.zeros((1, 4, 18, 3), np.float32), left, scale=1)
    blend(canvas, np.ones((1, 4, 18, 3), np.float32), right, scale=1)
    row = canvas[0, 0, :, 0]
    np.testing.assert_array_equal(row[:12], 0)  # 10 of its own, 2 of the overlap
    np.testing.assert_allclose(row[12:16], [0.125, 0.375, 0.625, 0.875])
    np.testing.assert_array_equal(row[16:], 1)


def test_no_output_of_an_outermost_pixel_survives():
    """Where a tile was cut out of the frame, it has seen the least."""
    size, (tile, places) = (61, 47), cover((61, 47), (3, 2), 9, 1)
    canvas = np.zeros((1, *size, 3), np.float32)
    for place in places:
        output = np.ones((1, *tile, 3), np.float32)
        if place.top:
            output[:, 0] = np.inf
        if place.left:
            output[:, :, 0] = np.inf
        with np.errstate(invalid="ignore"):
            blend(canvas, np.nan_to_num(output, posinf=9e9), place, scale=1)
    np.testing.assert_array_equal(canvas, 1)


@pytest.mark.parametrize("part", [8, 39])
def test_tiles_that_do_not_fit_are_refused(part):
    with pytest.raises(ValueError, match=f"tile: {part} of 40"):
        tiles((40, 40), (part, 40), overlap=8, multiple=4)
