"""Values that compress well and betray any exchange of axes or offsets.

Used on both sides of the torch fixtures: `fixtures/make_torch_fixtures.py` writes them
and the tests expect them, so no large array lies in the repository.
"""

import zlib

import numpy as np


def patterned(name, shape):
    """Float32 array of `shape`: a saw of period 251 whose phase depends on `name`.

    All values are multiples of 1/256 in [-0.5, 0.5): float16 and bfloat16 hold them.
    """
    phase = zlib.crc32(name.encode()) % 251
    saw = (np.arange(np.prod(shape, dtype=int)) + phase) % 251
    return (saw.astype(np.float32) / 256 - 0.5).reshape(shape)
