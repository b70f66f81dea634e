"""Data by name: what cannot be validated on is told before a run begins."""

import numpy as np
import pytest
from clip_trees import write_clip, write_pairs

from bvsrpp_jax.data.catalogue import open_validation
from bvsrpp_jax.errors import InputError


def test_stored_input_is_read_as_it_is(tmp_path):
    frames = write_pairs(tmp_path, ["x"], num_frames=2)
    (read,) = open_validation("folder", tmp_path, "test", scale=4)
    lq, gt = read()
    np.testing.assert_array_equal(lq, frames["x"]["lq"] / np.float32(255))
    np.testing.assert_array_equal(gt, frames["x"]["gt"])


def test_stored_input_of_another_scale_is_told_at_once(tmp_path):
    write_pairs(tmp_path, ["x"], num_frames=2)
    with pytest.raises(InputError, match="x: the ground truth is 4 times larger .* 2"):
        open_validation("folder", tmp_path, "test", scale=2)
    open_validation("folder", tmp_path, "test", scale=2, degradations=("bicubic",))


def test_missing_input_is_told_at_once(tmp_path):
    write_clip(tmp_path / "x")
    with pytest.raises(InputError, match="x: the data set stores no input"):
        open_validation("folder", tmp_path, "test", scale=4)
