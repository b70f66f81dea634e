"""Every dialect, in every container, gives the same parameters and says what it was."""

import ml_dtypes
import numpy as np
import pytest
import safetensors.numpy
from flax.traverse_util import flatten_dict
from handmade import call, name, number, text, whole
from test_weights_dialects import TINY, basicsr_key, state_of

from bvsrpp_jax.errors import InputError
from bvsrpp_jax.weights.dialects import translate
from bvsrpp_jax.weights.fitting import to_model
from bvsrpp_jax.weights.saving import save
from bvsrpp_jax.weights.store import read_weights

STATE = state_of(TINY)
PARAMS = flatten_dict(to_model(translate(STATE))[1], sep="/")
COUNTER = np.array([5], np.int64)
META = {"meta": {"epoch": number(3)}}


def prefixed(prefix, state=STATE):
    return {prefix + key: array for key, array in state.items()}


def wrong(state):
    """The same keys; a test that takes these has taken the wrong ones."""
    return {key: array * 0 for key, array in state.items()}


def renamed(state=STATE):
    return {basicsr_key(key): array for key, array in state.items()}


def history():
    """A list of losses as MMEngine pickles it: an object whose state is NumPy's."""
    raw = call("_codecs", "encode", text("\x00" * 8), text("latin1"))
    dtype = call("numpy", "dtype", text("f8"), b"\x89\x88")
    scalar = call("numpy.core.multiarray", "scalar", dtype, raw)
    method = call("__builtin__", "getattr", name("a.b", "History") + text("mean"))
    state = b"}(" + text("log") + scalar + text("mean") + method + b"u"
    return name("a.b", "History") + b")\x81" + state + b"b"


def adam():
    """The optimizer's state: moments by number, floats, and a date for good measure."""
    moment = {"exp_avg": STATE["conv_hr.weight"] * 3}
    date = call("datetime", "date", call("_codecs", "encode", text("abcd"), text("l")))
    return {"generator": {"state": {"0": moment}, "when": date, "lr": b"N"}}


GENERATOR = prefixed("generator.")
TRAINING = {
    **prefixed("module.generator.", wrong(STATE)),
    **prefixed("module.generator_ema.module."),
    "module.step_counter": COUNTER,
    "module.generator_ema.steps": COUNTER,
    "module.data_preprocessor.mean": np.zeros((3, 1, 1), np.float32),
    "module.data_preprocessor.anything": np.zeros(3, np.float32),
}
MMAGIC = {"message_hub": {"log": history()}, "optimizer": adam(), **META}
# Name -> what was saved, whose it is, in which wrapper, behind which prefix.
DIALECTS = {
    "published": (
        {**META, "state_dict": GENERATOR},
        *("MMEditing / MMagic", "state_dict", "generator."),
    ),
    "with step_counter": (
        {**META, "state_dict": {"step_counter": COUNTER, **GENERATOR}},
        *("MMEditing / MMagic", "state_dict", "generator."),
    ),
    "mmediting training": (
        {**META, "state_dict": prefixed("module.generator."), "optimizer": adam()},
        *("MMEditing training checkpoint", "state_dict", "module.generator."),
    ),
    "mmagic training": (
        {**MMAGIC, "state_dict": GENERATOR},
        *("MMagic training checkpoint", "state_dict", "generator."),
    ),
    "mmagic training with average": (
        {**MMAGIC, "param_schedulers": b"]", "state_dict": TRAINING},
        *("MMagic training checkpoint", "state_dict", "module.generator_ema.module."),
    ),
    "basicsr": ({"params": renamed()}, "BasicSR", "params", ""),
    "basicsr with average": (
        {"params": wrong(renamed()), "params_ema": renamed()},
        *("BasicSR", "params_ema", ""),
    ),
    "basicsr in parallel": (
        {"params": prefixed("module.", renamed())},
        *("BasicSR", "params", "module."),
    ),
    "bare": (STATE, "bare state dict", "", ""),
    "in parallel": (prefixed("module."), "bare state dict", "", "module."),
    "compiled": (prefixed("_orig_mod."), "bare state dict", "", "_orig_mod."),
    "bare basicsr": (renamed(), "BasicSR", "", ""),
    "bare restorer": (GENERATOR, "MMEditing / MMagic", "", "generator."),
    "wrapped": ({"state_dict": STATE}, "state dict", "state_dict", ""),
}
FLAT = ("bare", "in parallel", "compiled", "bare basicsr", "bare restorer")


def assert_is_the_network(weights):
    assert weights.model == TINY
    found = flatten_dict(weights.params, sep="/")
    assert found.keys() == PARAMS.keys()
    for path, array in PARAMS.items():
        assert found[path].tobytes() == array.tobytes(), path


@pytest.mark.parametrize("container", ["zip", "legacy"])
@pytest.mark.parametrize("dialect", DIALECTS)
def test_every_dialect_loads_bit_for_bit(tmp_path, dialect, container):
    saved, told, wrapper, prefix = DIALECTS[dialect]
    path = tmp_path / "x.pth"
    path.write_bytes(whole(saved, container))
    weights = read_weights(path)
    assert_is_the_network(weights)
    found = (weights.dialect, weights.container, weights.wrapper, weights.prefix)
    assert found == (told, container, wrapper, prefix)


@pytest.mark.parametrize("dtype", [np.float32, np.float16, ml_dtypes.bfloat16])
@pytest.mark.parametrize("dialect", FLAT)
def test_safetensors_of_every_dialect_load_bit_for_bit(tmp_path, dialect, dtype):
    """Half precision, too: it holds all of the patterned values."""
    state, told, _, prefix = DIALECTS[dialect]
    constants = ("mean", "std")
    state = {
        key: array if key.endswith(constants) else array.astype(dtype)
        for key, array in state.items()
    }
    path = tmp_path / "x.safetensors"
    safetensors.numpy.save_file(state, path, {"format": "pt"})
    weights = read_weights(path)
    assert_is_the_network(weights)
    found = (weights.dialect, weights.container, weights.wrapper, weights.prefix)
    assert found == (told, "safetensors", "", prefix)
    assert weights.verified.startswith("nothing")


def test_safetensors_of_a_training_take_the_average_and_pass_over_counters(tmp_path):
    safetensors.numpy.save_file(TRAINING, tmp_path / "x.safetensors")
    weights = read_weights(tmp_path / "x.safetensors")
    assert_is_the_network(weights)
    assert "module.step_counter" in weights.ignored


def test_what_is_beside_the_weights_is_named_as_ignored(tmp_path):
    path = tmp_path / "x.pth"
    path.write_bytes(whole({**MMAGIC, "state_dict": TRAINING}, "zip"))
    ignored = read_weights(path).ignored
    assert {"message_hub", "optimizer", "meta"} < {*ignored}
    assert "module.data_preprocessor.anything" in ignored
    assert "module.generator.conv_hr.bias" in ignored


@pytest.mark.parametrize("container", ["zip", "legacy"])
def test_object_in_the_state_dict_is_refused_by_name(tmp_path, container):
    path = tmp_path / "x.pth"
    path.write_bytes(whole({"state_dict": {**GENERATOR, "x": history()}}, container))
    with pytest.raises(InputError, match=r"1 entries .* \(x: a.b.History\)"):
        read_weights(path)


def test_description_is_checked_against_the_tensors(tmp_path):
    other = TINY.clone(num_blocks=2)
    params = to_model(translate(state_of(other)))[1]
    save(tmp_path / "x.safetensors", other, params, dialect="bare")
    file = tmp_path / "x.safetensors"
    with safetensors.safe_open(file, "numpy") as opened:
        metadata = opened.metadata()
    safetensors.numpy.save_file(STATE, file, metadata)
    with pytest.raises(InputError, match="does not fit c4n2 x4, as its description"):
        read_weights(file)
