"""Restores a clip on one device and on all, in windows and in tiles.

    XLA_FLAGS=--xla_force_host_platform_device_count=8 python restore_devices.py

Prints JSON: {case: {"equal": whether the frames are, "devices": how many worked}}.
"""

import json
import sys
from pathlib import Path

import jax
import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from media_files import pictures
from stand_in import StandIn

from bvsrpp_jax.restoration import Restorer, engine

CASES = {
    "windows": {"window": 4, "overlap": 1, "shots": False},
    "tiles": {"tile": 100},
    "disk": {"exact": True, "shots": False},
    "both": {"tile": 100, "window": 4, "overlap": 1, "shots": False},
}


def counting(used: set) -> None:
    """Notes every device whose programs run."""
    compile_programs = engine.compile_programs

    def compile_and_count(*arguments, device, **options):
        programs, needed = compile_programs(*arguments, device=device, **options)

        def reconstruct(*inputs):
            output = programs.reconstruct(*inputs)
            used.update(output[0].devices())
            return output

        return programs._replace(reconstruct=reconstruct), needed

    engine.compile_programs = compile_and_count


def main() -> None:
    used = set()
    counting(used)
    frames = pictures(40, width=140, height=100)
    found = {}
    for name, options in CASES.items():
        outputs = []
        for devices in (jax.local_devices()[:1], jax.local_devices()):
            used.clear()
            restorer = Restorer(
                StandIn(), np.float32(0.7), devices=devices, chunk=2, **options
            )
            outputs.append(list(restorer.stream(frames)))
        found[name] = {
            "equal": bool(np.array_equal(*outputs)),
            "frames": len(outputs[1]),
            "devices": len(used),
        }
    print(json.dumps(found))


if __name__ == "__main__":
    main()
