"""The key table: complete, exact, the same both ways."""

import ast
import lzma
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax.traverse_util import flatten_dict
from golden_weights import official_name
from patterned import patterned

from bvsrpp_jax.models.basicvsrpp import BasicVSRPlusPlus
from bvsrpp_jax.weights.layout import (
    CONSTANTS,
    layout,
    num_parameters,
    shapes,
    to_official,
    to_tree,
)

FIXTURES = Path(__file__).parent / "fixtures"
OFFICIAL = {
    "c64n7 x4": (BasicVSRPlusPlus(), 7_322_927),
    "c64n15 same-size": (BasicVSRPlusPlus(num_blocks=15, scale=1), 9_760_175),
    "c128n25 x4": (BasicVSRPlusPlus(mid_channels=128, num_blocks=25), 43_780_463),
    "c128n25 same-size": (
        BasicVSRPlusPlus(mid_channels=128, num_blocks=25, scale=1),
        44_075_631,
    ),
}
SMALL = BasicVSRPlusPlus(
    mid_channels=6,
    num_blocks=2,
    deform_groups=4,
    num_extract_blocks=1,
    num_reconstruction_blocks=3,
    hr_channels=5,
    spynet_channels=(2, 3, 4, 5),
)
MODELS = {
    "x4": SMALL,
    "same-size": SMALL.clone(scale=1),
    "no blocks": SMALL.clone(num_blocks=0, num_extract_blocks=0),
    "same-size stride 2": SMALL.clone(scale=1, feature_stride=2),
    "same-size stride 1": SMALL.clone(scale=1, feature_stride=1),
    "x2": SMALL.clone(scale=2),
    "x3 of half the size": SMALL.clone(scale=3, feature_stride=2),
    "x8": SMALL.clone(scale=8),
    "one branch": SMALL.clone(branches=("forward_1",)),
    "three branches": SMALL.clone(branches=("forward_2", "backward_1", "forward_1")),
    "first order": SMALL.clone(second_order=False),
    "flow alignment": SMALL.clone(alignment="flow"),
    "first order flow alignment": SMALL.clone(alignment="flow", second_order=False),
}


@pytest.fixture(scope="module")
def official_lists():
    """Keys and shapes of the official PyTorch network, as it lists them itself."""
    text = lzma.decompress((FIXTURES / "official_parameters.txt.xz").read_bytes())
    lists = {}
    for line in text.decode().splitlines():
        variant, key, shape = line.split("\t")
        lists.setdefault(variant, {})[key] = ast.literal_eval(shape)
    return lists


@pytest.mark.parametrize("variant", OFFICIAL)
def test_parameter_count_is_the_official_one(variant):
    model, count = OFFICIAL[variant]
    assert num_parameters(model) == count


@pytest.mark.parametrize("variant", OFFICIAL)
def test_keys_shapes_and_order_are_those_of_the_official_network(
    variant, official_lists
):
    model, _ = OFFICIAL[variant]
    ours = dict.fromkeys(CONSTANTS, (1, 3, 1, 1))
    ours |= {key: place.shape for key, place in layout(model).items()}
    assert list(ours.items()) == list(official_lists[variant].items())


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
def test_tree_is_the_one_that_the_network_initialises(model):
    lq = jax.ShapeDtypeStruct((1, 2, model.min_side, model.min_side, 3), jnp.float32)
    tree = jax.eval_shape(model.init, jax.random.key(0), lq)["params"]
    expected = {path: leaf.shape for path, leaf in flatten_dict(tree, sep="/").items()}
    assert shapes(model) == expected


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
def test_there_and_back_is_identity(model):
    tensors = {k: patterned(k, place.shape) for k, place in layout(model).items()}
    back = to_official(model, to_tree(model, tensors))
    assert list(back) == [*CONSTANTS, *tensors]
    for key, array in tensors.items():
        assert back[key].dtype == np.float32
        assert back[key].flags.c_contiguous
        np.testing.assert_array_equal(back[key], array, err_msg=key)


def test_bits_survive_both_ways():
    """Not a number with a payload, negative zero, a denormal: no value is touched."""
    odd = np.array([0x7FC00123, 0x80000000, 0x00000001], np.uint32).view(np.float32)
    tensors = {k: patterned(k, place.shape) for k, place in layout(SMALL).items()}
    tensors["conv_last.bias"] = odd
    tree = to_tree(SMALL, tensors)
    assert tree["conv_last"]["bias"].tobytes() == odd.tobytes()
    assert to_official(SMALL, tree)["conv_last.bias"].tobytes() == odd.tobytes()


def test_kernel_axes_are_moved_from_oihw_to_hwio():
    tensors = {k: patterned(k, place.shape) for k, place in layout(SMALL).items()}
    kernel = to_tree(SMALL, tensors)["backward_2"]["backbone"]["conv_in"]["kernel"]
    official = tensors["backbone.backward_2.main.0.weight"]
    assert kernel.shape == (3, 3, 24, 6)
    assert kernel[0, 2, 17, 4] == official[4, 17, 0, 2]


@pytest.mark.parametrize("scale", [1, 4])
def test_table_agrees_with_the_second_writing_of_it(scale):
    """`golden_weights.official_name` maps paths to keys by other means."""
    table = layout(SMALL.clone(scale=scale))
    ours = {"/".join(place.path): key for key, place in table.items()}
    assert ours == {path: official_name(path, scale) for path in ours}


def test_constants_are_exported_as_the_official_buffers():
    tensors = {k: patterned(k, place.shape) for k, place in layout(SMALL).items()}
    mean = to_official(SMALL, to_tree(SMALL, tensors))["spynet.mean"]
    assert mean.shape == (1, 3, 1, 1)
    assert mean.dtype == np.float32
    np.testing.assert_array_equal(mean.ravel(), np.float32([0.485, 0.456, 0.406]))
