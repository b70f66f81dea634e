"""eval.py in processes of its own, on a small set laid out as REDS is."""

import csv
import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))

from reds_tree import write_reds4
from stand_in import tiny_network

from bvsrpp_jax import weights
from bvsrpp_jax.data.partitions import REDS4, REDS_FRAMES

ROOT = Path(__file__).parents[2]
SMALLER = {"mid_channels": 4, "hr_channels": 4, "spynet_channels": (2, 2, 2, 2)}
REPORTS = ("evaluation.json", "scores.csv", "report.md", "report.html")


class Commands:
    """Starts eval.py with a tiny network on the set."""

    def __init__(self, folder: Path):
        self.folder, self.reds = folder, folder / "REDS"
        write_reds4(self.reds)
        weights.save(folder / "tiny.safetensors", *tiny_network(**SMALLER))
        self._cache = folder / "cache"
        self._cache.mkdir(mode=0o700)

    def start(self, *arguments, devices=1, method="--weights=tiny.safetensors"):
        flags = f"--xla_force_host_platform_device_count={devices}"
        command = (sys.executable, ROOT / "eval.py", method, *arguments)
        return subprocess.Popen(
            [*command, f"--config.evaluation.root={self.reds}"],
            cwd=self.folder,
            env={**os.environ, "XLA_FLAGS": flags, "BVSRPP_CACHE": str(self._cache)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments, **options):
        """Exit code, stdout and stderr."""
        process = self.start(*arguments, **options)
        out, err = process.communicate(timeout=300)
        return process.returncode, out, err


@pytest.fixture(scope="module")
def commands(tmp_path_factory):
    return Commands(tmp_path_factory.mktemp("eval"))


@pytest.fixture(scope="module")
def whole(commands):
    """The reports of one device."""
    code, out, err = commands.run("--workdir=one")
    assert (code, err) == (0, "")
    assert "mean over 4 clips" in out
    return commands.folder / "one"


def reports(folder):
    return {name: (folder / name).read_bytes() for name in REPORTS}


@pytest.mark.long
def test_every_value_of_every_frame_is_in_the_report(whole):
    record = json.loads((whole / "evaluation.json").read_text())
    own, bicubic = record["methods"]
    assert [clip["name"] for clip in own["clips"]] == list(REDS4)
    assert all(clip["frames"] == list(range(REDS_FRAMES)) for clip in own["clips"])
    rows = list(csv.DictReader((whole / "scores.csv").open()))
    assert len(rows) == 2 * 4 * REDS_FRAMES
    for method in (own, bicubic):
        values = [
            float(row["psnr"]) for row in rows if row["method"] == method["method"]
        ]
        clips = np.reshape(values, (4, REDS_FRAMES))
        for clip, known in zip(method["clips"], clips, strict=True):
            np.testing.assert_array_equal(clip["values"]["psnr"], known)
        mean = f"{clips.mean(axis=1).mean():.4f}"
        assert mean in (whole / "report.md").read_text()
    assert record["weights"]["file"] == "tiny.safetensors"
    assert record["settings"]["rounding"] == "uint8"


@pytest.mark.long
def test_four_devices_give_the_same_reports(commands, whole):
    code, _, err = commands.run("--workdir=four", devices=4)
    assert (code, err) == (0, "")
    assert reports(commands.folder / "four") == reports(whole)


@pytest.mark.long
def test_two_processes_give_the_same_reports(commands, whole):
    with socket.socket() as free:
        free.bind(("localhost", 0))
        address = f"localhost:{free.getsockname()[1]}"
    options = ("--workdir=two", "--multihost", f"--coordinator={address}")
    both = [
        commands.start(*options, "--num_processes=2", f"--process_id={i}")
        for i in range(2)
    ]
    ends = [process.communicate(timeout=300) for process in both]
    assert [process.returncode for process in both] == [0, 0], ends
    assert reports(commands.folder / "two") == reports(whole)


@pytest.mark.long
@pytest.mark.parametrize(
    ("number", "code"),
    [
        (signal.SIGINT, 130),
        pytest.param(signal.SIGTERM, 75, marks=pytest.mark.slow),
        pytest.param(signal.SIGKILL, -9, marks=pytest.mark.slow),
    ],
)
def test_a_stopped_evaluation_goes_on_where_it_was(commands, whole, number, code):
    workdir = f"--workdir=stopped-{code}"
    process = commands.start(workdir)
    first = commands.folder / f"stopped-{code}" / "clips" / "00000.json"
    while not first.exists():
        assert process.poll() is None
        time.sleep(0.05)
    process.send_signal(number)
    _, err = process.communicate(timeout=60)
    assert process.returncode == code
    assert "Traceback" not in err
    code, out, err = commands.run(workdir)
    assert (code, err) == (0, "")
    assert "000: psnr" in out
    assert "(done before)" in out
    assert reports(first.parents[1]) == reports(whole)


def test_finished_results_are_measured_without_a_network(commands, tmp_path):
    truth = commands.reds / "train_sharp"
    code, out, err = commands.run(f"--workdir={tmp_path}", method=f"--results={truth}")
    assert (code, err) == (0, "")
    assert "inf" in out
    record = json.loads((tmp_path / "evaluation.json").read_text())
    own, _ = record["methods"]
    assert own["clips"][0]["values"]["psnr"] == ["inf"] * REDS_FRAMES
    assert own["clips"][0]["values"]["ssim"] == [1.0] * REDS_FRAMES
