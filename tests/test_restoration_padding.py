"""Frames of any size fit the network, and come back at their own size."""

import jax.numpy as jnp
import numpy as np
import pytest

from bvsrpp_jax.restoration.padding import crop, pad, padded_side


@pytest.mark.parametrize(
    ("side", "min_side", "multiple", "padded"),
    [(1, 64, 1, 64), (64, 64, 1, 64), (65, 64, 1, 65), (1, 256, 4, 256)]
    + [(257, 256, 4, 260), (260, 256, 4, 260)],
)
def test_sides_grow_to_the_least_that_fits(side, min_side, multiple, padded):
    assert padded_side(side, min_side=min_side, multiple=multiple) == padded


@pytest.mark.parametrize("size", [(1, 1), (3, 9), (8, 8), (11, 5)])
def test_the_last_row_and_column_are_repeated(size):
    h, w = size
    frames = np.arange(2 * h * w * 3.0).reshape(2, h, w, 3)
    padded = np.asarray(pad(jnp.asarray(frames), min_side=6, multiple=4))
    assert padded.shape[1] % 4 == padded.shape[2] % 4 == 0
    assert min(padded.shape[1:3]) >= 8
    rows = np.minimum(np.arange(padded.shape[1]), h - 1)
    columns = np.minimum(np.arange(padded.shape[2]), w - 1)
    np.testing.assert_array_equal(padded, frames[:, rows][:, :, columns])


@pytest.mark.parametrize("scale", [1, 4])
def test_crop_undoes_pad(scale):
    frames = jnp.arange(2 * 5 * 7 * 3.0).reshape(2, 5, 7, 3)
    padded = pad(frames, min_side=8, multiple=4)
    output = padded.repeat(scale, 1).repeat(scale, 2)
    wanted = frames.repeat(scale, 1).repeat(scale, 2)
    np.testing.assert_array_equal(crop(output, (5, 7), scale=scale), wanted)
