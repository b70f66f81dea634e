"""One door for all weights: files of every kind and presets."""

from pathlib import Path

import jax
import numpy as np
import pytest
from flax.traverse_util import flatten_dict

from bvsrpp_jax.errors import InputError
from bvsrpp_jax.models.basicvsrpp import BasicVSRPlusPlus
from bvsrpp_jax.weights import load, save
from bvsrpp_jax.weights.layout import num_parameters, shapes
from bvsrpp_jax.weights.store import PRESETS


def test_loaded_network_runs(tiny_pth):
    model, params = load(tiny_pth)
    lq = np.zeros((1, 1, 64, 64, 3), np.float32)
    output = jax.eval_shape(model.apply, {"params": params}, lq)
    assert output.shape == (1, 1, 256, 256, 3)


def test_parameters_are_float32_jax_arrays_of_the_right_shapes(tiny_pth):
    model, params = load(str(tiny_pth))
    flat = flatten_dict(params, sep="/")
    assert {path: array.shape for path, array in flat.items()} == shapes(model)
    for array in flat.values():
        assert isinstance(array, jax.Array)
        assert array.dtype == np.float32


def test_pth_and_its_safetensors_load_alike(tiny_pth, tmp_path):
    model, params = load(tiny_pth)
    save(tmp_path / "x.safetensors", model, params)
    again, same = load(tmp_path / "x.safetensors")
    assert again == model
    assert jax.tree.structure(same) == jax.tree.structure(params)
    for ours, theirs in zip(
        jax.tree.leaves(same), jax.tree.leaves(params), strict=True
    ):
        assert np.asarray(ours).tobytes() == np.asarray(theirs).tobytes()


@pytest.mark.parametrize("name", PRESETS)
def test_preset_loads_and_is_small(name):
    model, params = load(name)
    assert isinstance(model, BasicVSRPlusPlus)
    assert model.scale == 4
    assert 4 * num_parameters(model) < 4 << 20  # bytes in the package
    assert flatten_dict(params, sep="/").keys() == shapes(model).keys()


@pytest.mark.parametrize("source", ["heavy", "no/such/model", Path("lite")])
def test_unknown_name_lists_the_presets(source, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match="no such file or preset.*lite"):
        load(source)


@pytest.mark.parametrize("name", ["gone.pth", "gone.pt", "gone.safetensors"])
def test_missing_file_is_named(name):
    with pytest.raises(InputError, match=f"^{name}: no such file. Check the path.$"):
        load(name)


def test_file_of_another_kind_is_told_from_a_missing_one(tmp_path):
    (tmp_path / "weights.h5").write_bytes(b"")
    with pytest.raises(InputError, match=r"weights.h5: is no weights file.*\.pth"):
        load(tmp_path / "weights.h5")


def test_finished_training_is_loaded_from_its_workdir(tiny_pth, tmp_path):
    model, params = load(tiny_pth)
    save(tmp_path / "weights.safetensors", model, params)
    (tmp_path / "best.safetensors").write_bytes(b"not looked at")
    for source in (tmp_path, str(tmp_path)):
        again, same = load(source)
        assert again == model
        assert jax.tree.all(jax.tree.map(np.array_equal, same, params))


def test_damaged_weights_of_a_workdir_are_named(tmp_path):
    (tmp_path / "weights.safetensors").write_bytes(b"")
    with pytest.raises(InputError, match=r"/weights\.safetensors: is no safetensors"):
        load(tmp_path)


@pytest.mark.parametrize("name", ["lock", "checkpoints"])
def test_unfinished_training_is_told_how_to_go_on(tmp_path, name):
    (tmp_path / name).mkdir()
    with pytest.raises(InputError) as error:
        load(tmp_path)
    assert str(error.value) == (
        f"{tmp_path}: the training is not finished, there is no weights.safetensors"
        f" yet. The command that began it, python train.py --workdir={tmp_path} ...,"
        " resumes it."
    )


@pytest.mark.parametrize("source", ["reds4", Path("reds4")])
def test_published_networks_are_told_where_they_are(source, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    file = "basicvsr_plusplus_c64n7_8x1_600k_reds4_20210217-db622b2f.pth"
    with pytest.raises(InputError) as error:
        load(source)
    assert str(error.value) == (
        "reds4: is a published network, and nothing is downloaded here. Get its file"
        f" from https://download.openmmlab.com/mmediting/restorers/basicvsr_plusplus/"
        f"{file}, then give its path here: {file}."
    )


def test_a_published_file_that_is_here_has_to_be_named_itself(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    file = Path("basicvsr_plusplus_deblur_dvd-ecd08b7f.pth")
    file.touch()
    with pytest.raises(InputError, match=f"its file is here. Name it: {file}.$"):
        load("deblur_dvd")


def test_what_is_called_like_a_published_network_is_taken(tmp_path, monkeypatch):
    """There is nothing else that the name could load."""
    monkeypatch.chdir(tmp_path)
    Path("reds4").mkdir()
    save("reds4/weights.safetensors", *load("lite"))
    assert load("reds4")[0] == load("lite")[0]
    Path("denoise").touch()
    with pytest.raises(InputError, match="^denoise: is no weights file"):
        load("denoise")


@pytest.mark.parametrize("name", ["photos", "run.pth", "run.safetensors"])
def test_any_other_directory_is_no_weights(tmp_path, name):
    (tmp_path / name).mkdir()
    with pytest.raises(InputError, match=f"/{name}: is a directory. Name a weights"):
        load(tmp_path / name)
