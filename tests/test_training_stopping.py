"""Leaving early: signals, and a run that hangs. In processes of their own."""

import signal
import subprocess
import sys

import pytest

from bvsrpp_jax.training.stopping import STOPPED

LOOP = """
import sys, time
from bvsrpp_jax.training.stopping import StopRequest
with StopRequest() as stop:
    print("ready", flush=True)
    for step in range(400):
        time.sleep(0.05)
        if stop.reached(step) and sys.argv[1] == "polite":
            print("saved", flush=True)
            sys.exit(stop.exit_code)
"""
HANG = """
import time
from bvsrpp_jax.training.stopping import Watchdog
def stuck_in_here():
    time.sleep(60)
with Watchdog(0.5) as watchdog:
    for _ in range(4):
        time.sleep(0.2)
        watchdog.beat()
    print("beats kept it alive", flush=True)
    stuck_in_here()
"""


def start(program, *arguments):
    return subprocess.Popen(
        [sys.executable, "-c", program, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGTERM, STOPPED), (signal.SIGINT, 130)]
)
def test_the_first_signal_lets_the_step_finish(number, code):
    with start(LOOP, "polite") as process:
        assert process.stdout.readline() == "ready\n"
        process.send_signal(number)
        out, err = process.communicate(timeout=30)
    assert (process.returncode, out) == (code, "saved\n")
    assert "stopping after this step" in err


def test_the_second_signal_leaves_at_once():
    with start(LOOP, "stubborn") as process:
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGTERM)
        assert "stopping" in process.stderr.readline()
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=30)
    assert process.returncode == 128 + signal.SIGTERM


def test_a_run_that_hangs_ends_and_shows_where():
    with start(HANG) as process:
        out, err = process.communicate(timeout=30)
    assert process.returncode == STOPPED
    assert out == "beats kept it alive\n"
    assert "stuck_in_here" in err
    assert "no step finished in 0.5 s" in err
