"""A restorer from a name or a path, and copies of one."""

import copy
import pickle

import jax
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
    with pytest.raises(InputError, match="^window: 2 frames"):
        Restorer.from_pretrained("lite", window=2, overlap=1)


def test_no_device_is_not_every_device():
    with pytest.raises(InputError, match="devices: there are none"):
        Restorer(StandIn(), ONE, devices=[])


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
