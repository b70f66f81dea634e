"""A restorer from a name or a path, and copies of one."""

import copy
import pickle
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from media_files import pictures
from stand_in import StandIn, tiny_network

from bvsrpp_jax.errors import InputError
from bvsrpp_jax.restoration import Restorer
from bvsrpp_jax.weights import save

ONE = np.float32(1)


def test_what_was_saved_comes_back_with_options_of_its_own(tmp_path):
    model, params = tiny_network()
    written = Restorer(model, params, window=9).save_pretrained(tmp_path / "mine")
    assert written == tmp_path / "mine"
    for source in (written, str(written)):
        restorer = Restorer.from_pretrained(source, chunk=2, shots=False)
        assert restorer.model == model
        assert restorer.wishes.window is None
        assert (restorer.wishes.chunk, restorer.wishes.shots) == (2, False)
        equal = jax.tree.map(np.array_equal, restorer.params, params)
        assert jax.tree.all(equal)


def test_every_source_of_load_will_do(tmp_path, tiny_pth):
    save(tmp_path / "weights.safetensors", *tiny_network())  # a finished training
    for source in ("lite", tiny_pth, tmp_path, tmp_path / "weights.safetensors"):
        assert Restorer.from_pretrained(source).model.scale == 4


def test_a_subclass_makes_its_own_kind():
    class Mine(Restorer):
        pass

    assert type(Mine.from_pretrained("lite")) is Mine


def test_an_option_that_is_none_is_named():
    with pytest.raises(TypeError, match="'windw'"):
        Restorer.from_pretrained("lite", windw=9)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"window": "9"}, "^window: '9' is no whole number"),
        ({"chunk": 2.5}, "^chunk: 2.5 is no whole number"),
        ({"ensemble": None}, "^ensemble: None. Choose"),
        ({"dtype": "fp16"}, "^dtype: 'fp16' is not one of"),
        ({"dtype": np.float64}, "^dtype: 'float64' is not one of"),
        ({"memory": "4GiB"}, "^memory: '4GiB' is no number"),
        ({"scratch": "gone"}, "^gone: is no folder"),
        ({"devices": []}, "^devices: .* are no devices"),
        ({"devices": "cpu"}, "^devices: 'cpu' are no devices"),
    ],
    ids=str,
)
def test_options_that_cannot_be_are_told_in_one_line(options, told):
    with pytest.raises(InputError, match=told):
        Restorer(StandIn(), ONE, **options)


def test_options_are_taken_as_jax_has_them():
    (device, *_) = jax.local_devices()
    restorer = Restorer(StandIn(), ONE, dtype=jnp.bfloat16, devices=device)
    assert restorer.plan((64, 64)).dtype == "bfloat16"
    assert restorer.plan((64, 64)).devices == 1


def test_parameters_of_something_else_are_refused():
    model, params = tiny_network()
    other, _ = tiny_network(mid_channels=16)
    for wrong in ((other, params), (model, {"params": params}), (model, {})):
        with pytest.raises(ValueError, match="^params: are not those of c"):
            Restorer(*wrong)


@pytest.mark.parametrize("path", ["in.mp4", Path("in.mp4")])
def test_a_path_is_no_stream(path):
    with pytest.raises(ValueError, match="restore_video takes files"):
        list(Restorer(StandIn(), ONE).stream(path))


def test_a_frame_that_is_missing_does_not_end_the_stream():
    with pytest.raises(ValueError, match="^frame: expected"):
        list(Restorer(StandIn(), ONE).stream([None]))


@pytest.mark.parametrize(
    "copied", [copy.copy, copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))]
)
def test_a_copy_restores_alike(copied):
    restorer = Restorer(StandIn(), ONE, window=4, overlap=1, memory=2**30)
    frames = pictures(5)
    wanted = list(restorer.stream(frames))  # its programs are compiled by now
    again = copied(restorer)
    assert repr(again) == repr(restorer)
    np.testing.assert_array_equal(list(again.stream(frames)), wanted)
