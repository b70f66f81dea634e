"""One of two processes that save and restore together; each has two devices.

python tests/system/checkpoint_processes.py FOLDER PORT NUMBER

Prints a line for everything that is as it should be. Gloo, which connects the two,
prints from threads of its own; its lines go to stderr, where they cannot mix with ours.
"""

import os
import resource
import signal
import sys
import time
from pathlib import Path

sys.stdout = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)
os.environ["JAX_PLATFORMS"] = "cpu"
os.environ["XLA_FLAGS"] = "--xla_force_host_platform_device_count=2"
sys.path.insert(0, str(Path(__file__).parents[2]))

import jax  # noqa: E402
import jax.numpy as jnp  # noqa: E402
import numpy as np  # noqa: E402
from jax.experimental import multihost_utils  # noqa: E402

from bvsrpp_jax.errors import InputError  # noqa: E402
from bvsrpp_jax.training import storage  # noqa: E402
from bvsrpp_jax.training.checkpoint import Checkpoints  # noqa: E402
from bvsrpp_jax.training.digest import Damaged  # noqa: E402
from bvsrpp_jax.training.parallel import data_mesh, replicated  # noqa: E402

LARGE = np.random.default_rng(0).normal(size=1 << 16).astype(np.float32)


def host_state(step: int) -> dict[str, np.ndarray]:
    return {"params": LARGE * step, "step": np.asarray(step, np.int32)}


def on_devices(state):
    def place(array):
        return jax.make_array_from_callback(array.shape, SHARDING, lambda i: array[i])

    return jax.tree.map(place, state)


def same(state, step: int) -> bool:
    """Whether every device of this process has the state of a step."""
    wanted = host_state(step)
    return all(
        np.array_equal(leaf.addressable_data(i), wanted[name])
        for name, leaf in state.items()
        for i in range(2)
    )


def restored_step(checkpoints: Checkpoints) -> int | None:
    """Restores; the step if this process' devices have its values."""
    state, _, step = checkpoints.restore(host_state(0), sharding=SHARDING)
    return step if same(state, step) else None


def failure(call, *args, **options) -> str:
    try:
        call(*args, **options)
    except InputError as error:
        return str(error)
    return ""


def main(folder: Path, number: int) -> None:
    said = []
    with Checkpoints(folder, keep=2, say=said.append) as checkpoints:
        if checkpoints.restore(host_state(0), sharding=SHARDING) is None:
            print("nothing to restore")
        for step in (1, 2, 3):
            checkpoints.save(on_devices(host_state(step)), step=step, record={})
        if restored_step(checkpoints) == 3:
            print("saved and restored")

        message = failure(checkpoints.restore, {"params": jnp.zeros(3)})
        if "another network" in message:
            print("both refuse another network")

        read = storage.read_manifest
        if number == 1:  # damage that one process alone sees

            def read_once(path):
                storage.read_manifest = read
                raise Damaged("it is damaged")

            storage.read_manifest = read_once
        if restored_step(checkpoints) == 2 and len(said) == (number == 0):
            print("both go back")
        if sorted(os.listdir(folder)) == ["2", "refused"]:
            print("moved once")

        if number == 0:
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 14, -1))
        checkpoints.save(on_devices(host_state(4)), step=4, record={})
        start = time.monotonic()
        message = failure(checkpoints.wait)
        if "/4: " in message and time.monotonic() - start < 20:
            print("both fail")
        resource.setrlimit(resource.RLIMIT_FSIZE, (-1, -1))
        checkpoints.save(on_devices(host_state(5)), step=5, record={})
        if restored_step(checkpoints) == 5:
            print("both go on")
    multihost_utils.sync_global_devices("end")


if __name__ == "__main__":
    jax.distributed.initialize(f"127.0.0.1:{sys.argv[2]}", 2, int(sys.argv[3]))
    SHARDING = replicated(data_mesh())
    main(Path(sys.argv[1]), int(sys.argv[3]))
    sys.stdout.flush()
