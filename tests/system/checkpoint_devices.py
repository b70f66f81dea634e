"""Saves a state from 1, 2, 4 and 8 devices, and restores each onto 1, 2, 4 and 8.

python tests/system/checkpoint_devices.py FOLDER
"""

import os
import sys
from functools import partial
from pathlib import Path

os.environ["JAX_PLATFORMS"] = "cpu"
os.environ["XLA_FLAGS"] = "--xla_force_host_platform_device_count=8"
sys.path.insert(0, str(Path(__file__).parents[2]))

import jax  # noqa: E402
import jax.numpy as jnp  # noqa: E402
import numpy as np  # noqa: E402

from bvsrpp_jax.training.checkpoint import Checkpoints  # noqa: E402
from bvsrpp_jax.training.optimizer import learning_rates, make_optimizer  # noqa: E402
from bvsrpp_jax.training.parallel import data_mesh, replicated  # noqa: E402
from bvsrpp_jax.training.state import create_state  # noqa: E402

COUNTS = (1, 2, 4, 8)


def random_state(seed: int):
    """A real state whose every number is random."""
    params = {
        "conv": {"kernel": jnp.zeros((3, 3, 8, 8))},
        "spynet": {"b": jnp.zeros(7)},
    }
    state = create_state(params, make_optimizer(learning_rates(num_steps=9)))
    rng = np.random.default_rng(seed)
    return jax.tree.map(
        lambda x: np.asarray(100 * rng.normal(size=x.shape), x.dtype), state
    )


def copies(state) -> list[bytes]:
    """The bits of a state on each of its devices."""
    leaves = jax.tree.leaves(state)
    return [
        b"".join(np.asarray(leaf.addressable_data(i)).tobytes() for leaf in leaves)
        for i in range(len(leaves[0].addressable_shards))
    ]


@partial(jax.jit, donate_argnums=0)
def double(state):
    return jax.tree.map(lambda x: x + x, state)


def main(folder: Path) -> None:
    shardings = {n: replicated(data_mesh(jax.devices()[:n])) for n in COUNTS}
    for source in COUNTS:
        saved = random_state(source)
        bits = b"".join(np.asarray(leaf).tobytes() for leaf in jax.tree.leaves(saved))
        with Checkpoints(folder / str(source)) as checkpoints:
            on_devices = jax.device_put(saved, shardings[source])
            checkpoints.save(on_devices, step=1, record={})
            jax.block_until_ready(double(on_devices))
            for target in COUNTS:
                like = jax.eval_shape(lambda: saved)  # noqa: B023
                state, _, _ = checkpoints.restore(like, sharding=shardings[target])
                right = copies(state) == target * [bits]
                doubled = copies(double(state))
                right &= len(set(doubled)) == 1 and doubled[0] != bits
                print(f"{source} -> {target}: {'right' if right else 'WRONG'}")
    split = jax.NamedSharding(shardings[8].mesh, jax.P("data"))
    try:
        Checkpoints(folder / "split").save(
            jax.device_put({"a": jnp.zeros(8)}, split), step=1, record={}
        )
    except ValueError as error:
        print(f"split: {error}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
