"""State dicts of every project become the same parameters, or one clear message."""

import lzma
from pathlib import Path

import jax
import ml_dtypes
import numpy as np
import pytest
from flax.traverse_util import flatten_dict
from handmade import mapping, number, tensor, zipped
from hypothesis import given, settings
from hypothesis import strategies as st
from patterned import patterned

from bvsrpp_jax.errors import InputError
from bvsrpp_jax.models.basicvsrpp import BasicVSRPlusPlus
from bvsrpp_jax.models.grid import BRANCHES
from bvsrpp_jax.weights.architecture import model_of
from bvsrpp_jax.weights.dialects import find_state_dict, translate
from bvsrpp_jax.weights.fitting import to_model
from bvsrpp_jax.weights.layout import CONSTANTS, layout, to_official, to_tree
from bvsrpp_jax.weights.messages import Refused
from bvsrpp_jax.weights.store import read_weights
from bvsrpp_jax.weights.variant import model_sizes

FIXTURES = Path(__file__).parent / "fixtures"
TINY = BasicVSRPlusPlus(
    mid_channels=4,
    num_blocks=1,
    deform_groups=2,
    hr_channels=4,
    spynet_channels=(2, 3, 2, 2),
)
X4 = BasicVSRPlusPlus(mid_channels=16, num_blocks=1)
SAME = BasicVSRPlusPlus(mid_channels=16, num_blocks=2, scale=1)
BARE = "bare state dict"
PARAMS = ("params",)
MMAGIC_BESIDE = (
    *("meta", "message_hub", "optimizer", "param_schedulers"),
    *("step_counter", "generator_ema.steps", "generator.conv_hr.weight"),
)


def state_of(model, prefix=""):
    """A good official state dict with patterned values."""
    tensors = {k: patterned(k, place.shape) for k, place in layout(model).items()}
    state = to_official(model, to_tree(model, tensors))
    return {prefix + key: array for key, array in state.items()}


def basicsr_key(key):
    """BasicSR's name for an official key."""
    parts = key.split(".")
    if parts[0] == "spynet" and len(parts) > 3:
        parts[4:6] = [str(2 * int(parts[4]))]
    key = ".".join(parts)
    for i in "12":
        key = key.replace(f"upsample{i}.upsample_conv", f"upconv{i}")
    return key


def refusal(state):
    with pytest.raises(Refused) as error:
        to_model(translate(state))
    return str(error.value)


def unpacked(name, folder):
    path = folder / name
    path.write_bytes(lzma.decompress((FIXTURES / f"{name}.xz").read_bytes()))
    return path


@pytest.mark.parametrize(
    ("name", "model", "dialect", "found", "keys", "ignored"),
    [
        (
            *("official_x4_legacy.pth", X4, "MMEditing / MMagic"),
            *(("legacy", "state_dict", "generator."), 178, ("meta", "step_counter")),
        ),
        (
            *("official_same_zip.pth", SAME, "MMEditing training checkpoint"),
            *(("zip", "state_dict", "generator."), 198, ("meta", "optimizer")),
        ),
        ("basicsr_zip.pth", TINY, "BasicSR", ("zip", "params_ema", ""), 178, PARAMS),
        ("module_legacy.pth", TINY, BARE, ("legacy", "", "module."), 178, ()),
        ("parameters_zip.pth", TINY, BARE, ("zip", "", ""), 176, ()),
        ("half_zip.pth", TINY, BARE, ("zip", "", ""), 178, ()),
        ("half_legacy.pth", TINY, BARE, ("legacy", "", ""), 178, ()),
        *(
            (
                *(f"mmagic_training_{container}.pth", TINY),
                "MMagic training checkpoint",
                (container, "state_dict", "generator_ema.module."),
                178,
                MMAGIC_BESIDE,
            )
            for container in ("zip", "legacy")
        ),
    ],
)
def test_file_of_torch_gives_the_parameters_bit_for_bit(
    tmp_path, name, model, dialect, found, keys, ignored
):
    weights = read_weights(unpacked(name, tmp_path))
    assert weights.model == model
    assert weights.dialect == dialect
    assert (weights.container, weights.wrapper, weights.prefix) == found
    assert weights.keys == keys
    assert {*ignored} <= {*weights.ignored}
    state = to_official(model, weights.params)
    for key, place in layout(model).items():
        assert state[key].tobytes() == patterned(key, place.shape).tobytes(), key


@pytest.mark.parametrize("prefix", ["", "generator.", "module.", "module.generator."])
def test_prefix_is_removed(prefix):
    model, _ = to_model(translate(state_of(TINY, prefix)))
    assert model == TINY


@pytest.mark.parametrize("wrapper", ["state_dict", "params", "params_ema"])
def test_wrapper_is_opened(wrapper):
    found = find_state_dict({"meta": {}, wrapper: {"x": 1}})
    assert found == (wrapper, {"x": 1}, ("meta",))


def test_average_over_training_is_preferred():
    saved = {"params": {"x": 0}, "params_ema": {"x": 1}}
    assert find_state_dict(saved)[:2] == ("params_ema", {"x": 1})
    state = state_of(TINY, "generator.")
    average = {
        key.replace("generator.", "generator_ema.module."): array * 2
        for key, array in state.items()
    }
    average["generator_ema.steps"] = np.zeros(1)
    translated = translate({**state, **average, "step_counter": np.zeros(1)})
    np.testing.assert_array_equal(
        translated.tensors["conv_hr.weight"], 2 * state["generator.conv_hr.weight"]
    )
    assert len(translated.ignored) == len(state) + 2


def test_basicsr_names_give_the_same_parameters():
    official = state_of(TINY)
    basicsr = {basicsr_key(key): array for key, array in official.items()}
    assert "upconv1.weight" in basicsr
    assert basicsr.keys() != official.keys()
    translated = translate(basicsr)
    assert translated.dialect == "BasicSR"
    ours, theirs = to_model(translate(official)), to_model(translated)
    assert ours[0] == theirs[0]
    for path, array in flatten_dict(ours[1]).items():
        np.testing.assert_array_equal(array, flatten_dict(theirs[1])[path])


@pytest.mark.parametrize("dtype", [np.float16, ml_dtypes.bfloat16])
def test_half_precision_is_widened_exactly(dtype):
    state = {key: array.astype(dtype) for key, array in state_of(TINY).items()}
    _, params = to_model(translate(state))
    kernel = params["conv_hr"]["kernel"]
    assert kernel.dtype == np.float32
    np.testing.assert_array_equal(
        kernel.transpose(3, 2, 0, 1), state["conv_hr.weight"].astype(np.float32)
    )


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("dtype", [np.float16, ml_dtypes.bfloat16])
def test_signalling_nan_in_half_precision_is_one_error_and_no_warning(dtype):
    state = state_of(TINY)
    state["conv_hr.bias"] = np.full(4, 0x7F81, np.uint16).view(dtype)
    assert "1 unusable (conv_hr.bias is not finite)" in refusal(state)


def test_constants_may_be_absent_but_not_different():
    state = state_of(TINY)
    without = {key: array for key, array in state.items() if key not in CONSTANTS}
    assert to_model(translate(without))[0] == TINY
    state["spynet.mean"] = state["spynet.mean"] + np.float32(1e-4)
    assert "unusable (spynet.mean is not [0.485" in refusal(state)


VARIANTS = [
    BasicVSRPlusPlus(),
    BasicVSRPlusPlus(num_blocks=15, scale=1),
    BasicVSRPlusPlus(mid_channels=128, num_blocks=25),
    BasicVSRPlusPlus(mid_channels=128, num_blocks=25, scale=1),
    TINY.clone(num_blocks=3, num_extract_blocks=0, num_reconstruction_blocks=7),
    TINY.clone(deform_groups=8, hr_channels=9, spynet_channels=(5, 4, 3, 2), scale=1),
    BasicVSRPlusPlus(num_blocks=15, scale=1, feature_stride=2),
    TINY.clone(scale=2),
    TINY.clone(scale=3, hr_channels=6),
    TINY.clone(scale=8, hr_channels=7),
    TINY.clone(scale=3, feature_stride=2),
    TINY.clone(branches=("forward_1",)),
    TINY.clone(branches=("forward_2", "backward_1", "forward_1")),
    TINY.clone(branches=(*BRANCHES, "backward_3")),
    TINY.clone(branches=BRANCHES[::-1]),
    TINY.clone(second_order=False, deform_groups=4),
]


@pytest.mark.parametrize("model", VARIANTS)
def test_sizes_are_read_off_the_shapes(model):
    found = model_of(model_sizes({k: p.shape for k, p in layout(model).items()}))
    assert found == model


@pytest.mark.parametrize("scale", [3, 4])
def test_one_damaged_tensor_does_not_make_it_another_network(scale):
    model = TINY.clone(scale=scale)
    shapes = {key: place.shape for key, place in layout(model).items()}
    for key, shape in shapes.items():
        damaged = {**shapes, key: (5,) * len(shape)}
        assert model_of(model_sizes(damaged)) == model, key


@pytest.mark.parametrize("prefix", ["", "generator."])
def test_the_one_upsampling_of_finer_features_may_be_called_the_second(prefix):
    model = TINY.clone(scale=1, feature_stride=2)
    state = {f"{prefix}{key}": array for key, array in state_of(model).items()}
    second = {k.replace("upsample1", "upsample2"): v for k, v in state.items()}
    found = translate(second)
    assert found.dialect == translate(state).dialect != "BasicSR"
    bias = "upsample2.upsample_conv.bias"
    assert found.keys["upsample1.upsample_conv.bias"] == f"{prefix}{bias}"
    loaded, params = to_model(found)
    assert loaded == model
    expected = to_model(translate(state))[1]
    jax.tree.map(np.testing.assert_array_equal, params, expected)


def test_a_missing_upsampling_is_missing_where_there_are_two():
    state = {k: v for k, v in state_of(TINY).items() if "upsample1" not in k}
    assert "does not fit c4n1 x4: 2 missing (upsample1" in refusal(state)


def test_a_missing_branch_is_missing_and_not_another_network():
    state = {k: v for k, v in state_of(TINY).items() if ".forward_2." not in k}
    assert "does not fit c4n1 x4: 16 missing (deform_align.forward_2" in refusal(state)


def test_missing_deformable_convolutions_are_not_another_network():
    """BasicSR saves none where it cannot run them, and means nothing by it."""
    state = {k: v for k, v in state_of(TINY).items() if "deform_align" not in k}
    assert "does not fit c4n1 x4: 40 missing (deform_align" in refusal(state)


def test_all_problems_are_in_one_message():
    state = state_of(TINY)
    del state["conv_hr.bias"], state["conv_last.bias"]
    state["extra.weight"] = np.zeros(3)
    state["conv_hr.weight"] = np.zeros((3, 4), np.float32)
    state["conv_last.weight"] = state["conv_last.weight"].astype(np.float64)
    state["backbone.forward_1.main.0.bias"] = np.full(4, np.nan, np.float32)
    assert refusal(state) == (
        "does not fit c4n1 x4: 2 missing (conv_hr.bias, conv_last.bias);"
        " 1 unexpected (extra.weight);"
        " 1 misshapen (conv_hr.weight [3, 4] not [4, 4, 3, 3]);"
        " 2 unusable (backbone.forward_1.main.0.bias is not finite,"
        " conv_last.weight is float64). Get a file with the whole network, unaltered."
    )


def test_long_lists_are_cut_after_ten():
    state = {k: v for k, v in state_of(TINY).items() if ".basic_module." not in k}
    message = refusal(state)
    assert "60 missing" in message
    assert "and 50 more" in message
    assert len(message) < 1000


GOOD = state_of(TINY, "generator.")
EDITS = ("delete", "rename", "reshape", "nan", "infinity", "double", "integer", "add")


@settings(max_examples=200, deadline=None)
@given(
    key=st.sampled_from(sorted(layout(TINY))),
    edit=st.sampled_from(EDITS),
    place=st.integers(0, 10**6),
)
def test_edited_key_is_named(key, edit, place):
    state = dict(GOOD)
    key, named = f"generator.{key}", f"generator.{key}"
    if edit == "delete":
        del state[key]
        named = key.removeprefix("generator.")
    elif edit == "rename":
        named = key + "_old"
        state[named] = state.pop(key)
    elif edit == "add":
        named = key.replace("weight", "gain").replace("bias", "shift")
        state[named] = state[key]
    elif edit == "reshape":
        state[key] = np.concatenate([state[key], state[key]])
    elif edit in ("nan", "infinity"):
        state[key] = state[key].copy()
        state[key].flat[place % state[key].size] = np.nan if edit == "nan" else -np.inf
    else:
        kind = np.float64 if edit == "double" else np.int64
        state[key] = state[key].astype(kind)
    message = refusal(state)
    assert named in message
    assert message.startswith("does not fit c4n1 x4: 1 ")


def test_stray_tensor_of_one_more_block_is_unexpected_and_not_a_larger_network():
    state = state_of(TINY)
    state["feat_extract.main.2.5.conv1.bias"] = np.zeros(4, np.float32)
    assert "1 unexpected (feat_extract.main.2.5.conv1.bias)." in refusal(state)


def test_two_names_for_one_tensor_are_refused():
    state = state_of(TINY)
    state["module.conv_hr.bias"] = state["conv_hr.bias"]
    message = refusal(state)
    assert "conv_hr.bias twice" in message
    assert "module.conv_hr.bias" in message


@pytest.mark.parametrize(
    ("key", "network"),
    [
        ("generator.backward_resblocks.main.0.weight", "BasicVSR, the predecessor"),
        ("generator.image_cleaning.0.weight", "RealBasicVSR"),
        ("basic_module.0.basic_module.0.conv.weight", "SPyNet"),
        ("layer1.0.conv1.weight", "no BasicVSR.*layer1.0.conv1.weight"),
    ],
)
def test_other_networks_are_told_apart(key, network):
    with pytest.raises(Refused, match=network):
        to_model(translate({key: np.zeros((4, 3, 3, 3), np.float32)}))


def test_no_keys_at_all_are_refused():
    assert "no BasicVSR++" in refusal({})


def test_absurd_sizes_are_refused_before_anything_is_built():
    """2000 channels of zeros: a view of one element, and no network has as many."""
    state = state_of(TINY)
    wide = np.broadcast_to(np.float32(0), (2000,))
    for key in [key for key in state if key.startswith(("deform_align", "backbone"))]:
        state[key] = wide
    assert "mid_channels is 2000" in refusal(state)


def test_file_with_values_that_are_no_tensors_is_refused(tmp_path):
    path = tmp_path / "x.pth"
    path.write_bytes(zipped(mapping(a=tensor(), b=number(3), c=b"N")))
    with pytest.raises(
        InputError, match=r"2 entries that are no tensors \(b: int, c: NoneType"
    ):
        read_weights(path)


def test_module_metadata_of_torch_is_passed_over(tmp_path):
    """A state dict of a module carries `_metadata`; the whole-network files have it."""
    data = lzma.decompress((FIXTURES / "official_x4_legacy.pth.xz").read_bytes())
    assert b"_metadata" in data
    path = tmp_path / "official.pth"
    path.write_bytes(data)
    weights = read_weights(path)
    assert weights.ignored == ("meta", "step_counter")
    assert weights.model.mid_channels == 16
