"""The network against the official one, and what its seams promise."""

from itertools import product
from pathlib import Path

import jax
import numpy as np
import pytest
from golden_weights import golden_params

from bvsrpp_jax.models.basicvsrpp import (
    BRANCHES,
    BasicVSRPlusPlus,
    flow_per_frame,
)
from bvsrpp_jax.models.propagation import empty_carry

GOLDEN = Path(__file__).parent / "golden"
X4 = BasicVSRPlusPlus(mid_channels=16, num_blocks=1)
SAME = BasicVSRPlusPlus(mid_channels=16, num_blocks=2, scale=1)
CLIPS = {
    "x4_c16n1_64x96_t5": (X4, 11),
    "x4_c16n1_70x93_t3_b2": (X4, 11),
    "x4_c16n1_64x64_t2": (X4, 11),
    "x4_c16n1_64x64_t6_mirror": (X4, 11),
    "same_c16n2_256x320_t3": (SAME, 12),
}


def load(name):
    model, seed = CLIPS[name]
    return model, golden_params(model, seed), np.load(GOLDEN / f"{name}.npz")


def stages(model, params, lq):
    """Flows, every branch's features and the output of a whole clip."""
    call = lambda method, *args: model.apply({"params": params}, *args, method=method)
    flows = call("flows", lq)
    feats = [call("features", lq)]
    for branch in BRANCHES:
        flow_n1 = flow_per_frame(branch, *flows)
        feat, _ = call("propagate", branch, feats, flow_n1, empty_carry(feats[0]))
        feats.append(feat)
    return flows, feats[1:], call("reconstruct", lq, feats)


@pytest.mark.parametrize("name", CLIPS)
def test_equals_the_official_network(name):
    """Outputs to 1e-5, flows and features to 1e-4: bounds of the golden arrays."""
    model, params, golden = load(name)
    lq = golden["lq"].astype(np.float32) / 255
    flows, feats, output = jax.jit(stages, static_argnums=0)(model, params, lq)
    f, s = int(golden["flow_stride"]), int(golden["feat_stride"])
    for direction, flow in zip(("backward", "forward"), flows, strict=True):
        if f"flows_{direction}" not in golden:  # the official code mirrors the other
            continue
        expected = golden[f"flows_{direction}"]
        np.testing.assert_allclose(flow[:, :, ::f, ::f], expected, atol=1e-4, rtol=0)
    for branch, feat in zip(BRANCHES, feats, strict=True):
        expected = golden[f"feat_{branch}"]
        np.testing.assert_allclose(feat[:, :, ::s, ::s], expected, atol=1e-4, rtol=0)
    o = int(golden["output_stride"])
    np.testing.assert_allclose(
        output[:, :, ::o, ::o], golden["output"], atol=1e-5, rtol=0
    )
    np.testing.assert_allclose(output.mean(), golden["output_mean"], atol=1e-5)
    np.testing.assert_allclose(output.std(), golden["output_std"], atol=1e-5)


def test_one_frame_is_restored_without_a_neighbour():
    model, params, golden = load("x4_c16n1_64x64_t2")
    lq = golden["lq"][:, :1].astype(np.float32) / 255
    output = jax.jit(model.apply)({"params": params}, lq)
    assert output.shape == (1, 1, 256, 256, 3)
    assert np.isfinite(output).all()


def test_centre_frame_of_a_mirrored_clip():
    """The Vimeo-90K protocol: mirrored to 14 frames, centre = mean of both copies."""
    golden = np.load(GOLDEN / "ensemble_and_centre.npz")
    lq = golden["vimeo_lq"].astype(np.float32) / 255
    lq = np.concatenate([lq, lq[:, ::-1]], 1)
    output = jax.jit(X4.apply)({"params": golden_params(X4, 11)}, lq)
    centre = (output[:, 3] + output[:, 10]) / 2
    expected = golden["vimeo_centre"].reshape(centre[:, ::2, ::2].shape)
    np.testing.assert_allclose(centre[:, ::2, ::2], expected, atol=1e-5, rtol=0)


@pytest.mark.long
def test_outputs_of_flipped_turned_and_reversed_clips():
    """The x8 ensembles: every variant is restored, turned back, and averaged."""
    golden = np.load(GOLDEN / "ensemble_and_centre.npz")
    lq = golden["lq"].astype(np.float32) / 255
    params = golden_params(X4, 11)
    network = jax.jit(lambda lq: X4.apply({"params": params}, lq))
    plain, means = network(lq), []
    for step in (1, -1):  # forward and reversed in time
        restored = []
        for rows, columns, turned in product((1, -1), (1, -1), (False, True)):
            view = lq[:, ::step, ::rows, ::columns]
            output = network(view.swapaxes(2, 3) if turned else view)
            output = output.swapaxes(2, 3) if turned else output
            restored.append(output[:, ::step, ::rows, ::columns])
        means.append(sum(restored) / 8)
    recorded = {
        "plain": plain,
        "spatial": means[0],
        "spatial_temporal": (means[0] + means[1]) / 2,
    }
    for name, output in recorded.items():
        ours = output[:, :, ::3, ::3]
        np.testing.assert_allclose(ours, golden[name], atol=1e-5, rtol=0)
