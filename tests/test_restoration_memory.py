"""The estimates are above what is needed, but not far."""

import tracemalloc
from functools import partial
from itertools import product

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from media_files import pictures
from stand_in import QUICKLY, StandIn, tiny_network

from bvsrpp_jax.models.basicvsrpp import BasicVSRPlusPlus
from bvsrpp_jax.restoration import Restorer
from bvsrpp_jax.restoration.compiling import compile_live_programs, compile_programs
from bvsrpp_jax.restoration.memory import (
    available_memory,
    containers_leave,
    memory_of,
    size_text,
)

MODEL = BasicVSRPlusPlus()


def needed(size=(180, 320), *, dtype=np.uint8, **options):
    return memory_of(MODEL, size, 8, 8, dtype=dtype, **options)


NETWORKS = {
    "x4": {},
    "x2, one branch": {"scale": 2, "branches": ("forward_1",)},
}


@pytest.mark.parametrize(
    "compiled",
    [
        partial(compile_programs, chunk=4),
        partial(compile_live_programs, lookahead=3),
    ],
    ids=["chunks", "live"],
)
@pytest.mark.parametrize("options", NETWORKS.values(), ids=NETWORKS)
def test_the_estimate_is_above_what_the_programs_ask_for(compiled, options):
    model, params = tiny_network(**options)
    size = model.min_side, model.min_side
    _, asked = compiled(
        model,
        params,
        size,
        dtype=np.dtype(np.uint8),
        device=jax.devices()[0],
        options=QUICKLY,
    )
    parameters = sum(leaf.nbytes for leaf in jax.tree.leaves(params))
    options = {"dtype": np.uint8, "parameters": parameters}
    estimate = memory_of(model, size, 4, 4, **options).device
    assert 0.3 * estimate < asked < estimate


def test_parameters_are_on_the_device_whatever_the_frames():
    """176 MB of c128n25, in tiles as in whole frames, and in either precision."""
    size = 43_780_463 * 4
    for model in (MODEL, MODEL.clone(dtype="bfloat16")):
        for options in ({}, {"tile": (180, 192)}, {"ensemble": 8}, {"on_disk": True}):
            needs = partial(memory_of, model, (180, 320), 8, 8, dtype=np.uint8)
            more = needs(parameters=size, **options)
            less = needs(**options)
            assert more == less._replace(device=less.device + size)


def test_what_the_programs_ask_for_has_the_parameters_once():
    class Heavy(StandIn):
        def reconstruct(self, params, lq, feats):
            return super().reconstruct(params[0, 0], lq, feats)

    asked = [
        compile_programs(
            Heavy(),
            jnp.ones((side, side)),
            (64, 64),
            dtype=np.dtype(np.uint8),
            chunk=1,
            device=jax.devices()[0],
            options=QUICKLY,
        )[1]
        for side in (1, 1024)
    ]
    assert asked[1] - asked[0] == pytest.approx(4 * 1024**2, rel=0.01)


def test_frames_that_are_waited_for_are_on_the_device():
    """Each has five features and, as it came and joined, four flows of two floats."""
    near, far = (
        compile_live_programs(
            StandIn(),
            jnp.float32(1),
            (64, 64),
            dtype=np.dtype(np.uint8),
            lookahead=lookahead,
            device=jax.devices()[0],
            options=QUICKLY,
        )[1]
        for lookahead in (0, 9)
    )
    assert far - near >= 9 * 64 * 64 * 4 * (5 + 4 * 2)


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


def test_a_chunk_that_is_not_full_waits_as_a_whole():
    needs = partial(memory_of, MODEL, (180, 320), dtype=np.uint8, on_disk=True)
    features = 180 * 320 * (5 * 4 * 64 + 16)
    for window, chunk, frames in [(4, 8, 8), (8, 8, 8), (9, 8, 16), (9, 3, 9)]:
        source = 3 * window * 180 * 320 * 3
        assert needs(window, chunk).disk == frames * features + source


def test_an_ensemble_has_a_window_and_a_chunk_of_floats_before_and_after_the_network():
    """And its programs take and give floats; whether codes have 8 bits or 16."""
    floats = (8 + 8) * 180 * 320 * (3 + 16 * 3) * 4
    for dtype, options in product([np.uint8, np.uint16], [{}, {"tile": (180, 192)}]):
        once = needed(dtype=dtype, **options)
        mean = needed(dtype=dtype, ensemble=8, **options)
        part = 192 / 320 if options else 1
        assert mean.host - once.host == pytest.approx(part * floats)
        more = 12 - 3 * np.dtype(dtype).itemsize  # of a pixel's codes and floats
        chunk = 8 * 16 * 2 * more * 180 * 320 * part
        assert mean.device - once.device == pytest.approx(chunk)
        assert needed(dtype=dtype, ensemble=16, **options) == mean


@pytest.mark.parametrize(
    "options",
    [{"ensemble": 8}, {"tile": 100}, {"ensemble": 2, "tile": 100}],
    ids=str,
)
def test_what_is_collected_is_below_the_estimate(options):
    """Arrays of NumPy at their most; those of the device are not among them."""
    network = StandIn(mid_channels=1), jnp.float32(1)  # as many as it really has
    restorer = Restorer(*network, window=8, chunk=8, shots=False, **options)
    frames = pictures(16, width=140, height=70)
    plan = restorer.plan((70, 140))

    def restore():
        for _ in restorer.stream(frames, plan=plan):
            pass

    restore()  # compiles
    tracemalloc.start()
    restore()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert 0.3 * plan.needed.host < peak < plan.needed.host


def test_what_is_collected_for_a_window_is_held_even_from_disk():
    """A blended or averaged window is complete before its first frame is."""
    flat = needed(on_disk=True)
    assert flat == flat._replace(host=memory_of_disk(1000).host)
    for options in ({"tile": (180, 192)}, {"ensemble": 8}):
        held = memory_of_disk(1000, **options)
        assert held.host > 20 * flat.host
        without = memory_of(MODEL, (180, 320), 1000, 8, dtype=np.uint8, **options)
        # All but the features and flows, which are what waits on disk.
        pixels = 180 * (192 if "tile" in options else 320)
        assert held.host == without.host - 1000 * pixels * (5 * 4 * 64 + 16)


def memory_of_disk(window, **options):
    return memory_of(
        MODEL, (180, 320), window, 8, dtype=np.uint8, on_disk=True, **options
    )


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


@pytest.mark.parametrize(
    ("own", "group", "files"),
    [
        ("0::/pod/step", "pod", ("memory.max", "memory.current", "inactive_file")),
        (
            "4:cpu,memory:/pod",
            "memory/pod",
            ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
        ),
    ],
)
def test_a_container_leaves_what_it_has_not_taken(tmp_path, own, group, files):
    """The cache of files, which may be all of the input, is not taken."""
    folder, (limit, used, cache) = tmp_path / group, files
    folder.mkdir(parents=True)
    (folder / limit).write_text("1000\n")
    (folder / used).write_text("900\n")
    (folder / "memory.stat").write_text(f"anon 100\n{cache} 700\n")
    outer = folder.parent
    (outer / limit).write_text("max\n")
    assert list(containers_leave(f"1:pids:/other\n{own}\n", tmp_path)) == [800]
