"""Real processes: they end as they should and leave nothing behind."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tests"))

from media_files import packets, pictures, read_frames, seconds, write_video  # noqa: E402
from stand_in import tiny_network  # noqa: E402

from bvsrpp_jax.weights import save  # noqa: E402


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    path = tmp_path_factory.mktemp("weights") / "tiny.safetensors"
    save(path, *tiny_network())
    return str(path)


def start(folder, *argv, limit=None):
    """Runs the command; `limit` is the size in bytes that files may grow to."""
    program = ["-m", "bvsrpp_jax"]
    if limit is not None:
        code = (
            f"import resource, runpy; size = resource.RLIMIT_FSIZE\n"
            f"resource.setrlimit(size, ({limit}, {limit}))\n"
            "runpy.run_module('bvsrpp_jax', run_name='__main__', alter_sys=True)"
        )
        program = ["-c", code]
    return subprocess.Popen(
        [sys.executable, *program, *argv],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "JAX_PLATFORMS": "cpu"},
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(process):
    _, err = process.communicate(timeout=300)
    return process.returncode, err


def test_a_clip_is_restored(tmp_path, weights):
    source = write_video(tmp_path / "in.mp4", pictures(5), tracks=1)
    process = start(tmp_path, "restore", "in.mp4", "out.mp4", "--weights", weights)
    code, err = finish(process)
    assert code == 0, err
    assert len(read_frames(tmp_path / "out.mp4")) == 5
    assert seconds(tmp_path / "out.mp4") == seconds(source)
    assert packets(tmp_path / "out.mp4", "audio") == packets(source, "audio")
    assert sorted(os.listdir(tmp_path)) == ["in.mp4", "out.mp4"]


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)]
)
def test_signals_in_the_middle_leave_nothing(tmp_path, weights, number, code):
    write_video(tmp_path / "in.mp4", pictures(60))
    process = start(
        tmp_path,
        *("restore", "in.mp4", "out.mp4", "--weights", weights),
        *("--window", "3", "--overlap", "1"),
    )
    wait_for(lambda: any("partial" in name for name in os.listdir(tmp_path)), process)
    time.sleep(0.5)
    process.send_signal(number)
    ended, err = finish(process)
    assert ended == code, err
    assert "Traceback" not in err
    assert os.listdir(tmp_path) == ["in.mp4"]


def test_sigkill_leaves_the_earlier_output(tmp_path, weights):
    write_video(tmp_path / "in.mp4", pictures(60))
    (tmp_path / "out.mp4").write_bytes(b"earlier")
    process = start(
        tmp_path,
        *("restore", "in.mp4", "out.mp4", "--weights", weights, "--overwrite"),
        *("--window", "3", "--overlap", "1"),
    )
    wait_for(lambda: any("partial" in name for name in os.listdir(tmp_path)), process)
    process.kill()
    finish(process)
    assert (tmp_path / "out.mp4").read_bytes() == b"earlier"


def test_a_full_disk_is_one_line(tmp_path, weights):
    write_video(tmp_path / "in.mp4", pictures(5))
    process = start(
        tmp_path,
        *("restore", "in.mp4", "out.mp4", "--weights", weights, "--quiet"),
        limit=3000,
    )
    code, err = finish(process)
    assert code == 2
    assert err.startswith("bvsrpp: error: out.mp4: ")
    assert "File too large" in err
    assert err.count("\n") == 1
    assert os.listdir(tmp_path) == ["in.mp4"]


def wait_for(condition, process):
    deadline = time.monotonic() + 240
    while not condition():
        assert process.poll() is None, process.stderr.read()
        assert time.monotonic() < deadline
        time.sleep(0.02)
