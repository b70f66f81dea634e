"""Records the answer of `bvsrpp doctor`'s self-test, when the bundled weights change.

python tools/record_answer.py        writes bvsrpp_jax/doctor/answer.npy
"""

from pathlib import Path

import numpy as np

import bvsrpp_jax
from bvsrpp_jax.doctor.self_test import PRESET, clip, sampled

model, params = bvsrpp_jax.load(PRESET)
lq = clip()[None].astype(np.float32) / 255  # [1, t, h, w, 3]
output = np.asarray(model.apply({"params": params}, lq))[0]
path = Path(bvsrpp_jax.__file__).parent / "doctor" / "answer.npy"
np.save(path, sampled(output))
