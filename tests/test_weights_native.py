"""Our own files: exact, verified, written all or nothing."""

import json
import os
import struct

import jax.numpy as jnp
import numpy as np
import pytest
import safetensors.numpy
from flax.traverse_util import flatten_dict, unflatten_dict
from hypothesis import given, settings
from hypothesis import strategies as st
from patterned import patterned

from bvsrpp_jax.errors import InputError
from bvsrpp_jax.models.basicvsrpp import BasicVSRPlusPlus
from bvsrpp_jax.weights.architecture import sizes_of
from bvsrpp_jax.weights.layout import shapes
from bvsrpp_jax.weights.native import read_native, save

TINY = BasicVSRPlusPlus(
    mid_channels=2,
    num_blocks=1,
    deform_groups=2,
    num_extract_blocks=1,
    num_reconstruction_blocks=1,
    hr_channels=2,
    spynet_channels=(1, 2, 1, 1),
    max_residue_magnitude=7.5,
)


def params_of(model):
    return unflatten_dict(
        {path: patterned(path, s) for path, s in shapes(model).items()}, sep="/"
    )


@pytest.fixture
def saved(tmp_path):
    path = tmp_path / "tiny.safetensors"
    save(path, TINY, params_of(TINY))
    return path


@pytest.fixture(scope="module")
def once_saved(tmp_path_factory):
    path = tmp_path_factory.mktemp("native") / "x.safetensors"
    save(path, TINY, params_of(TINY))
    return path, path.read_bytes()


def about(path):
    """The description in a saved file."""
    data = path.read_bytes()
    length = struct.unpack("<Q", data[:8])[0]
    return json.loads(json.loads(data[8 : 8 + length])["__metadata__"]["bvsrpp"])


def edited(path, *, description=None, tensors=None):
    """Rewrites a saved file with another description or tensors, its digest kept."""
    description = json.dumps(about(path)) if description is None else description
    flat = safetensors.numpy.load(path.read_bytes()) | (tensors or {})
    flat = {name: array for name, array in flat.items() if array is not None}
    path.write_bytes(safetensors.numpy.save(flat, {"bvsrpp": description}))


def with_sizes(path, **sizes):
    """The description of a saved file with some sizes replaced."""
    kept = about(path)
    return json.dumps({**kept, "sizes": {**kept["sizes"], **sizes}})


def test_round_trip_is_bit_exact(saved):
    model, params = read_native(saved)
    assert model == TINY
    flat = flatten_dict(params, sep="/")
    assert flat.keys() == shapes(TINY).keys()
    for path, array in flatten_dict(params_of(TINY), sep="/").items():
        assert flat[path].dtype == np.float32
        assert flat[path].tobytes() == array.tobytes(), path


@pytest.mark.parametrize(
    "options",
    [
        {"scale": 1},
        {"scale": 1, "feature_stride": 2},
        {"scale": 8},
        {"branches": ("backward_1", "forward_1"), "second_order": False},
        {"alignment": "flow"},
    ],
)
def test_every_option_survives_and_only_unusual_ones_are_told(tmp_path, options):
    model = TINY.clone(**options)
    path = tmp_path / "x.safetensors"
    save(path, model, params_of(model))
    assert read_native(path)[0] == model
    told = about(path)["sizes"].keys() - sizes_of(BasicVSRPlusPlus()).keys()
    assert told == options.keys() - {"scale"}


def test_same_weights_give_the_same_file_and_digest(tmp_path, saved):
    reordered = unflatten_dict(
        dict(reversed(flatten_dict(params_of(TINY), sep="/").items())), sep="/"
    )
    digest = save(tmp_path / "b.safetensors", TINY, reordered)
    assert (tmp_path / "b.safetensors").read_bytes() == saved.read_bytes()
    assert digest.encode() in saved.read_bytes()


def test_digest_covers_sizes_that_leave_no_trace_in_shapes(tmp_path, saved):
    digest = save(saved, TINY, params_of(TINY))
    other = TINY.clone(max_residue_magnitude=10.0)
    assert save(tmp_path / "b.safetensors", other, params_of(TINY)) != digest
    edited(saved, description=with_sizes(saved, max_residue_magnitude=10.0))
    with pytest.raises(InputError, match="digest"):
        read_native(saved)


def test_flipped_bit_of_a_tensor_is_noticed(saved):
    data = bytearray(saved.read_bytes())
    data[-100] ^= 1
    saved.write_bytes(data)
    with pytest.raises(InputError, match="digest"):
        read_native(saved)


def test_jax_arrays_are_saved(tmp_path, saved):
    params = unflatten_dict(
        {k: jnp.asarray(v) for k, v in flatten_dict(params_of(TINY), sep="/").items()},
        sep="/",
    )
    save(tmp_path / "b.safetensors", TINY, params)
    assert (tmp_path / "b.safetensors").read_bytes() == saved.read_bytes()


def test_parameters_of_another_network_are_not_saved(tmp_path):
    path = tmp_path / "x.safetensors"
    with pytest.raises(ValueError, match="c2n2 x4: 16 missing"):
        save(path, TINY.clone(num_blocks=2), params_of(TINY))
    wrong = flatten_dict(params_of(TINY), sep="/")
    wrong["conv_hr/bias"] = wrong["conv_hr/bias"].astype(np.float16)
    wrong["conv_last/bias"] = np.zeros(4, np.float32)
    wrong["more"] = np.zeros(4, np.float32)
    with pytest.raises(ValueError, match="1 unexpected .*1 misshapen .*1 not float32"):
        save(path, TINY, unflatten_dict(wrong, sep="/"))
    assert not path.exists()


def test_file_is_replaced_at_once_and_leaves_no_other(saved, monkeypatch):
    seen = []

    def replace(source, target):
        seen.append((os.path.getsize(source), saved.read_bytes()))
        os.rename(source, target)

    before = saved.read_bytes()
    monkeypatch.setattr("os.replace", replace)
    save(saved, TINY.clone(max_residue_magnitude=1.0), params_of(TINY))
    assert seen == [(len(saved.read_bytes()), before)]
    assert saved.read_bytes() != before
    assert [path.name for path in saved.parent.iterdir()] == [saved.name]


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), SystemExit])
def test_interrupted_write_leaves_the_old_file_and_no_other(saved, monkeypatch, error):
    def fail(_):
        raise error

    before = saved.read_bytes()
    monkeypatch.setattr("os.fsync", fail)
    with pytest.raises((InputError, SystemExit)) as raised:
        save(saved, TINY, params_of(TINY))
    assert raised.type is SystemExit or "No space left on device" in str(raised.value)
    assert saved.read_bytes() == before
    assert [path.name for path in saved.parent.iterdir()] == [saved.name]


@pytest.mark.parametrize("name", ["x.pth", "x", "x.safetensors.gz"])
def test_other_suffix_is_refused(tmp_path, name):
    with pytest.raises(InputError, match="suffix"):
        save(tmp_path / name, TINY, params_of(TINY))


@pytest.mark.parametrize("name", ["gone/x.safetensors", "file/x.safetensors"])
def test_unwritable_place_is_one_line(tmp_path, name):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match=r"x.safetensors: cannot be written \(N"):
        save(tmp_path / name, TINY, params_of(TINY))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("mid_channels", 10**9),
        ("mid_channels", 0),
        ("mid_channels", 2.0),
        ("mid_channels", True),
        ("num_blocks", 10**9),
        ("num_blocks", -1),
        ("num_blocks", "1"),
        ("deform_groups", 3),
        ("deform_groups", 6),
        ("scale", 5),
        ("scale", True),
        ("feature_stride", 3),
        ("feature_stride", 1.0),
        ("branches", []),
        ("branches", ["forward_1", "forward_1"]),
        ("branches", ["forward_1", 2]),
        ("branches", "forward_1"),
        ("branches", [f"forward_{i}" for i in range(1, 18)]),
        ("second_order", 1),
        ("alignment", "none"),
        ("scale", None),
        ("hr_channels", [2]),
        ("num_extract_blocks", 10**9),
        ("num_reconstruction_blocks", 1e300),
        ("max_residue_magnitude", float("nan")),
        ("max_residue_magnitude", 1e9),
        ("max_residue_magnitude", 0.0),
        ("max_residue_magnitude", 7),
        ("spynet_channels", [1, 2, 1]),
        ("spynet_channels", [1, 2, 1, 10**9]),
        ("spynet_channels", 4),
        ("more", 1),
    ],
)
def test_each_size_in_a_file_has_a_type_and_a_range(saved, field, value):
    edited(saved, description=with_sizes(saved, **{field: value}))
    with pytest.raises(InputError, match=f"damaged description .*{field} is"):
        read_native(saved)


def test_missing_size_is_named(saved):
    description = about(saved)
    del description["sizes"]["scale"]
    edited(saved, description=json.dumps(description))
    with pytest.raises(InputError, match="scale is missing"):
        read_native(saved)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "3",
        "{",
        "null",
        '"x"',
        "{}",
        '{"sizes": []}',
        '{"sizes": 3}',
        "[" * 10**5,
    ],
)
def test_description_that_is_no_description_is_refused(saved, text):
    edited(saved, description=text)
    with pytest.raises(InputError, match="damaged description"):
        read_native(saved)


@pytest.mark.parametrize(
    ("tensors", "word"),
    [
        ({"conv_hr/bias": None}, r"1 missing \(conv_hr/bias\)"),
        ({"extra": np.zeros(1, np.float32)}, r"1 unexpected \(extra\)"),
        ({"conv_hr/bias": np.zeros(3, np.float32)}, r"conv_hr/bias \[3\] not \[2\]"),
        (
            {"conv_hr/bias": np.zeros(2, np.float16)},
            r"not float32 \(conv_hr/bias F16\)",
        ),
    ],
)
def test_tensors_that_do_not_fit_are_named(saved, tensors, word):
    edited(saved, tensors=tensors)
    with pytest.raises(InputError, match=word):
        read_native(saved)


@settings(max_examples=100, deadline=None)
@given(place=st.integers(0, 10**6), value=st.integers(0, 255))
def test_any_changed_byte_is_noticed_or_without_effect(once_saved, place, value):
    path, data = once_saved[0], bytearray(once_saved[1])
    data[place % len(data)] = value
    path.write_bytes(data)
    try:
        model, params = read_native(path)
    except InputError:  # whatever else is raised fails the test
        return
    assert model == TINY
    for name, array in flatten_dict(params_of(TINY), sep="/").items():
        assert flatten_dict(params, sep="/")[name].tobytes() == array.tobytes()


def test_file_of_a_later_format_is_refused(saved):
    edited(saved, description=json.dumps({**about(saved), "format": 2}))
    with pytest.raises(InputError, match="unknown format"):
        read_native(saved)


@pytest.mark.parametrize("digest", [None, "", 3, "0" * 64])
def test_wrong_digest_is_refused(saved, digest):
    edited(saved, description=json.dumps({**about(saved), "digest": digest}))
    with pytest.raises(InputError, match="does not match its digest"):
        read_native(saved)
