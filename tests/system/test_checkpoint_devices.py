"""Checkpoints of several devices and of several processes."""

import socket
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent


def start(script, *argv):
    return subprocess.Popen(
        [sys.executable, str(HERE / script), *map(str, argv)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(process):
    """The lines that a script prints."""
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    return out.splitlines()


def test_a_state_goes_from_any_number_of_devices_to_any_other(tmp_path):
    *pairs, split = finish(start("checkpoint_devices.py", tmp_path))
    counts = (1, 2, 4, 8)
    assert pairs == [f"{a} -> {b}: right" for a in counts for b in counts]
    assert split == "split: a is split over devices; replicate the state"


def test_two_processes_save_go_back_and_fail_together(tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    script = "checkpoint_processes.py"
    both = [start(script, tmp_path / "checkpoints", port, i) for i in range(2)]
    try:
        told = [finish(process) for process in both]
    finally:
        for process in both:  # one may wait for the other
            process.kill()
    assert told == 2 * [
        [
            "nothing to restore",
            "saved and restored",
            "both refuse another network",
            "both go back",
            "moved once",
            "both fail",
            "both go on",
        ]
    ]
