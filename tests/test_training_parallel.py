"""The same global batch gives the same gradients, however many devices share it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from bvsrpp_jax.training.parallel import data_mesh, shard_batch

HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def forms():
    """What parallel_forms.py reports of a process that has eight devices."""
    flags = "--xla_force_host_platform_device_count=8"
    done = subprocess.run(
        [sys.executable, HERE / "parallel_forms.py"],
        env={**os.environ, "XLA_FLAGS": flags, "PYTHONPATH": str(HERE.parent)},
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout)


@pytest.mark.slow
@pytest.mark.parametrize("form", ["1 devices", "8 devices", "pmap"])
def test_gradients_are_those_of_one_clip_after_the_other(forms, form):
    assert forms["gradients"][form] < 1e-10  # in 64-bit mode
    assert forms["losses"][form] < 1e-12


@pytest.mark.slow
def test_a_step_communicates_one_vector_of_gradients_and_one_of_metrics(forms):
    (gather, metrics), (reduce, gradients) = sorted(forms["collectives"])
    assert (gather, reduce) == ("all-gather", "all-reduce")
    assert abs(gradients - forms["parameter_bytes"]) < 0.01 * gradients
    assert metrics < 2000


def test_a_batch_gets_the_dtype_that_is_asked_for():
    batch = {"lq": np.zeros((1, 2), np.float32)}
    sharded = shard_batch(batch, data_mesh(), dtype=np.float16)
    assert sharded["lq"].dtype == np.float16
