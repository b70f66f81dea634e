"""A folder that is a network: written whole, never over what is something else."""

import json
from pathlib import Path

import numpy as np
import pytest
from stand_in import tiny_network

from bvsrpp_jax.errors import InputError
from bvsrpp_jax.weights import load, save
from bvsrpp_jax.weights.folder import CONFIG, WEIGHTS, save_folder

MODEL, PARAMS = tiny_network()
OTHER, OTHER_PARAMS = tiny_network(mid_channels=16)


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_folder_loads_as_what_was_saved(tmp_path):
    save_folder(tmp_path / "new" / "folder", MODEL, PARAMS)
    model, params = load(tmp_path / "new" / "folder")
    assert model == MODEL
    np.testing.assert_array_equal(
        params["conv_last"]["kernel"], PARAMS["conv_last"]["kernel"]
    )


def test_its_config_describes_the_network(tmp_path):
    save_folder(tmp_path, MODEL, PARAMS)
    about = json.loads((tmp_path / CONFIG).read_text())
    assert about["library_name"] == "bvsrpp_jax"
    assert about["variant"] == "c8n1 x4"
    assert about["num_parameters"] == sum(leaf.size for leaf in leaves(PARAMS))
    assert about["mid_channels"] == 8


def leaves(tree):
    for value in tree.values():
        yield from leaves(value) if isinstance(value, dict) else [value]


def test_an_earlier_one_is_replaced_and_other_files_stay(tmp_path):
    save_folder(tmp_path, MODEL, PARAMS)
    (tmp_path / "README.md").write_text("mine")
    save_folder(tmp_path, OTHER, OTHER_PARAMS)
    assert load(tmp_path)[0] == OTHER
    assert json.loads((tmp_path / CONFIG).read_text())["mid_channels"] == 16
    assert names(tmp_path) == ["README.md", CONFIG, WEIGHTS]


def write_config(folder):
    (folder / CONFIG).write_text('{"model_type": "bert"}')


def write_odd_config(folder):
    (folder / CONFIG).write_text("[1]")


def write_strange_weights(folder):
    (folder / WEIGHTS).write_bytes(b"another library's")


def write_training(folder):
    save(folder / "weights.safetensors", MODEL, PARAMS)


def write_lock(folder):
    (folder / "lock").touch()


@pytest.mark.parametrize(
    ("write", "told"),
    [
        (write_config, CONFIG),
        (write_odd_config, CONFIG),
        (write_strange_weights, WEIGHTS),
        (write_training, "weights.safetensors"),
        (write_lock, "lock"),
    ],
)
def test_a_folder_of_something_else_is_left_alone(tmp_path, write, told):
    write(tmp_path)
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(InputError, match=f"has a {told} of something else. Name anot"):
        save_folder(tmp_path, MODEL, PARAMS)
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_file_in_the_way_is_told(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="file: is no folder and cannot be made"):
        save_folder(tmp_path / "file", MODEL, PARAMS)


def test_a_failure_between_the_two_files_leaves_a_network(tmp_path, monkeypatch):
    def fail(*_):
        raise InputError("disk: is full. Free some.")

    save_folder(tmp_path, MODEL, PARAMS)
    with monkeypatch.context() as patch:
        patch.setattr("bvsrpp_jax.weights.folder.write_file", fail)
        with pytest.raises(InputError, match="full"):
            save_folder(tmp_path, OTHER, OTHER_PARAMS)
    assert load(tmp_path)[0] == OTHER
    (tmp_path / CONFIG).unlink()  # as after the first call of all
    save_folder(tmp_path, MODEL, PARAMS)
    assert names(tmp_path) == [CONFIG, WEIGHTS]


def test_two_weights_in_a_folder_are_not_guessed_between(tmp_path):
    save_folder(tmp_path, MODEL, PARAMS)
    save(tmp_path / "weights.safetensors", OTHER, OTHER_PARAMS)
    with pytest.raises(InputError, match=f"has both {WEIGHTS} and weights.safetensor"):
        load(tmp_path)


def test_a_snapshot_of_another_library_is_told(tmp_path):
    (tmp_path / CONFIG).write_text("{}")
    with pytest.raises(InputError, match="is a directory. Name a weights file in it"):
        load(Path(tmp_path))
