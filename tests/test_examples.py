"""The scripts of examples/ run as they stand, on small clips and a small network."""

import re
import runpy
import sys
from pathlib import Path

import jax
import numpy as np
import pytest
from media_files import pictures, read_frames, write_video
from PIL import Image
from stand_in import tiny_network

from bvsrpp_jax.media import open_clip
from bvsrpp_jax.weights import load, save

EXAMPLES = Path(__file__).parents[1] / "examples"
SCRIPTS = {path.name for path in EXAMPLES.glob("*.py")} - {"demo.py", "comparison.py"}
pytestmark = pytest.mark.long  # together: each compiles a network
README = (EXAMPLES / "README.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    path = tmp_path_factory.mktemp("weights") / "tiny.safetensors"
    save(path, *tiny_network())
    return path


@pytest.fixture
def run(tmp_path, monkeypatch, capsys, weights):
    """Runs a script with arguments and gives what it prints."""
    monkeypatch.chdir(tmp_path)
    jax.config.update("jax_disable_most_optimizations", True)  # half the time

    def run(name, *arguments, weights=("--weights", str(weights))):
        argv = [name, *map(str, arguments), *weights]
        monkeypatch.setattr(sys, "argv", argv)
        runpy.run_path(str(EXAMPLES / name), run_name="__main__")
        return capsys.readouterr().out

    yield run
    jax.config.update("jax_disable_most_optimizations", False)


def test_restore_file(run):
    write_video("in.mp4", pictures(2))
    assert "wrote 2 frames" in run("restore_file.py", "in.mp4", "new/out.mp4")
    frames = read_frames("new/out.mp4")
    assert [(frame.height, frame.width) for frame in frames] == [(192, 256)] * 2


def test_stream_frames(run):
    write_video("in.mp4", pictures(3))
    run("stream_frames.py", "in.mp4", "--frames", 2, "--out", "frames")
    written = sorted(Path("frames").iterdir())
    assert [path.name for path in written] == ["00000.png", "00001.png"]
    assert Image.open(written[1]).size == (256, 192)


def test_live_frames_come_when_the_lookahead_has(run):
    write_video("in.mp4", pictures(6))
    told = run("live.py", "in.mp4", "--frames", 3, "--lookahead", 1)
    assert re.findall(r"frame (\d).* (\d) behind", told) == [
        (index, "1") for index in "012"
    ]


def test_your_own_jax(run):
    write_video("in.mp4", pictures(2, height=64))
    count = jax.device_count()
    told = run("your_own_jax.py", "in.mp4")
    assert f"-> ({count}, 2, 256, 256, 3) on {count} devices" in told


def test_fine_tune_changes_the_network_and_saves_it(run, weights):
    write_video("in.mp4", pictures(2, width=260, height=256))
    told = run("fine_tune.py", "in.mp4", "--steps", 2, "--out", "mine")
    assert "step 1: loss" in told
    (before, old), (after, new) = load(weights), load("mine")
    assert after == before
    changes = jax.tree.map(lambda a, b: np.abs(a - b).max(), old, new)
    assert 0 < max(jax.tree.leaves(changes)) < 1e-4  # two steps of 1e-5


def test_pytorch_weights(run, weights):
    told = run("pytorch_weights.py", weights, weights=())
    assert "the same network, bit for bit" in told


def test_every_example_is_short_and_listed():
    links = set(re.findall(r"\]\((\w+\.py)\)", README))
    assert links == SCRIPTS | {"demo.py"}
    for name in SCRIPTS:
        lines = (EXAMPLES / name).read_text(encoding="utf-8").splitlines()
        assert len(lines) < 60, name


def test_the_sample_is_where_examples_look_for_it():
    for name in ("lq.mp4", "gt.mp4"):
        with open_clip(EXAMPLES / "sample" / name) as clip:
            assert clip.info.num_frames == 50
