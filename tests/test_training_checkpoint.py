"""What is saved comes back bit for bit, or not at all."""

import json
import resource
import shutil
import signal
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from bvsrpp_jax.errors import InputError
from bvsrpp_jax.training.checkpoint import Checkpoints, read_params
from bvsrpp_jax.training.digest import parse_manifest, sealed
from bvsrpp_jax.training.optimizer import learning_rates, make_optimizer
from bvsrpp_jax.training.state import create_state

OPTIMIZER = make_optimizer(learning_rates(num_steps=10))


def state(value=0.5, *, size=3, averaged=False):
    """A real state, with an optimizer of two groups; `value` seeds the kernel."""
    kernel = np.random.default_rng(int(value)).normal(size=(32, 32))
    params = {
        "conv": {
            "bias": jnp.full(size, value, jnp.float32),
            "kernel": jnp.asarray(kernel, jnp.float32),
        },
        "spynet": {"bias": jnp.full(2, -value, jnp.float32)},
    }
    return create_state(params, OPTIMIZER, averaged=averaged)


def save(folder, *steps, metrics=None, **options):
    """Saves a state of the value `step` for every step."""
    with Checkpoints(folder, **options) as checkpoints:
        for step in steps:
            scores = metrics and metrics.get(step)
            checkpoints.save(
                state(step), step=step, record={"step": step}, metrics=scores
            )


def restore(folder, like=None, **options):
    with Checkpoints(folder, **options) as checkpoints:
        return checkpoints.restore(state() if like is None else like)


def assert_same(a, b):
    assert jax.tree.structure(a) == jax.tree.structure(b)
    for x, y in zip(jax.tree.leaves(a), jax.tree.leaves(b), strict=True):
        assert x.dtype == y.dtype
        assert np.asarray(x).tobytes() == np.asarray(y).tobytes()
        assert x.shape == y.shape


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def flip_a_bit(path, at=0.5):
    """Changes one bit of a file."""
    data = bytearray(path.read_bytes())
    data[int(at * len(data))] ^= 4
    path.write_bytes(data)


def manifest_of(folder, step):
    return folder / str(step) / "manifest.json"


def damage_arrays(folder, step):
    """Flips a bit in the largest data file, most of which is the kernel."""
    files = (folder / str(step) / "state").rglob("ocdbt.process_0/d/*")
    flip_a_bit(max(files, key=lambda path: path.stat().st_size))


def test_a_restored_state_is_the_saved_one(tmp_path):
    saved = state(0.1, averaged=True)
    with Checkpoints(tmp_path) as checkpoints:
        checkpoints.save(saved, step=7, record={"best_psnr": 31.4159, "log": [1, None]})
        restored, record, step = checkpoints.restore(jax.eval_shape(lambda: saved))
    assert_same(restored, saved)
    assert (record, step) == ({"best_psnr": 31.4159, "log": [1, None]}, 7)
    assert all(type(leaf) is np.ndarray for leaf in jax.tree.leaves(restored))


@pytest.mark.parametrize("dtype", ["bfloat16", "float32", "int8", "uint32", "bool"])
def test_every_dtype_and_every_bit_pattern_comes_back(tmp_path, dtype):
    bits = np.random.default_rng(0).integers(0, 256, 512, np.uint8)
    array = bits > 9 if dtype == "bool" else bits.view(jnp.dtype(dtype))
    saved = {"a": array, "b": [array[:0].sum(), array.reshape(2, 2, -1)]}
    saved["b"][0] = np.asarray(saved["b"][0])
    with Checkpoints(tmp_path) as checkpoints:
        checkpoints.save(saved, step=1, record={})
    assert_same(restore(tmp_path, saved)[0], saved)


def test_an_empty_folder_has_no_state(tmp_path):
    assert restore(tmp_path / "new") is None


def test_a_relative_folder_works(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    save(Path("runs/checkpoints"), 1)
    assert restore(Path("runs/checkpoints"))[2] == 1
    assert names(tmp_path / "runs" / "checkpoints") == ["1"]


def test_the_next_step_may_have_the_memory_at_once(tmp_path):
    values = np.random.default_rng(0).normal(size=(64, 1024)).astype(np.float32)
    on_device = {"a": jnp.array(values), "b": jnp.array(-values)}
    overwrite = jax.jit(lambda x: jax.tree.map(jnp.negative, x), donate_argnums=0)
    overwrite = overwrite.lower(on_device).compile()
    with Checkpoints(tmp_path) as checkpoints:
        checkpoints.save(on_device, step=1, record={})
        jax.block_until_ready(overwrite(on_device))
        assert on_device["a"].is_deleted()
    assert_same(restore(tmp_path, on_device)[0], {"a": values, "b": -values})


def test_the_caller_may_change_what_it_gave_at_once(tmp_path):
    mine, record = {"a": np.ones(1 << 16, np.float32)}, {"log": [1]}
    with Checkpoints(tmp_path) as checkpoints:
        checkpoints.save(mine, step=1, record=record)
        mine["a"][:] = 2
        record["log"].append(2)
    restored, record, _ = restore(tmp_path, mine)
    assert (restored["a"] == 1).all()
    assert record == {"log": [1]}


def test_the_newest_stay_and_the_best_one(tmp_path):
    scores = {1: float("nan"), 2: 33.0, 3: 30.0, 5: 31.0, 9: 32.0}
    metrics = {step: {"psnr": score} for step, score in scores.items()}
    save(tmp_path, 1, 2, 3, 4, 5, 9, 10, metrics=metrics, keep=2)
    assert names(tmp_path) == ["10", "2", "9"]
    save(tmp_path, 11, metrics={11: {"psnr": 34.0}}, keep=2)
    assert names(tmp_path) == ["10", "11"]
    assert restore(tmp_path)[2] == 11


def test_without_a_metric_only_the_newest_stay(tmp_path):
    metrics = {1: {"psnr": 99.0}, 2: {"psnr": 1.0}, 3: {"psnr": 1.0}}
    save(tmp_path, 1, 2, 3, metrics=metrics, keep=1, keep_best=None)
    assert names(tmp_path) == ["3"]


def test_keeping_none_is_refused(tmp_path):
    with pytest.raises(InputError, match="keep: is 0"):
        Checkpoints(tmp_path, keep=0)


def test_what_killed_processes_left_is_removed(tmp_path):
    save(tmp_path, 1)
    (tmp_path / "2.unfinished" / "state").mkdir(parents=True)
    (tmp_path / "0.removed" / "state").mkdir(parents=True)
    assert restore(tmp_path)[2] == 1
    assert names(tmp_path) == ["1"]


def test_saving_a_step_again_renews_its_record_and_keeps_its_metrics(tmp_path):
    save(tmp_path, 1, metrics={1: {"psnr": 30.0}})
    with Checkpoints(tmp_path) as checkpoints:
        checkpoints.save(state(1), step=1, record={"new": True})
    assert restore(tmp_path)[1] == {"new": True}
    assert json.loads(manifest_of(tmp_path, 1).read_text())["metrics"] == {"psnr": 30.0}


def test_another_state_of_the_same_step_is_refused(tmp_path):
    save(tmp_path, 1)
    with (
        Checkpoints(tmp_path) as checkpoints,
        pytest.raises(InputError, match="/1: is there, with other arrays"),
    ):
        checkpoints.save(state(2), step=1, record={})
    assert_same(restore(tmp_path)[0], state(1))


def test_leaving_by_an_exception_waits_for_the_save(tmp_path):
    def fail():
        with Checkpoints(tmp_path) as checkpoints:
            checkpoints.save(state(1), step=1, record={})
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert names(tmp_path) == ["1"]


# Damage.


@pytest.mark.parametrize("what", ["arrays", "manifest", "no manifest", "swapped"])
def test_a_damaged_checkpoint_is_told_of_and_moved_and_the_one_before_restored(
    tmp_path, what
):
    save(tmp_path, 1, 2)
    if what == "arrays":
        damage_arrays(tmp_path, 2)
    elif what == "manifest":
        flip_a_bit(manifest_of(tmp_path, 2))
    elif what == "no manifest":
        manifest_of(tmp_path, 2).unlink()
    else:
        shutil.rmtree(tmp_path / "2")
        shutil.copytree(tmp_path / "1", tmp_path / "2")
    said = []
    restored, record, step = restore(tmp_path, say=said.append)
    assert (record, step) == ({"step": 1}, 1)
    assert_same(restored, state(1))
    assert len(said) == 1
    assert f"{tmp_path}/2: damaged, " in said[0]
    assert "step 1 is restored instead" in said[0]
    assert names(tmp_path) == ["1", "refused"]
    assert names(tmp_path / "refused") == ["2"]

    save(tmp_path, 2)  # takes the place
    damage_arrays(tmp_path, 2)
    assert restore(tmp_path, say=said.append)[2] == 1
    assert names(tmp_path / "refused") == ["2", "2-1"]


def test_the_changed_arrays_are_named(tmp_path):
    save(tmp_path, 1, 2)
    path = manifest_of(tmp_path, 2)
    manifest = json.loads(path.read_text())
    manifest["arrays"]["params/conv/kernel"]["sha256"] = "0" * 64
    path.write_text(json.dumps(sealed(manifest)))
    said = []
    restore(tmp_path, say=said.append)
    assert "1 array (params/conv/kernel) changed since it was saved" in said[0]


def test_with_none_good_nothing_starts_anew_and_nothing_moves(tmp_path):
    save(tmp_path, 1, 2)
    damage_arrays(tmp_path, 1)
    manifest_of(tmp_path, 2).write_text("")
    with pytest.raises(InputError, match=r"none of its .*2: .*; 1: ") as told:
        restore(tmp_path)
    assert "\n" not in str(told.value)
    assert names(tmp_path) == ["1", "2"]


def test_a_record_with_odd_keys_and_values_is_no_damage():
    manifest = sealed({"format": 1, "step": 3, "record": {2: float("nan"), 10: "ü"}})
    text = json.dumps(manifest).encode()
    assert list(parse_manifest(text, 3)["record"]) == ["2", "10"]


# Another network.


def changed(what):
    like = jax.eval_shape(state)
    if what == "shape":
        return jax.eval_shape(lambda: state(size=4))
    if what == "missing":
        return like._replace(params={**like.params, "new": like.step})
    if what == "extra":
        return like._replace(params={"conv": like.params["conv"]})
    return like._replace(skipped=jax.ShapeDtypeStruct((), jnp.int8))


@pytest.mark.parametrize(
    ("what", "message"),
    [
        (
            "shape",
            r"of another shape: \d arrays \(params/conv/bias is \[3\], not \[4\]",
        ),
        ("missing", r"missing: 1 array \(params/new\)"),
        ("extra", r"not expected: 1 array \(params/spynet/bias\)"),
        ("dtype", r"of another dtype: 1 array \(skipped is int32, not int8\)"),
    ],
)
def test_another_network_is_refused_by_name_and_nothing_moves(tmp_path, what, message):
    save(tmp_path, 1, 2)
    with pytest.raises(InputError, match=message) as told:
        restore(tmp_path, changed(what))
    assert f"{tmp_path}/2: of another network or optimizer" in str(told.value)
    assert "\n" not in str(told.value)
    assert names(tmp_path) == ["1", "2"]


def test_an_average_that_is_not_wanted_is_refused(tmp_path):
    with Checkpoints(tmp_path) as checkpoints:
        checkpoints.save(state(averaged=True), step=1, record={})
    with pytest.raises(InputError, match=r"not expected: 3 arrays \(ema/conv/bias"):
        restore(tmp_path)


# The disk.


@contextmanager
def files_no_larger_than(size):
    """Larger files fail to be written, as on a full disk."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)


def noise(step, *, size=1 << 16):
    return {"a": np.random.default_rng(step).normal(size=size)}


def test_a_full_disk_is_told_in_one_line(tmp_path, monkeypatch, capfd):
    save(tmp_path, 1)
    free = 10_000
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=free))
    with Checkpoints(tmp_path) as checkpoints:
        with pytest.raises(InputError) as told:
            checkpoints.save(state(2), step=2, record={})
        assert str(told.value) == (
            f"{tmp_path}/2: the save failed (No space left on device; 10,000 bytes are"
            " free). Make room; the checkpoints before it are intact."
        )
        free = 1 << 30
        checkpoints.save(state(3), step=3, record={})
    assert names(tmp_path) == ["1", "3"]
    assert capfd.readouterr() == ("", "")


def test_a_failed_write_costs_that_save_and_no_other(tmp_path, caplog):
    with Checkpoints(tmp_path) as checkpoints:
        checkpoints.save(noise(1), step=1, record={})
        checkpoints.wait()
        with files_no_larger_than(1 << 14):
            checkpoints.save(noise(2), step=2, record={})
            with pytest.raises(InputError, match=r"/2: the save failed \(.*free\)"):
                checkpoints.wait()
        assert names(tmp_path) == ["1"]
        checkpoints.save(noise(3), step=3, record={})
        checkpoints.wait()
        checkpoints.save(noise(4), step=4, record={})
    assert names(tmp_path) == ["1", "3", "4"]
    assert_same(restore(tmp_path, noise(0))[0], noise(4))
    assert caplog.records == []  # no log of what is raised as well


def test_a_failure_is_told_at_the_next_save_which_goes_on_all_the_same(tmp_path):
    small = noise(2, size=8)
    with Checkpoints(tmp_path) as checkpoints, files_no_larger_than(1 << 14):
        checkpoints.save(noise(1), step=1, record={})
        with pytest.raises(InputError, match="/1: the save failed"):
            checkpoints.save(small, step=2, record={})
        checkpoints.wait()
    assert names(tmp_path) == ["2"]
    assert_same(restore(tmp_path, small)[0], small)


def test_an_exception_on_its_way_out_hides_no_failed_save(tmp_path):
    def fail(say):
        with files_no_larger_than(999), Checkpoints(tmp_path, say=say) as checkpoints:
            checkpoints.save(noise(1), step=1, record={})
            raise KeyError

    said = []
    with pytest.raises(KeyError):
        fail(said.append)
    assert "/1: the save failed" in said[0]


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="file/checkpoints: Not a directory"):
        Checkpoints(tmp_path / "file" / "checkpoints")


# The network alone.


def test_the_averaged_network_is_read_alone(tmp_path):
    saved = state(averaged=True)
    saved = saved._replace(ema=jax.tree.map(lambda x: x + 1, saved.params))
    with Checkpoints(tmp_path) as checkpoints:
        checkpoints.save(saved, step=3, record={"scale": 4})
    params, record, step = read_params(tmp_path)
    assert_same(params, jax.device_get(saved.ema))
    assert (record, step) == ({"scale": 4}, 3)


def test_without_an_average_the_network_itself_is_read(tmp_path):
    save(tmp_path, 1)
    assert_same(read_params(tmp_path)[0], jax.device_get(state(1).params))


def test_a_damaged_network_is_told_of_but_not_moved(tmp_path):
    save(tmp_path, 1, 2)
    flip_a_bit(manifest_of(tmp_path, 2))
    said = []
    params, _, step = read_params(tmp_path, say=said.append)
    assert step == 1
    assert_same(params, jax.device_get(state(1).params))
    assert "2: damaged" in said[0]
    assert names(tmp_path) == ["1", "2"]


def test_a_folder_without_a_checkpoint_is_named(tmp_path):
    with pytest.raises(InputError, match=f"{tmp_path}: has no checkpoint"):
        read_params(tmp_path)
