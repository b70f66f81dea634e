"""What is saved comes back bit for bit, or not at all."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from bvsrpp_jax.errors import InputError
from bvsrpp_jax.training import checkpoint
from bvsrpp_jax.training.optimizer import learning_rates, make_optimizer
from bvsrpp_jax.training.state import create_state

OPTIMIZER = make_optimizer(learning_rates(num_steps=10))


def state(size=3, value=0.5):
    return create_state({"a": jnp.full(size, value), "spynet": {}}, OPTIMIZER)


def test_a_restored_state_is_the_saved_one(tmp_path):
    saved = state(value=0.1)
    path = checkpoint.save(tmp_path, saved, 7)
    restored = checkpoint.restore(path, jax.eval_shape(state))
    assert jax.tree.structure(restored) == jax.tree.structure(saved)
    for a, b in zip(jax.tree.leaves(restored), jax.tree.leaves(saved), strict=True):
        np.testing.assert_array_equal(a, b)
        assert a.dtype == b.dtype


def test_latest_is_the_highest_step_and_old_files_go(tmp_path):
    assert checkpoint.latest(tmp_path) is None
    for step in (9, 10, 100):
        checkpoint.save(tmp_path, state(), step, keep=2)
    assert checkpoint.latest(tmp_path).name == "step_00000100.safetensors"
    assert len(list(tmp_path.iterdir())) == 2


def test_a_partial_file_is_not_a_checkpoint(tmp_path):
    (tmp_path / "step_00000009.safetensors.partial").write_bytes(b"half")
    assert checkpoint.latest(tmp_path) is None


def test_a_truncated_file_is_refused_by_name(tmp_path):
    path = checkpoint.save(tmp_path, state(), 1)
    path.write_bytes(path.read_bytes()[:-5])
    with pytest.raises(InputError, match="step_00000001.*damaged"):
        checkpoint.restore(path, state())


def test_a_checkpoint_of_another_network_is_refused_by_name(tmp_path):
    path = checkpoint.save(tmp_path, state(size=3), 1)
    with pytest.raises(InputError, match=r"do not fit.*\['a'\]"):
        checkpoint.restore(path, state(size=4))


def test_a_folder_that_cannot_be_written_is_named_and_nothing_stays(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="step_00000001.*cannot be written"):
        checkpoint.save(tmp_path / "file", state(), 1)


def test_a_full_disk_keeps_the_older_checkpoint(tmp_path, monkeypatch):
    checkpoint.save(tmp_path, state(), 1)

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("bvsrpp_jax.partial.os.fsync", full)
    with pytest.raises(InputError, match="No space left"):
        checkpoint.save(tmp_path, state(), 2)
    assert [path.name for path in tmp_path.iterdir()] == ["step_00000001.safetensors"]
