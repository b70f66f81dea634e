"""Real processes: they end as they should and leave nothing behind."""

import os
import re
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
    # A shell's background job, as these tests may be, ignores Ctrl-C.
    code = (
        "import resource, runpy, signal\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        f"limit = {limit} or resource.RLIM_INFINITY\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))\n"
        "runpy.run_module('bvsrpp_jax', run_name='__main__', alter_sys=True)"
    )
    return subprocess.Popen(
        [sys.executable, "-c", code, *argv],
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


def start_long(folder, weights, *more):
    """A restoration of many windows, and the folder of its job."""
    process = start(
        folder,
        *("restore", "in.mp4", "out.mp4", "--weights", weights),
        *("--window", "4", "--overlap", "1", *more),
    )
    return process, folder / ".out.mp4.job"


def segments(job):
    return list(job.glob("*.segment"))


@pytest.mark.parametrize(
    ("number", "code", "word"),
    [(signal.SIGINT, 130, "interrupted"), (signal.SIGTERM, 75, "stopped")],
)
def test_signals_in_the_middle_lose_nothing(tmp_path, weights, number, code, word):
    write_video(tmp_path / "in.mp4", pictures(24))
    process, job = start_long(tmp_path, weights)
    wait_for(lambda: len(segments(job)) >= 3, process)
    process.send_signal(number)
    began = time.monotonic()
    ended, err = finish(process)
    assert time.monotonic() - began < 20
    assert ended == code, err
    assert "Traceback" not in err
    pattern = rf"bvsrpp: {word}: (\d+) frames are done; the same command resumes"
    done = int(re.fullmatch(pattern, err.splitlines()[-1])[1])
    assert done >= 5  # the third segment may have had no time to be counted
    assert sorted(os.listdir(tmp_path)) == [".out.mp4.job", "in.mp4"]
    process, _ = start_long(tmp_path, weights)
    code, err = finish(process)
    assert code == 0, err
    resumed = int(re.search(r"resuming: (\d+) of 24 frames are done", err)[1])
    assert resumed >= max(done, 7)
    assert len(read_frames(tmp_path / "out.mp4")) == 24
    assert sorted(os.listdir(tmp_path)) == ["in.mp4", "out.mp4"]


def test_a_signal_before_a_window_is_done_leaves_nothing(tmp_path, weights):
    write_video(tmp_path / "in.mp4", pictures(24))
    process, job = start_long(tmp_path, weights)
    wait_for((job / "job.json").exists, process)
    process.send_signal(signal.SIGTERM)
    code, err = finish(process)
    assert (code, err.splitlines()[-1]) == (
        75,
        "bvsrpp: stopped: nothing is left behind",
    )
    assert os.listdir(tmp_path) == ["in.mp4"]


@pytest.mark.long
def test_sigkill_leaves_the_earlier_output_and_a_second_process_none(tmp_path, weights):
    write_video(tmp_path / "in.mp4", pictures(24))
    (tmp_path / "out.mp4").write_bytes(b"earlier")
    process, job = start_long(tmp_path, weights, "--overwrite")
    wait_for(lambda: segments(job), process)
    process.send_signal(signal.SIGSTOP)  # or it may be done before the second begins
    second, _ = start_long(tmp_path, weights, "--overwrite")
    code, err = finish(second)
    assert code == 2
    assert f"out.mp4: is being restored by process {process.pid} on" in err
    assert process.poll() is None
    process.kill()
    finish(process)
    assert (tmp_path / "out.mp4").read_bytes() == b"earlier"
    process, _ = start_long(tmp_path, weights, "--overwrite", "--quiet")
    assert finish(process) == (0, "")
    assert len(read_frames(tmp_path / "out.mp4")) == 24


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
