"""What is written for other projects: PyTorch's format, their names, nothing lost."""

import io
import os
import pickle
import zipfile
from collections import OrderedDict

import numpy as np
import pytest
from flax.traverse_util import flatten_dict
from test_weights_dialects import TINY, basicsr_key, state_of

from bvsrpp_jax.errors import InputError
from bvsrpp_jax.weights import load, save
from bvsrpp_jax.weights.dialects import translate
from bvsrpp_jax.weights.fitting import to_model
from bvsrpp_jax.weights.layout import layout, to_tree
from bvsrpp_jax.weights.saving import DIALECTS, unusual_sizes
from bvsrpp_jax.weights.store import read_weights
from bvsrpp_jax.weights.torch_writer import torch_bytes

FAR = TINY.clone(max_residue_magnitude=7.5)  # shapes do not tell
PATTERN = state_of(TINY)
_, PARAMS = to_model(translate(PATTERN))


class TorchUnpickler(pickle.Unpickler):
    """Python's own, with what PyTorch gives it: names, and storages by number.

    It knows three names, those that `torch.load(weights_only=True)` has always known.
    """

    NAMES = {
        ("collections", "OrderedDict"): OrderedDict,
        ("torch", "FloatStorage"): "float",
        (
            "torch._utils",
            "_rebuild_tensor_v2",
        ): lambda storage, offset, size, stride, g, h: np.lib.stride_tricks.as_strided(
            storage[offset:], size, [4 * step for step in stride]
        ),
    }

    def __init__(self, archive, root):
        super().__init__(io.BytesIO(archive.read(f"{root}/data.pkl")))
        self.archive, self.root = archive, root

    def find_class(self, module, name):
        return self.NAMES[module, name]

    def persistent_load(self, saved):
        kind, dtype, key, place, size = saved
        assert (kind, dtype, place) == ("storage", "float", "cpu")
        array = np.frombuffer(self.archive.read(f"{self.root}/data/{key}"), "<f4")
        assert array.size == size
        return array


def unpickled(path):
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None  # every checksum
        root = archive.namelist()[0].partition("/")[0]
        assert archive.read(f"{root}/version") == b"3\n"
        assert archive.read(f"{root}/byteorder") == b"little"
        return TorchUnpickler(archive, root).load()


def assert_same(params, expected=PARAMS):
    flat, other = flatten_dict(params, sep="/"), flatten_dict(expected, sep="/")
    assert flat.keys() == other.keys()
    for path, array in other.items():
        assert np.asarray(flat[path]).tobytes() == array.tobytes(), path


@pytest.mark.parametrize("suffix", [".pth", ".pt", ".safetensors"])
@pytest.mark.parametrize("dialect", [None, "mmagic", "basicsr"])
def test_round_trip_keeps_every_bit_and_what_shapes_do_not_tell(
    tmp_path, dialect, suffix
):
    path = tmp_path / f"x{suffix}"
    save(path, FAR, PARAMS, dialect=dialect)
    model, params = load(path)
    assert model == FAR
    assert_same(params)


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_bare_state_dict_keeps_every_bit(tmp_path, suffix):
    path = tmp_path / f"x{suffix}"
    save(path, TINY, PARAMS, dialect="bare")
    model, params = load(path)
    assert model == TINY
    assert_same(params)


def test_bare_state_dict_does_not_lose_in_silence_what_shapes_do_not_tell(tmp_path):
    with pytest.raises(InputError, match=r"cannot say max_residue_magnitude\. Choose"):
        save(tmp_path / "x.pth", FAR, PARAMS, dialect="bare")
    assert not [*tmp_path.iterdir()]
    save(tmp_path / "x.safetensors", FAR, PARAMS, dialect="bare")  # has room for it
    assert load(tmp_path / "x.safetensors")[0] == FAR
    flow = TINY.clone(alignment="flow")
    params = to_tree(flow, {key: PATTERN[key] for key in layout(flow)})
    with pytest.raises(InputError, match=r"cannot say alignment\. Choose"):
        save(tmp_path / "x.pth", flow, params, dialect="bare")


OPTIONS = (
    *({"scale": 1}, {"scale": 2}, {"scale": 3}, {"scale": 8}),
    *({"scale": 1, "feature_stride": 2}, {"scale": 2, "feature_stride": 2}),
    *({"branches": ("backward_1",)}, {"second_order": False}, {"alignment": "flow"}),
)


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("dialect", [None, "basicsr"])
def test_network_of_every_option_comes_back(tmp_path, options, dialect):
    model = TINY.clone(**options)
    params = to_tree(model, state_of(model))
    for suffix in (".pth", ".safetensors"):
        save(tmp_path / f"x{suffix}", model, params, dialect=dialect)
        weights = read_weights(tmp_path / f"x{suffix}")
        assert weights.model == model
        assert_same(weights.params, params)
    assert {*options} - {"scale"} <= {*unusual_sizes(model)}


def test_mmagic_gets_its_wrapper_prefix_buffers_and_counter(tmp_path):
    """Strict loading of its restorer: `generator`'s state dict and `step_counter`."""
    save(tmp_path / "x.pth", TINY, PARAMS)
    saved = unpickled(tmp_path / "x.pth")
    assert [*saved] == ["meta", "state_dict"]
    state = saved["state_dict"]
    assert type(state) is OrderedDict
    np.testing.assert_array_equal(state.pop("step_counter"), [0.0])
    expected = state_of(TINY, "generator.")
    assert [*state] == [*expected]
    for key, array in expected.items():
        assert state[key].shape == array.shape, key
        assert state[key].tobytes() == array.tobytes(), key


def test_basicsr_gets_its_own_names(tmp_path):
    save(tmp_path / "x.pth", TINY, PARAMS, dialect="basicsr")
    state = unpickled(tmp_path / "x.pth")["params"]
    expected = {basicsr_key(key): array for key, array in state_of(TINY).items()}
    assert state.keys() == expected.keys()
    assert {"spynet.mean", "upconv2.bias"} < state.keys()
    for key, array in expected.items():
        assert state[key].tobytes() == array.tobytes(), key


def test_bare_state_dict_has_the_keys_of_the_network_and_no_other(tmp_path):
    save(tmp_path / "x.pth", TINY, PARAMS, dialect="bare")
    assert [*unpickled(tmp_path / "x.pth")] == [*state_of(TINY)]


def test_elements_begin_where_pytorch_can_map_them(tmp_path):
    save(tmp_path / "x.pth", TINY, PARAMS)
    data = (tmp_path / "x.pth").read_bytes()
    with zipfile.ZipFile(tmp_path / "x.pth") as archive:
        for entry in archive.infolist():
            head = entry.header_offset
            name, extra = data[head + 26 : head + 28], data[head + 28 : head + 30]
            lengths = [int.from_bytes(part, "little") for part in (name, extra)]
            assert (head + 30 + sum(lengths)) % 64 == 0
            assert entry.compress_type == zipfile.ZIP_STORED


def test_only_float32_is_written():
    with pytest.raises(TypeError, match="float64"):
        torch_bytes({"x": np.zeros(2)})


@pytest.mark.parametrize("dialect", DIALECTS)
def test_same_weights_give_the_same_file(tmp_path, dialect):
    """No time, no name of the file, no random order; and one digest for all."""
    digests = set()
    for suffix in (".pth", ".safetensors"):
        paths = [tmp_path / f"{name}{suffix}" for name in "ab"]
        digests |= {save(path, TINY, PARAMS, dialect=dialect) for path in paths}
        assert paths[0].read_bytes() == paths[1].read_bytes()
    assert digests == {save(tmp_path / "c.safetensors", TINY, PARAMS)}


def test_name_that_ends_like_a_sha256_is_refused(tmp_path):
    """Loading would compare the digits, and find others."""
    with pytest.raises(
        InputError, match="reds4-db622b2f.pth: the db622b2f in its name"
    ):
        save(tmp_path / "reds4-db622b2f.pth", TINY, PARAMS)
    assert not [*tmp_path.iterdir()]


def test_unknown_suffix_and_dialect_are_refused(tmp_path):
    with pytest.raises(InputError, match=r"x.ckpt: has another suffix than .saf"):
        save(tmp_path / "x.ckpt", TINY, PARAMS)
    with pytest.raises(ValueError, match="dialect is 'paddle'; there are mmagic"):
        save(tmp_path / "x.pth", TINY, PARAMS, dialect="paddle")


def test_parameters_of_another_network_are_not_saved(tmp_path):
    with pytest.raises(ValueError, match="c4n2 x4: .*missing"):
        save(tmp_path / "x.pth", TINY.clone(num_blocks=2), PARAMS)
    assert not [*tmp_path.iterdir()]


def test_full_disk_leaves_the_old_file_and_no_other(tmp_path, monkeypatch):
    def fail(_):
        raise OSError(28, "No space left on device")

    path = tmp_path / "x.pth"
    path.write_text("old")
    monkeypatch.setattr("os.fsync", fail)
    with pytest.raises(InputError, match=r"x.pth: cannot be written \(No space left"):
        save(path, TINY, PARAMS)
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["x.pth"]


def test_flipped_bit_in_safetensors_of_any_dialect_is_noticed(tmp_path):
    path = tmp_path / "x.safetensors"
    save(path, TINY, PARAMS, dialect="mmagic")
    assert read_weights(path).verified == "digest in the file"
    data = bytearray(path.read_bytes())
    data[-100] ^= 1
    path.write_bytes(data)
    with pytest.raises(InputError, match="does not match its digest"):
        read_weights(path)
