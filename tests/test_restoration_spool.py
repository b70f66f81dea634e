"""What waits on disk comes back as it was, and leaves nothing behind."""

import os

import ml_dtypes
import numpy as np
import pytest

from bvsrpp_jax.errors import InputError
from bvsrpp_jax.restoration.spool import Spool

DTYPES = [np.uint8, np.uint16, np.float32, ml_dtypes.bfloat16]


@pytest.mark.parametrize("dtype", DTYPES)
def test_arrays_come_back_as_they_were(tmp_path, dtype):
    rng = np.random.default_rng(0)
    arrays = [(99 * rng.random((i + 1, 3, 5))).astype(dtype) for i in range(4)]
    with Spool(tmp_path) as spool:
        held = [spool.hold(array[:, ::-1]) for array in arrays]  # not contiguous
        for _ in range(2):
            for array, waiting in zip(arrays, held, strict=True):
                assert (waiting.shape, waiting.dtype) == (array.shape, dtype)
                np.testing.assert_array_equal(np.asarray(waiting), array[:, ::-1])
        assert os.listdir(tmp_path) == []  # a file without a name


def test_closing_gives_the_file_back(tmp_path):
    before = len(os.listdir("/proc/self/fd"))
    with Spool(tmp_path) as spool:
        spool.hold(np.zeros(3))
        assert len(os.listdir("/proc/self/fd")) == before + 1
    assert len(os.listdir("/proc/self/fd")) == before


def test_the_file_is_there_as_long_as_somebody_has_an_array():
    before = len(os.listdir("/proc/self/fd"))
    held = Spool().hold(np.arange(3))
    np.testing.assert_array_equal(held, [0, 1, 2])
    del held
    assert len(os.listdir("/proc/self/fd")) == before


def test_a_full_disk_is_told():
    # /dev/full is no folder; its error is the one that a full disk gives.
    with Spool() as spool, open("/dev/full", "r+b", buffering=0) as full:
        os.dup2(full.fileno(), spool.fileno())
        with pytest.raises(InputError, match="cannot wait there .No space left"):
            spool.hold(np.zeros(3))


def test_a_folder_that_is_not_there_is_told(tmp_path):
    with pytest.raises(InputError, match="missing: features cannot wait there"):
        Spool(tmp_path / "missing")
