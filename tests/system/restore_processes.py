"""One of several processes that restore a clip together, with a stand-in network.

python tests/system/restore_processes.py SOURCE TARGET PORT COUNT NUMBER [SETTINGS]

SETTINGS is a JSON object: arguments of `restore_video`, and `pause`, seconds that the
network takes for a frame. Tells on stdout which segments it makes, and on stderr, as
the command does, why it ends; leaves with the command's codes.
"""

import json
import os
import sys
import time
from pathlib import Path

os.environ["JAX_PLATFORMS"] = "cpu"
sys.path[:0] = [str(Path(__file__).parents[n]) for n in (1, 2)]

import numpy as np  # noqa: E402
from stand_in import StandIn  # noqa: E402

from bvsrpp_jax import cli, processes  # noqa: E402
from bvsrpp_jax.restoration import Restorer  # noqa: E402
from bvsrpp_jax.restoration.job import JobFolder  # noqa: E402

processes.HEARTBEAT_SECONDS = 5


class Repeating(Restorer):
    """Restores with NumPy alone, as slowly as it is told."""

    def restore_windows(self, windows, plan, *, on_work=None):
        for window in windows:
            yield window, (slow(frame) for frame in window.frames[window.keep])


def slow(frame):
    time.sleep(PAUSE)
    return frame.repeat(4, 0).repeat(4, 1)


def write(self, segments, first, frames):
    print(f"segment {first}", flush=True)
    unwrapped(self, segments, first, frames)


if __name__ == "__main__":
    source, target, port, count, number, *rest = sys.argv[1:]
    settings = json.loads(rest[0]) if rest else {}
    PAUSE = settings.pop("pause", 0)
    unwrapped, JobFolder.write = JobFolder.write, write

    def run(arguments):
        cli.COMMANDS[0]._join(arguments)
        restorer = Repeating(StandIn(), np.float32(1), window=6, overlap=1)
        restorer.restore_video(
            arguments.input, arguments.output, multihost=True, **settings
        )

    cli.COMMANDS[0].run = run
    sys.argv[1:] = ["restore", source, target, "--multihost"]
    sys.argv += ["--coordinator", f"127.0.0.1:{port}"]
    sys.argv += ["--num_processes", count, "--process_id", number]
    sys.exit(cli.main())
