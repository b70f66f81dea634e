"""The estimates are above what is needed, but not far."""

import jax
import numpy as np
import pytest
from stand_in import QUICKLY, tiny_network

from bvsrpp_jax.models.basicvsrpp import BasicVSRPlusPlus
from bvsrpp_jax.restoration.memory import available_memory, memory_of, size_text
from bvsrpp_jax.restoration.programs import compile_programs

MODEL = BasicVSRPlusPlus()


def needed(size=(180, 320), *, dtype=np.uint8, **options):
    return memory_of(MODEL, size, 8, 8, dtype=dtype, **options)


def test_the_estimate_is_above_what_the_programs_ask_for():
    model, params = tiny_network()
    _, asked = compile_programs(
        model,
        params,
        (64, 64),
        dtype=np.dtype(np.uint8),
        chunk=4,
        device=jax.devices()[0],
        options=QUICKLY,
    )
    estimate = memory_of(model, (64, 64), 4, 4, dtype=np.uint8).device
    assert 0.3 * estimate < asked < estimate


def test_sixteen_bits_padding_tiles_and_ensembles_count():
    assert needed(dtype=np.uint16) > needed()
    assert needed((1, 1)) == needed((64, 64))
    tiled = needed(tile=(180, 192))
    assert tiled.device < needed().device
    assert tiled.host < needed().host
    assert needed(ensemble=8).host > needed().host
    waiting = needed(on_disk=True)
    assert waiting.disk > 0.5 * needed().host
    assert needed().disk == 0


def test_half_the_precision_is_half_the_features():
    half = memory_of(MODEL.clone(dtype="bfloat16"), (180, 320), 8, 8, dtype=np.uint8)
    assert half.host < 0.6 * needed().host


def test_this_machine_has_memory(tmp_path):
    for size in available_memory(scratch=tmp_path):
        assert 2**20 < size < 2**50
    assert available_memory().disk == 0
    assert available_memory(2**30)[:2] == (2**30, 2**30)


@pytest.mark.parametrize(
    ("size", "text"), [(0, "0 MiB"), (2**29, "512 MiB"), (3 * 2**29, "1.5 GiB")]
)
def test_sizes_as_text(size, text):
    assert size_text(size) == text
