"""The training command in processes of its own: hosts, signals, kill -9.

The programs are compiled once and shared through a cache; what is left of a run's time
is mostly imports.
"""

import os
import random
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import jax
import numpy as np
import pytest
from flax.traverse_util import flatten_dict, unflatten_dict
from orbax.checkpoint import v1 as ocp

from bvsrpp_jax.training.storage import read_manifest, steps_in

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[2]
SMALL = (
    "--config=configs/smoke.py",
    "--config.model.mid_channels=4",
    "--config.model.hr_channels=4",
    "--config.data.samples.num_frames=((0,2),)",
    "--config.validation.num_frames=2",
    "--config.log_every=1",
)


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("xla")


class Commands:
    """Starts train.py; ends what still runs."""

    def __init__(self, cache):
        self._cache, self._running = cache, []

    def start(self, workdir, *arguments, devices=1, **environment):
        flags = f"--xla_force_host_platform_device_count={devices}"
        process = subprocess.Popen(
            [sys.executable, "train.py", *SMALL, f"--workdir={workdir}", *arguments],
            cwd=ROOT,
            env={
                **os.environ,
                "XLA_FLAGS": flags,
                "JAX_COMPILATION_CACHE_DIR": str(self._cache),
                "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
                **environment,
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._running.append(process)
        return process

    def run(self, *arguments, **options):
        process = self.start(*arguments, **options)
        out, _ = process.communicate(timeout=900)
        return process.returncode, out

    def end(self):
        for process in self._running:
            process.kill()
            process.wait()
            process.stdout.close()


@pytest.fixture
def command(cache):
    commands = Commands(cache)
    yield commands
    commands.end()


def read_until(process, text):
    """Lines up to the first with `text` in it."""
    lines = []
    for line in process.stdout:
        lines.append(line)
        if text in line:
            return "".join(lines)
    raise AssertionError(f"{text!r} never came:\n{''.join(lines)}")


def two_hosts(command, workdir, *arguments, **options):
    """The same command twice, as on two hosts that know of one another."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    return [
        command.start(
            workdir,
            *arguments,
            "--multihost",
            f"--coordinator=127.0.0.1:{port}",
            "--num_processes=2",
            f"--process_id={i}",
            **options,
        )
        for i in range(2)
    ]


ONE_STEP = (
    "--config.num_steps=1",
    "--config.data.batch_size=8",
    "--config.model.dtype=float64",
)


def arrays(workdir, step=1):
    """Every array of a checkpoint by name."""
    path = workdir / "checkpoints" / str(step)
    entries = read_manifest(path)["arrays"]
    shapes = {k: np.empty(v["shape"], v["dtype"]) for k, v in entries.items()}
    return flatten_dict(
        ocp.load(path / "state", unflatten_dict(shapes, sep="/")), sep="/"
    )


def test_one_device_eight_and_two_hosts_of_four_take_the_same_step(command, tmp_path):
    """Gradients, which are ten times the first moments of Adam, and parameters."""
    double = {"JAX_ENABLE_X64": "1"}
    one, eight, hosts = (tmp_path / name for name in ("one", "eight", "hosts"))
    code, out = command.run(one, *ONE_STEP, "--config.accumulate=8", **double)
    assert code == 0, out
    code, out = command.run(eight, *ONE_STEP, devices=8, **double)
    assert code == 0, out
    processes = two_hosts(command, hosts, *ONE_STEP, devices=4, **double)
    outs = [process.communicate(timeout=900)[0] for process in processes]
    assert [process.returncode for process in processes] == [0, 0], outs
    assert "loss" in outs[0]
    assert "loss" not in outs[1]  # process 0 alone tells
    expected = arrays(one)
    moments = [name for name in expected if "mu" in name.split("/")]
    params = [name for name in expected if name.startswith("params/")]
    assert len(moments) == len(params) > 50
    largest = max(np.abs(expected[name]).max() for name in moments)
    for workdir in (eight, hosts):
        found = arrays(workdir)
        for name in moments:
            difference = np.abs(found[name] - expected[name]).max()
            assert difference <= 1e-6 * largest, name
        for name in params:
            np.testing.assert_allclose(
                found[name], expected[name], rtol=0, atol=1e-10, err_msg=name
            )


def test_sigterm_to_one_of_two_hosts_stops_both_at_the_same_step(command, tmp_path):
    long = ("--config.num_steps=9999", "--config.data.batch_size=2")
    rare = ("--config.validate_every=9999", "--config.checkpoint_every=9999")
    processes = two_hosts(command, tmp_path, *long, *rare)
    read_until(processes[0], "step 2/9999")
    began = time.monotonic()
    processes[1].send_signal(signal.SIGTERM)
    outs = [process.communicate(timeout=60)[0] for process in processes]
    assert time.monotonic() - began < 15
    assert [process.returncode for process in processes] == [75, 75], outs
    (step,) = steps_in(tmp_path / "checkpoints")
    assert f"stopped at step {step}, saved" in outs[0]


def final_weights(workdir):
    return (workdir / "weights.safetensors").read_bytes()


RUN = (
    "--config.num_steps=12",
    "--config.checkpoint_every=2",
    "--config.validate_every=6",
)


@pytest.fixture(scope="module")
def uninterrupted(cache, tmp_path_factory):
    workdir = tmp_path_factory.mktemp("whole")
    code, out = Commands(cache).run(workdir, *RUN)
    assert code == 0, out
    return final_weights(workdir)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_run_that_is_asked_to_stop_saves_and_resumes(
    command, uninterrupted, tmp_path, number
):
    process = command.start(tmp_path, *RUN)
    read_until(process, "step 3/12")
    process.send_signal(number)
    out, _ = process.communicate(timeout=60)
    assert process.returncode == (75 if number == signal.SIGTERM else 130), out
    assert "saved; the same command resumes" in out
    code, out = command.run(tmp_path, *RUN)
    assert code == 0, out
    assert final_weights(tmp_path) == uninterrupted


def test_kill_9_at_random_moments_changes_nothing(command, uninterrupted, tmp_path):
    """Again and again, each time after the first save of that launch or a bit later."""
    rng = random.Random(int(os.environ.get("BVSRPP_KILLS_SEED", "0")))
    kills = int(os.environ.get("BVSRPP_KILLS", "2"))
    code = None
    for _ in range(kills):
        process = command.start(tmp_path, *RUN)
        read_until(process, "step ")
        while not steps_in(tmp_path / "checkpoints"):
            time.sleep(0.01)
        time.sleep(rng.uniform(0, 1.0))
        process.kill()
        process.communicate()
    code, out = command.run(tmp_path, *RUN)
    assert code == 0, out
    assert final_weights(tmp_path) == uninterrupted


def test_a_second_run_in_the_same_workdir_is_refused(command, tmp_path):
    first = command.start(tmp_path, "--config.num_steps=9999")
    read_until(first, "parameters")
    code, out = command.run(tmp_path, "--config.num_steps=9999")
    assert code == 2
    assert out.count("\n") == 1
    assert f"another run is at work here (process {first.pid}" in out


def test_bad_input_of_one_host_ends_both(command, tmp_path):
    (tmp_path / "file").touch()
    processes = two_hosts(command, tmp_path / "file", "--config.data.batch_size=2")
    outs = [process.communicate(timeout=120)[0] for process in processes]
    assert [process.returncode for process in processes] == [2, 2], outs
    assert "file: cannot be written" in outs[0]
    assert "process 0: cannot go on" in outs[1]


def test_the_flags_are_explained():
    done = subprocess.run(
        [sys.executable, "train.py", "--help"], cwd=ROOT, capture_output=True, text=True
    )
    assert "configs/smoke.py" in done.stdout
    assert "--[no]multihost" in done.stdout
    assert jax.__version__ not in done.stderr
