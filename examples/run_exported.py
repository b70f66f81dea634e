"""Restores a clip with what `bvsrpp export` wrote. No code of bvsrpp_jax is needed.

    pip install jax flatbuffers
    python run_exported.py lite.jaxexport lq.npy output.npy

lq.npy: [t, h, w, 3] float32, RGB in [0, 1]; output.npy the same, larger, not clamped.
"""

import sys
import zipfile

import jax
import numpy as np
from jax import export

with zipfile.ZipFile(sys.argv[1]) as file:
    params = dict(np.load(file.open("params.npz")))
    restore = export.deserialize(bytearray(file.read("restore.bin")))
output = jax.jit(restore.call)(params, np.load(sys.argv[2])[None])
np.save(sys.argv[3], output[0])
