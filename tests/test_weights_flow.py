"""A training starts from a flow network alone, or from a whole network."""

import jax
import numpy as np
import pytest
import safetensors.numpy
from flax.traverse_util import flatten_dict, unflatten_dict
from handmade import whole
from patterned import patterned

from bvsrpp_jax.errors import InputError
from bvsrpp_jax.models.basicvsrpp import BasicVSRPlusPlus
from bvsrpp_jax.weights import load, load_flow, load_into, save
from bvsrpp_jax.weights.layout import (
    CONSTANTS,
    flow_layout,
    layout,
    shapes,
    to_tree,
)

TINY = BasicVSRPlusPlus(  # the network of the fixtures
    mid_channels=4,
    num_blocks=1,
    deform_groups=2,
    hr_channels=4,
    spynet_channels=(2, 3, 2, 2),
)
SENTENCE_END = "Get a file with the whole of it, unaltered."


def flow_state():
    """A good flow network under MMEditing's names, with patterned values."""
    places = flow_layout(TINY).items()
    return {k.removeprefix("spynet."): patterned(k, place.shape) for k, place in places}


def constants():
    return {
        key.removeprefix("spynet."): np.float32(value).reshape(1, 3, 1, 1)
        for key, value in CONSTANTS.items()
    }


def basicsr(state):
    """BasicSR's names: activations are counted, convolutions have no name."""
    renamed = {}
    for key, array in state.items():
        levels, level, convs, conv, _, kind = key.split(".")
        renamed[f"{levels}.{level}.{convs}.{2 * int(conv)}.{kind}"] = array
    return renamed


def write_pth(path, state, wrapper="", container="zip"):
    """A `.pth` file as `torch.save` writes it."""
    path.write_bytes(whole({wrapper: state} if wrapper else state, container))
    return path


def expected_flow():
    tensors = {k: patterned(k, place.shape) for k, place in layout(TINY).items()}
    return flatten_dict(to_tree(TINY, tensors)["spynet"], sep="/")


def assert_is_the_flow_network(found):
    expected, found = expected_flow(), flatten_dict(found, sep="/")
    assert found.keys() == expected.keys()
    for path, array in expected.items():
        assert isinstance(found[path], jax.Array)
        assert np.asarray(found[path]).tobytes() == array.tobytes(), path


@pytest.mark.parametrize(
    ("state", "wrapper"),
    [
        (flow_state(), ""),
        (flow_state() | constants(), "state_dict"),
        ({f"module.{k}": x for k, x in flow_state().items()}, ""),
        ({f"spynet.{k}": x for k, x in flow_state().items()}, ""),
        (basicsr(flow_state()), "params"),
    ],
    ids=["bare", "MMEditing", "parallel", "prefixed", "BasicSR"],
)
def test_flow_network_of_every_project_loads_bit_for_bit(tmp_path, state, wrapper):
    for container in ("zip", "legacy"):
        path = write_pth(tmp_path / f"{container}.pth", state, wrapper, container)
        assert_is_the_flow_network(load_flow(path))
    safetensors.numpy.save_file(state, tmp_path / "x.safetensors")
    assert_is_the_flow_network(load_flow(tmp_path / "x.safetensors"))


def test_flow_network_of_the_paper_has_the_usual_sizes(tmp_path):
    model = BasicVSRPlusPlus()
    places = flow_layout(model)
    assert len(places) == 60
    state = {
        k.removeprefix("spynet."): patterned(k, place.shape)
        for k, place in places.items()
    }
    flow = flatten_dict(
        {"spynet": load_flow(write_pth(tmp_path / "x.pth", state))}, sep="/"
    )
    expected = {k: s for k, s in shapes(model).items() if k.startswith("spynet/")}
    assert {path: array.shape for path, array in flow.items()} == expected


def test_whole_network_gives_its_flow_network(tiny_pth, tmp_path):
    assert_is_the_flow_network(load_flow(tiny_pth))
    save(tmp_path / "x.safetensors", *load(tiny_pth))
    assert_is_the_flow_network(load_flow(tmp_path / "x.safetensors"))


def test_nothing_but_the_flow_network_is_looked_at(tmp_path):
    """BasicVSR has the same flow network, and its other tensors may be broken."""
    state = {f"generator.spynet.{k}": x for k, x in flow_state().items()}
    state["generator.backward_resblocks.main.0.weight"] = np.float32([np.nan])
    assert_is_the_flow_network(load_flow(write_pth(tmp_path / "x.pth", state)))


def test_preset_has_a_flow_network_too():
    model, params = load("lite")
    assert jax.tree.structure(load_flow("lite")) == jax.tree.structure(params["spynet"])


def test_all_problems_are_in_one_message_under_the_names_of_the_file(tmp_path):
    state = basicsr(flow_state())
    del state["basic_module.0.basic_module.8.bias"]
    state["basic_module.9.basic_module.0.weight"] = np.zeros(3, np.float32)
    state["basic_module.1.basic_module.0.bias"] = np.zeros(5, np.float32)
    state["basic_module.2.basic_module.4.bias"] = np.full(2, np.inf, np.float32)
    path = write_pth(tmp_path / "x.pth", state)
    with pytest.raises(InputError) as error:
        load_flow(path)
    assert str(error.value) == (
        f"{path}: does not fit a flow network (SPyNet):"
        " 1 missing (spynet.basic_module.0.basic_module.4.conv.bias);"
        " 1 unexpected (basic_module.9.basic_module.0.weight);"
        " 1 misshapen (basic_module.1.basic_module.0.bias [5] not [2]);"
        " 1 unusable (basic_module.2.basic_module.4.bias is not finite)."
        f" {SENTENCE_END}"
    )


def test_flow_network_for_another_normalisation_is_refused(tmp_path):
    state = flow_state() | {"mean": np.zeros((1, 3, 1, 1), np.float32)}
    with pytest.raises(InputError, match=r"mean is not \[0\.485"):
        load_flow(write_pth(tmp_path / "x.pth", state))


def test_absurd_sizes_are_refused_before_anything_is_built(tmp_path):
    wide = {k: np.zeros(2000, np.float32) for k in flow_state() if ".0.conv." in k}
    with pytest.raises(InputError, match="no flow network has: spynet_channels"):
        load_flow(write_pth(tmp_path / "x.pth", wide))


@pytest.mark.parametrize(
    ("key", "what"),
    [
        ("generator.basicvsr.spynet.basic_module.0.weight", "is RealBasicVSR"),
        ("generator.backward_resblocks.main.0.weight", "is BasicVSR, the predecessor"),
        (
            "layer1.0.conv1.weight",
            "no flow network: its keys are layer1.0.conv1.weight",
        ),
        ("spynet.mean", "no flow network: its keys are spynet.mean"),
    ],
)
def test_file_without_a_flow_network_is_named_for_what_it_is(tmp_path, key, what):
    path = write_pth(tmp_path / "x.pth", {key: np.zeros((2, 2), np.float32)})
    with pytest.raises(InputError, match=f"^{path}: .*{what}.* Name a SPyNet"):
        load_flow(path)


@pytest.mark.parametrize("read", [load_flow, lambda path: load_into({}, path)])
def test_no_file_and_no_weights_are_one_clear_line(tmp_path, read):
    with pytest.raises(InputError, match=r"gone\.pth: no such file"):
        read(tmp_path / "gone.pth")
    (tmp_path / "page.pth").write_bytes(b"<!DOCTYPE html>")
    with pytest.raises(InputError, match=r"page\.pth: is a web page"):
        read(tmp_path / "page.pth")
    with pytest.raises(InputError, match="no such file or preset"):
        read(tmp_path / "gone")


def test_whole_network_is_not_loaded_from_a_flow_network_alone(tmp_path):
    path = write_pth(tmp_path / "x.pth", flow_state() | constants())
    with pytest.raises(InputError, match="SPyNet.*alone.*config.init_from"):
        load(path)


def zeros_like(model):
    return unflatten_dict(
        {p: np.zeros(s, np.float32) for p, s in shapes(model).items()}, sep="/"
    )


def test_flow_network_alone_leaves_the_other_parameters(tmp_path):
    path = write_pth(tmp_path / "x.pth", flow_state())
    params = load_into(zeros_like(TINY), path)
    assert_is_the_flow_network(params.pop("spynet"))
    assert flatten_dict(params, sep="/").keys() == {
        p for p in shapes(TINY) if not p.startswith("spynet/")
    }
    assert not any(np.any(array) for array in flatten_dict(params, sep="/").values())


@pytest.mark.parametrize("kind", ["pth", "safetensors"])
def test_whole_network_replaces_everything(tiny_pth, tmp_path, kind):
    path = tiny_pth
    if kind == "safetensors":
        path = tmp_path / "x.safetensors"
        save(path, *load(tiny_pth))
    expected = flatten_dict(load(tiny_pth)[1], sep="/")
    found = flatten_dict(load_into(zeros_like(TINY), path), sep="/")
    assert found.keys() == expected.keys()
    for name, array in expected.items():
        np.testing.assert_array_equal(found[name], array)


def test_weights_of_another_size_are_refused(tiny_pth, tmp_path):
    params = zeros_like(TINY.clone(num_blocks=2, hr_channels=5))
    with pytest.raises(InputError) as error:
        load_into(params, tiny_pth)
    assert str(error.value).startswith(
        f"{tiny_pth}: does not fit the network of the configuration: 16 missing"
        " (backward_1/backbone/block_1/conv1/bias, "
    )
    assert "conv_hr/bias [4] not [5]" in str(error.value)
    flow = write_pth(tmp_path / "x.pth", flow_state())
    wider = zeros_like(TINY.clone(spynet_channels=(3, 3, 2, 2)))
    with pytest.raises(
        InputError, match=r"18 misshapen \(spynet/basic_module_0/conv_0"
    ):
        load_into(wider, flow)
    smaller = zeros_like(TINY.clone(num_blocks=0))
    with pytest.raises(InputError, match="16 unexpected"):
        load_into(smaller, tiny_pth)
