"""Every option of the network, on its whole way: from a gradient to a restored clip."""

from itertools import islice
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from stand_in import QUICKLY, tiny_network

import bvsrpp_jax as bvsrpp
from bvsrpp_jax.media import open_clip

SAMPLE = Path(__file__).parents[1] / "examples" / "sample" / "lq.mp4"
OPTIONS = [
    *({"scale": scale} for scale in (1, 2, 3, 4, 8)),
    *({"scale": 1, "feature_stride": stride} for stride in (1, 2)),
    {"scale": 2, "feature_stride": 2},
    {"scale": 3, "feature_stride": 4},
    {"branches": ("forward_1",)},
    {"branches": ("backward_1",)},
    {"branches": ("backward_1", "forward_1")},
    {"branches": ("forward_1", "backward_1", "forward_2")},
    {"branches": ("backward_1", "forward_1", "backward_2", "forward_2", "backward_3")},
    {"second_order": False},
    {"alignment": "flow"},
    {"alignment": "flow", "second_order": False},
    {"scale": 1, "feature_stride": 2, "branches": ("forward_1",), "alignment": "flow"},
]


@pytest.fixture(scope="module")
def frames():
    with open_clip(SAMPLE) as clip:
        return [frame.pixels for frame in islice(clip, 5)]


@pytest.mark.slow
@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_forward_gradient_save_load_and_a_real_clip(options, frames, tmp_path):
    model, params = tiny_network(**options)
    side = model.min_side
    lq = jnp.asarray(np.stack(frames)[None, :3, :side, :side] / 255, jnp.float32)
    lq = jnp.pad(lq, [(0, 0)] * 2 + [(0, side - s) for s in lq.shape[2:4]] + [(0, 0)])

    def loss(params):
        output = model.apply({"params": params}, lq)
        return jnp.mean(output**2), output

    step = jax.jit(jax.grad(loss, has_aux=True), compiler_options=QUICKLY)
    gradient, output = step(params)
    assert output.shape == (1, 3, model.scale * side, model.scale * side, 3)
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(gradient))
    for suffix in ("safetensors", "pth"):
        path = tmp_path / f"weights.{suffix}"
        bvsrpp.save(path, model, params)
        loaded, same = bvsrpp.load(path)
        assert loaded == model
        jax.tree.map(np.testing.assert_array_equal, same, params)
    restored = list(bvsrpp.Restorer(loaded, same, window=3).stream(frames))
    h, w, _ = frames[0].shape
    assert len(restored) == len(frames)
    assert restored[0].shape == (model.scale * h, model.scale * w, 3)
