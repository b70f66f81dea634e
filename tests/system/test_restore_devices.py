"""One clip on eight virtual devices: the frames of one device, and none idle."""

import json
import os
import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).with_name("restore_devices.py")


def test_every_device_works_and_the_result_is_one_devices():
    flags = {"XLA_FLAGS": "--xla_force_host_platform_device_count=8"}
    done = subprocess.run(
        [sys.executable, str(SCRIPT)],
        capture_output=True,
        text=True,
        timeout=300,
        env={**os.environ, **flags, "JAX_PLATFORMS": "cpu"},
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert {case: part["equal"] for case, part in found.items()} == {
        "windows": True,
        "tiles": True,
        "disk": True,
        "both": True,
    }
    assert all(part["frames"] == 40 for part in found.values())
    assert found["windows"]["devices"] == found["both"]["devices"] == 8
    assert found["disk"]["devices"] == 1  # one window
    assert found["tiles"]["devices"] == 2  # one window of two tiles
