"""The training script: runs of a few steps, the same command again, bad input."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import jax
import numpy as np
import pytest
from ml_collections import ConfigDict
from stand_in import TINY

import train
from bvsrpp_jax import weights
from bvsrpp_jax.data.prepared import PreparedSamples
from bvsrpp_jax.errors import InputError
from bvsrpp_jax.media.pictures import encode_png
from bvsrpp_jax.training.checkpoint import Checkpoints
from configs import smoke

ROOT = Path(__file__).parents[1]


def small_config(**entries) -> ConfigDict:
    """Three steps of the smallest network on generated clips of two frames."""
    config = smoke.get_config()
    config.model.update(TINY)
    config.data.samples.num_frames = ((0, 2),)
    config.validation.num_frames = 2
    config.ema_decay = None
    config.num_steps, config.log_every = 3, 1
    config.validate_every, config.checkpoint_every = 3, 1
    config.update_from_flattened_dict(entries)
    return config


def final_weights(workdir) -> bytes:
    return (workdir / "weights.safetensors").read_bytes()


def records(workdir):
    lines = (workdir / "metrics.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines]


@pytest.fixture(scope="module", autouse=True)
def compiled_once(tmp_path_factory):
    """The runs of this file share their programs; compiling is what takes the time."""
    jax.config.update("jax_compilation_cache_dir", str(tmp_path_factory.mktemp("xla")))
    yield
    jax.config.update("jax_compilation_cache_dir", None)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A run that nobody interrupts."""
    workdir = tmp_path_factory.mktemp("whole")
    assert train.train(small_config(), workdir) == 0
    return workdir


@pytest.mark.long
def test_a_run_logs_validates_and_hands_out_weights(whole):
    steps = [record["step"] for record in records(whole)]
    assert steps == [1, 2, 3, 3]
    assert records(whole)[0]["loss"] > 0
    assert {"psnr", "ssim", "psnr_gain"} < records(whole)[3].keys()
    model, params = weights.load(whole / "weights.safetensors")
    assert model.mid_channels == TINY["mid_channels"]
    assert params["conv_last"]["kernel"].dtype == np.float32
    assert (whole / "best.safetensors").read_bytes() == final_weights(whole)
    assert json.loads((whole / "config.json").read_text())["num_steps"] == 3
    assert list((whole / "tensorboard").iterdir())


@pytest.mark.slow
def test_the_same_command_after_the_end_takes_no_step(whole, capsys):
    before = final_weights(whole)
    assert train.train(small_config(), whole) == 0
    assert "loss" not in capsys.readouterr().out
    assert final_weights(whole) == before


@pytest.mark.long
def test_a_run_that_is_stopped_ends_with_the_same_parameters(
    whole, tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr(train.StopRequest, "reached", lambda self, step: step == 2)
    assert train.train(small_config(), tmp_path) == 75
    assert "stopped at step 2, saved" in capsys.readouterr().out
    assert not (tmp_path / "weights.safetensors").exists()
    monkeypatch.undo()
    assert train.train(small_config(), tmp_path) == 0
    assert "resumed from step 2" in capsys.readouterr().out
    assert final_weights(tmp_path) == final_weights(whole)
    assert [record["step"] for record in records(tmp_path)] == [1, 2, 3, 3]


@pytest.fixture
def poisoned(monkeypatch):
    """Makes the samples of one step NaN."""

    def poison(at):
        draw = PreparedSamples.draw

        def drawn(self, step, i):
            sample = draw(self, step, i)
            return (
                {k: np.full_like(v, np.nan) for k, v in sample.items()}
                if (step in at)
                else sample
            )

        monkeypatch.setattr(PreparedSamples, "draw", drawn)

    return poison


@pytest.mark.slow
def test_a_poisoned_sample_leaves_no_trace_but_is_told(tmp_path, poisoned, capsys):
    poisoned({1})
    config = small_config(keep_checkpoints=9)
    assert train.train(config, tmp_path) == 0
    out = capsys.readouterr().out
    assert "step 2: the update is skipped: loss nan" in out
    assert "the samples were: " in out
    before, after, later = (arrays_at(tmp_path, step) for step in (1, 2, 3))
    for name in before:
        np.testing.assert_array_equal(before[name], after[name], err_msg=name)
    assert any(not np.array_equal(after[k], later[k]) for k in after)
    assert [r.get("skipped") for r in records(tmp_path)[:3]] == [0, 1, 1]


def arrays_at(workdir, step):
    """Parameters and moments of one checkpoint."""
    model = train.BasicVSRPlusPlus(**TINY)
    optimizer = train.make_optimizer(train.learning_rates(num_steps=3), fix_iter=0)
    params = jax.eval_shape(lambda: train.first_params(model, 0, ""))
    like = jax.eval_shape(lambda p: train.create_state(p, optimizer), params)
    alone = workdir / f"only_{step}"
    shutil.copytree(workdir / "checkpoints" / str(step), alone / str(step))
    with Checkpoints(alone) as checkpoints:
        state, _, _ = checkpoints.restore(like)
    leaves = jax.tree_util.tree_flatten_with_path((state.params, state.opt_state))[0]
    return {jax.tree_util.keystr(path): np.asarray(leaf) for path, leaf in leaves}


@pytest.mark.slow
def test_another_experiment_is_refused_unless_it_is_meant(whole, tmp_path, capsys):
    config = small_config(**{"rates.rate": 1.0, "log_every": 2})
    with pytest.raises(InputError, match=r"another experiment: rates\.rate was 0\.002"):
        train.train(config, whole)
    assert train.train(config, whole, accept_config_changes=True) == 0
    assert "note: rates.rate was 0.002, is 1.0" in capsys.readouterr().out


@pytest.mark.slow
def test_a_checkpoint_of_another_network_is_named(whole):
    config = small_config(**{"model.mid_channels": 4})
    with pytest.raises(InputError, match="checkpoint"):
        train.train(config, whole, accept_config_changes=True)


@pytest.mark.slow
def test_weights_of_a_file_start_a_run_and_other_networks_are_refused(whole, tmp_path):
    config = small_config(num_steps=0, init_from=str(whole / "weights.safetensors"))
    assert train.train(config, tmp_path) == 0
    assert final_weights(tmp_path) == final_weights(whole)
    config.model.mid_channels = 4
    with pytest.raises(InputError, match="weights.safetensors: "):
        train.train(config, tmp_path / "other")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("entry", "value", "message"),
    [
        ("model.deform_groups", 3, "--config: deform_groups: 3"),
        ("model.dtype", "float8", "model.dtype: 'float8'"),
        ("model.dtype", "float64", "JAX_ENABLE_X64"),
        ("data.dataset", "rubbish", "rubbish"),
        ("data.batch_size", 0, r"config\.data\.batch_size: 0"),
        ("accumulate", 2, r"config\.data\.batch_size: 1 clips"),
        ("model.scale", 8, r"crop_size: 256 is 32 pixels .* Take 512 or more"),
        ("flow_loss_weight", -1.0, "--config: flow_loss_weight is -1.0"),
        ("ema_decay", 2.0, "--config: ema_decay is 2.0"),
        ("validation.degradations", ("fog",), "fog"),
        ("init_from", "missing.pth", "missing.pth"),
    ],
)
def test_values_that_cannot_be_are_named(tmp_path, entry, value, message):
    config = small_config()
    with config.unlocked():
        config.update_from_flattened_dict({entry: value})
    with pytest.raises(InputError, match=message):
        train.train(config, tmp_path)


def picture(seed, side=64):
    rng = np.random.default_rng(seed)
    return rng.integers(0, 256, (side, side, 3), dtype=np.uint8)


def write_folder(root, names=("a", "b"), frames=3, side=256):
    """A plain folder of clips."""
    for name in names:
        (root / name).mkdir(parents=True)
        for i in range(frames):
            pixels = picture(i, side)
            (root / name / f"{i:08d}.png").write_bytes(encode_png(pixels))
    return root


def folder_config(root) -> ConfigDict:
    config = small_config(checkpoint_every=99)
    config.data.dataset = config.validation.dataset = "folder"
    config.data.root = config.validation.root = str(root)
    with config.unlocked():
        config.data.samples = ConfigDict(
            {"num_frames": 2, "crop_size": 256, "degradations": ("bicubic",)}
        )
    return config


@pytest.mark.slow
def test_a_plain_folder_trains_and_a_damaged_picture_ends_the_run_by_name(tmp_path):
    root = write_folder(tmp_path / "clips")
    config = folder_config(root)
    config.num_steps = 60
    config.validation.root = str(write_folder(tmp_path / "good", names=("a",)))
    opened = train.open_samples  # the folder is opened before it is damaged

    def open_then_damage(*arguments, **options):
        samples = opened(*arguments, **options)
        draw = type(samples).draw

        def damage_at_step_2(self, step, i):
            if step == 2:
                for name in "ab":
                    (root / name / "00000001.png").write_bytes(b"no picture")
            return draw(self, step, i)

        patch.setattr(type(samples), "draw", damage_at_step_2)
        return samples

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(train, "open_samples", open_then_damage)
        with pytest.raises(InputError, match=r"00000001\.png"):
            train.train(config, tmp_path / "run")
    (saved,) = (tmp_path / "run" / "checkpoints").iterdir()
    assert saved.name == "2"  # what was learned before is kept


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--config.rates.rat=1"], "rat"),
        (["--config.seed=many"], "seed"),
        (["--config=configs/missing.py"], "configs/missing.py"),
        (
            ["--config=configs/ablation.py:all"],
            "error: --config: configs/ablation.py:all",
        ),
        (["--config=configs/reds_scale.py:5"], "write one of 2, 3, 8 after the colon"),
        (["--worckdir=x"], "worckdir"),
        (["stray"], "stray: is no flag"),
    ],
)
def test_a_mistyped_command_is_one_line_and_exit_2(tmp_path, arguments, told):
    config = [] if "--config=" in arguments[0] else ["--config=configs/smoke.py"]
    command = [sys.executable, "train.py", f"--workdir={tmp_path}", *config, *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr.startswith("train.py: error: ")
    assert done.stderr.count("\n") == 1
    assert "Traceback" not in done.stderr
    assert told in done.stderr
