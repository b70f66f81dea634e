"""eval.py in processes of its own, on a small set laid out as REDS is."""

import csv
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

sys.path.insert(0, str(Path(__file__).parents[1]))

from reds_tree import write_reds4
from stand_in import tiny_network

from bvsrpp_jax import weights
from bvsrpp_jax.data.degradations import bicubic_downsample
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
        warped = tiny_network(**SMALLER, alignment="flow")
        weights.save(folder / "warped.safetensors", *warped)
        self._cache = folder / "cache"
        self._cache.mkdir(mode=0o700)

    def start(self, *arguments, devices=1, method="--weights=tiny.safetensors"):
        flags = f"--xla_force_host_platform_device_count={devices}"
        # What is said last counts, but of the entries of a configuration none may be
        # named before it.
        given = list(arguments)
        place = next((i + 1 for i, a in enumerate(given) if "--config=" in a), 0)
        given.insert(place, f"--config.evaluation.root={self.reds}")
        return subprocess.Popen(
            [sys.executable, ROOT / "eval.py", method, *given],
            cwd=self.folder,
            env={**os.environ, "XLA_FLAGS": flags, "BVSRPP_CACHE": str(self._cache)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            # Where the tests run in the background, Ctrl-C is ignored.
            preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),
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


def nearest(lq, gt):
    return gt[::4, ::4]


def shifted(lq, gt):
    return bicubic_downsample(np.roll(gt, 1, axis=(0, 1)))


def remade(root: Path, making) -> None:
    """Makes the input of the last clip in another way."""
    for path in sorted((root / "train_sharp" / REDS4[-1]).iterdir()):
        input_path = root / "train_sharp_bicubic" / "X4" / REDS4[-1] / path.name
        lq, gt = (np.asarray(Image.open(p)) for p in (input_path, path))
        Image.fromarray(np.ascontiguousarray(making(lq, gt))).save(input_path)


def without_a_frame(root: Path) -> None:
    (root / "train_sharp" / "011" / "00000042.png").unlink()


def without_a_clip(root: Path) -> None:
    shutil.rmtree(root / "train_sharp_bicubic" / "X4" / "015")


def swapped(root: Path) -> None:
    sharp, small = root / "train_sharp", root / "train_sharp_bicubic" / "X4"
    sharp.rename(root / "aside")
    small.rename(sharp)
    (root / "aside").rename(small)


@pytest.mark.parametrize(
    ("spoil", "named"),
    [
        (partial(remade, making=nearest), "020: .*every 4th pixel from 0 on"),
        (partial(remade, making=shifted), "020: .*bicubic, shifted by -1 pixels"),
        (without_a_frame, "011/00000042.png: the frame is missing"),
        (without_a_clip, "X4/015: the clip is missing"),
        (swapped, "X4/000/.*png: is 64x64, its ground truth 16x16"),
    ],
    ids=["kernel", "phase", "frame", "clip", "swapped"],
)
def test_wrong_data_is_named_before_anything_is_measured(
    commands, tmp_path, spoil, named
):
    root = tmp_path / "REDS"
    shutil.copytree(commands.reds, root)
    spoil(root)
    code, out, err = commands.run(
        f"--workdir={tmp_path / 'out'}", f"--config.evaluation.root={root}"
    )
    assert (code, out) == (2, "")
    assert err.count("\n") == 1
    assert re.search(named, err), err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("--weights=tiny.safetensors", "--results=REDS"), "name one of them"),
        (("--weights=none.pth",), "none.pth: no such file"),
        (("--config.evaluation.protocol=reds",), "protocol: 'reds' is not known"),
        (("--config.evaluation.metrics=('psnr','lpips')",), "'lpips' is not known"),
        (("--config.evaluation.rounding=half",), "rounding: 'half'"),
        (("--config.evaluation.root=nowhere",), "nowhere: is no folder"),
        (("--lq=REDS",), "--lq: needs --gt"),
        (("--gt=nowhere",), "nowhere: no such file or folder"),
        (
            ("--config.evaluation.degradations=('noise',)",),
            "noise does not make an input",
        ),
        (("--config=configs/lite.py",), "hr_channels is 4, in the configuration 16"),
        (
            ("--config=configs/reds4.py", "--weights=warped.safetensors"),
            "alignment is flow, in the configuration deformable",
        ),
        (("--process_id=0",), "belong to --multihost"),
        (
            ("--gt=REDS", "--lq=REDS", "--config.evaluation.degradations=('blur',)"),
            "--lq: config.evaluation.degradations makes another input",
        ),
        (("--cost", "--gt=REDS"), "--cost: is of a network alone"),
        (("--config.evaluation.ensemble=3",), "ensemble: 3"),
    ],
)
def test_bad_settings_are_named(commands, arguments, named):
    arguments = [a.replace("configs/", f"{ROOT}/configs/") for a in arguments]
    code, out, err = commands.run(*arguments)
    assert (code, out) == (2, "")
    assert err.count("\n") == 1
    assert named in err


def test_a_pair_of_videos_is_scored(commands, tmp_path):
    for name in ("gt", "lq"):
        shutil.copy(ROOT / "examples" / "sample" / f"{name}.mp4", tmp_path)
    code, out, err = commands.run(
        f"--workdir={tmp_path / 'out'}",
        f"--gt={tmp_path / 'gt.mp4'}",
        f"--results={tmp_path / 'gt.mp4'}",
        f"--lq={tmp_path / 'lq.mp4'}",
        method="--config.evaluation.channel=y",
    )
    assert (code, err) == (0, "")
    record = json.loads((tmp_path / "out" / "evaluation.json").read_text())
    own, bicubic = record["methods"]
    assert set(own["clips"][0]["values"]["psnr"]) == {"inf"}
    assert np.mean(bicubic["clips"][0]["values"]["psnr"]) == pytest.approx(
        31.85, abs=0.1
    )
