"""Skipped updates are told with their samples, and not for ever."""

import numpy as np
import pytest

from bvsrpp_jax.errors import InputError
from bvsrpp_jax.training.guards import tell_skipped


def tell(in_a_row):
    metrics = {
        "loss": np.float32(np.nan),
        "grad_norm": np.float32(np.inf),
        "skipped": np.int32(12),
        "skipped_in_a_row": np.int32(in_a_row),
    }
    said = []
    tell_skipped(metrics, ["clip 40", "clip 41"], step=5, say=said.append)
    return said


def test_the_samples_of_a_skipped_update_are_named():
    assert tell(9) == [
        "step 5: the update is skipped: loss nan, gradient norm inf; 12 skipped in all;"
        " the samples were: clip 40; clip 41"
    ]


def test_the_tenth_in_a_row_ends_the_run():
    with pytest.raises(InputError, match="step 5: 10 updates in a row"):
        tell(10)
