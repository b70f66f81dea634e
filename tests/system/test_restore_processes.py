"""Real processes at one restoration: the same packets, and no waiting for the dead."""

import json
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tests"))

from media_files import packets, pictures, write_video  # noqa: E402

SCRIPT = Path(__file__).parent / "restore_processes.py"
FIRST = ["0", "5", "9", "13", "17", "21"]  # of 26 frames: six windows


@pytest.fixture
def source(tmp_path):
    return write_video(tmp_path / "in.mp4", pictures(26), tracks=1, audio_seconds=1)


def start(source, target, *settings):
    """As many processes as there are settings."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    pipe, count = subprocess.PIPE, str(len(settings))
    return [
        subprocess.Popen(
            [sys.executable, str(SCRIPT), str(source), str(target), port, count]
            + [str(number), json.dumps(given)],
            stdout=pipe,
            stderr=pipe,
            text=True,
        )
        for number, given in enumerate(settings)
    ]


def finish(processes):
    """(code, segments made, stderr) of each."""
    ends = []
    for process in processes:
        out, err = process.communicate(timeout=120)
        made = [line.split()[1] for line in out.splitlines() if "segment " in line]
        ends.append((process.returncode, made, err))
    return ends


def whole(source, folder):
    ((code, made, err),) = finish(start(source, folder / "whole.mp4", {}))
    assert (code, made) == (0, FIRST), err
    return output(folder / "whole.mp4")


def output(path):
    return packets(path, "video"), packets(path, "audio")


def files(folder):
    return sorted(path.name for path in folder.iterdir())


def wait_for_segments(folder, count, processes):
    deadline = time.monotonic() + 60
    while len(list(folder.glob("*.segment"))) < count:
        assert all(process.poll() is None for process in processes)
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_two_processes_share_the_segments(tmp_path, source):
    ends = finish(start(source, tmp_path / "out.mp4", {}, {}))
    assert [code for code, _, _ in ends] == [0, 0], ends
    assert [made for _, made, _ in ends] == [FIRST[::2], FIRST[1::2]]
    assert output(tmp_path / "out.mp4") == whole(source, tmp_path)
    assert files(tmp_path) == ["in.mp4", "out.mp4", "whole.mp4"]


@pytest.mark.long
@pytest.mark.parametrize("dead", [0, 1])
def test_a_process_that_dies_ends_the_others_and_any_number_resumes(
    tmp_path, source, dead
):
    target, job = tmp_path / "out.mp4", tmp_path / ".out.mp4.job"
    processes = start(source, target, {"pause": 0.2}, {"pause": 0.2})
    wait_for_segments(job, 2, processes)
    processes[dead].kill()
    began = time.monotonic()
    ends = finish(processes)
    assert time.monotonic() - began < 40  # a silence of 5 s, where users have 60
    assert ends[1 - dead][0] not in (0, None)
    assert not target.exists()
    kept = {path.stem.lstrip("0") or "0" for path in job.glob("*.segment")}
    ends = finish(start(source, target, {}, {}, {}))
    assert [code for code, _, _ in ends] == [0, 0, 0], ends
    assert {first for _, made, _ in ends for first in made} == {*FIRST} - kept
    assert output(target) == whole(source, tmp_path)


def test_a_process_that_is_stopped_stops_the_others(tmp_path, source):
    target, job = tmp_path / "out.mp4", tmp_path / ".out.mp4.job"
    processes = start(source, target, {"pause": 0.2}, {"pause": 0.2})
    wait_for_segments(job, 2, processes)
    processes[1].send_signal(signal.SIGTERM)
    ends = finish(processes)
    assert [code for code, _, _ in ends] == [75, 75], ends
    assert "the same command resumes" in ends[0][2]


def test_processes_with_other_settings_are_refused(tmp_path, source):
    ends = finish(start(source, tmp_path / "out.mp4", {"crf": 20}, {"crf": 21}))
    assert [code for code, _, _ in ends] == [2, 2], ends
    assert "process 1: cannot go on. Read its message." in ends[0][2]
    assert "settings.crf was 20, is 21" in ends[1][2]
    assert files(tmp_path) == ["in.mp4"]
