"""The training script: a run of two steps, the same command again, an error."""

import json

import jax
import numpy as np
import pytest
from ml_collections import ConfigDict

import train
from bvsrpp_jax import weights
from bvsrpp_jax.errors import InputError
from configs import lite

SMALL = {
    "mid_channels": 4,
    "num_blocks": 1,
    "num_extract_blocks": 1,
    "num_reconstruction_blocks": 1,
    "hr_channels": 4,
    "spynet_channels": (4, 4, 4, 4),
}


def small_config(folder) -> ConfigDict:
    config = lite.get_config()
    config.model.update(SMALL)
    config.data.folder = str(folder)
    config.data.samples.filmed = 0.0
    config.data.samples.num_frames = ((0, 2),)
    config.flow_loss_weight = 0.0  # compiles in less time
    config.num_steps, config.log_every, config.validate_every = 2, 1, 2
    return config


def write_clips(folder):
    rng = np.random.default_rng(0)
    for split in ("train", "validation"):
        target = folder / split / "clips"
        target.mkdir(parents=True)
        np.save(
            target / "a.npy", rng.integers(0, 256, (2, 256, 256, 3), dtype=np.uint8)
        )


@pytest.fixture(scope="module", autouse=True)
def compiled_once(tmp_path_factory):
    """The runs of this file share one program; compiling it is what takes the time."""
    jax.config.update("jax_compilation_cache_dir", str(tmp_path_factory.mktemp("xla")))
    yield
    jax.config.update("jax_compilation_cache_dir", None)


def test_a_run_logs_validates_saves_and_resumes_where_it_ended(tmp_path, capsys):
    write_clips(tmp_path / "data")
    config, workdir = small_config(tmp_path / "data"), tmp_path / "run"
    workdir.mkdir()
    train.train(config, workdir)
    lines = (workdir / "metrics.jsonl").read_text().splitlines()
    records = [json.loads(line) for line in lines]
    assert [record["step"] for record in records] == [1, 2, 2]
    assert records[0]["loss"] > 0
    assert "psnr_y_over_bicubic" in records[2]
    model, params = weights.load(workdir / "weights.safetensors")
    assert model.mid_channels == 4
    assert params["conv_last"]["kernel"].shape == (3, 3, 4, 3)

    capsys.readouterr()
    train.train(config, workdir)  # nothing left to do: no step is taken again
    assert "loss" not in capsys.readouterr().out


def test_an_interrupted_run_ends_with_the_same_parameters(tmp_path, monkeypatch):
    write_clips(tmp_path / "data")
    config = small_config(tmp_path / "data")
    config.checkpoint_seconds = 0.0  # after every step
    whole, stopped = tmp_path / "whole", tmp_path / "stopped"
    for workdir in (whole, stopped):
        workdir.mkdir()
    train.train(config, whole)

    progress = train.Log.write_progress

    def stop_at_the_second(log, step):
        if step == 2:
            raise KeyboardInterrupt
        progress(log, step)

    monkeypatch.setattr(train.Log, "write_progress", stop_at_the_second)
    with pytest.raises(KeyboardInterrupt):
        train.train(config, stopped)
    assert not (stopped / "weights.safetensors").exists()
    monkeypatch.undo()
    train.train(config, stopped)
    results = [folder / "weights.safetensors" for folder in (whole, stopped)]
    assert results[0].read_bytes() == results[1].read_bytes()

    config.init_from, config.num_steps = str(results[0]), 0
    (tmp_path / "next").mkdir()
    train.train(config, tmp_path / "next")  # no step: the same parameters
    assert (tmp_path / "next" / "weights.safetensors").read_bytes() == (
        results[0].read_bytes()
    )
    config.model.mid_channels = 8
    (tmp_path / "other").mkdir()
    with pytest.raises(InputError, match="weights of another network"):
        train.train(config, tmp_path / "other")


@pytest.mark.parametrize(
    ("entry", "value", "message"),
    [
        ("model.deform_groups", 3, "--config: deform_groups: 3"),
        ("data.samples.crop_size", 512, "--config: frames are 256x256; need 512x512"),
        ("data.samples.num_frames", ((0, 9),), "--config: clip has 2 frames"),
        ("flow_loss_weight", -1.0, "--config: flow_loss_weight is -1.0"),
    ],
)
def test_values_that_cannot_be_are_named(tmp_path, entry, value, message):
    write_clips(tmp_path / "data")
    config = small_config(tmp_path / "data")
    config.update_from_flattened_dict({entry: value})
    with pytest.raises(InputError, match=message):
        train.train(config, tmp_path)


def test_missing_data_is_named(tmp_path):
    with pytest.raises(InputError, match="prepare_lite"):
        train.train(small_config(tmp_path), tmp_path)


def test_a_workdir_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="--workdir"):
        train.make_workdir(tmp_path / "file")
    with pytest.raises(InputError, match="--workdir"):
        train.make_workdir(tmp_path / "file" / "below")


def test_bad_input_is_one_line_and_exit_2(tmp_path, capsys, monkeypatch):
    class Flags:
        workdir, config = str(tmp_path), small_config(tmp_path)

    monkeypatch.setattr(train, "FLAGS", Flags)
    with pytest.raises(SystemExit) as exit_info:
        train.main([])
    assert exit_info.value.code == 2
    assert capsys.readouterr().err.count("\n") == 1
