"""A run that saves a real training state at every step, its steps a few lines of NumPy.

Nothing here touches a device, so that a process which imports it may still fork.
"""

import os
import sys
from collections.abc import Callable
from pathlib import Path

os.environ["JAX_PLATFORMS"] = "cpu"
sys.path.insert(0, str(Path(__file__).parents[2]))

import jax  # noqa: E402
import numpy as np  # noqa: E402
import optax  # noqa: E402

from bvsrpp_jax.training.checkpoint import Checkpoints  # noqa: E402
from bvsrpp_jax.training.state import TrainState  # noqa: E402

STEPS = 3


def first_state(num_arrays: int) -> TrainState:
    """A state whose network has `num_arrays` arrays, with Adam's and an average."""
    params = {f"layer_{i:03}": {"kernel": noise(0, i)} for i in range(num_arrays)}
    zero, zeros = np.zeros((), np.int32), jax.tree.map(np.zeros_like, params)
    adam = optax.ScaleByAdamState(count=zero, mu=zeros, nu=zeros)
    return TrainState(
        step=zero,
        skipped=zero,
        skipped_in_a_row=zero,
        params=params,
        opt_state=(optax.EmptyState(), adam),
        ema=params,
    )


def noise(step: int, i: int) -> np.ndarray:
    """An array [16, 16] that only its numbers determine."""
    return np.random.default_rng((step, i)).normal(size=(16, 16)).astype(np.float32)


def update(state: TrainState) -> TrainState:
    """A step of Adam on made-up gradients."""
    step = int(state.step) + 1
    leaves, structure = jax.tree.flatten(state.params)
    grads = structure.unflatten([noise(step, i) for i in range(len(leaves))])
    adam = state.opt_state[1]
    mu = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, adam.mu, grads)
    nu = jax.tree.map(lambda v, g: 0.99 * v + 0.01 * g * g, adam.nu, grads)
    params = jax.tree.map(
        lambda p, m, v: p - 0.01 * m / (np.sqrt(v) + 1e-8), state.params, mu, nu
    )
    count = np.asarray(step, np.int32)
    return state._replace(
        step=count,
        params=params,
        opt_state=(optax.EmptyState(), optax.ScaleByAdamState(count, mu, nu)),
        ema=jax.tree.map(lambda a, p: 0.5 * (a + p), state.ema, params),
    )


def values(state: TrainState) -> bytes:
    """All the bits of a state."""
    return b"".join(np.asarray(leaf).tobytes() for leaf in jax.tree.leaves(state))


def train(folder: Path, num_arrays: int, tell: Callable[[str], None]) -> TrainState:
    """Resumes or begins, and ends after `STEPS` steps.

    Args:
      folder: of the checkpoints: the newest stays, and the best, which is the first.
      num_arrays: of the network.
      tell: told "resumed 2"; "saved 2" when that checkpoint is known to be complete;
        and "refused ..." for every damaged one.
    """
    state = first_state(num_arrays)

    def refused(line):
        tell(f"refused {line}")

    with Checkpoints(folder, keep=1, say=refused) as checkpoints:
        if restored := checkpoints.restore(state):
            state = restored[0]
        tell(f"resumed {int(state.step)}")
        for step in range(int(state.step) + 1, STEPS + 1):
            state = update(state)
            scores = {"psnr": -float(step)}
            checkpoints.save(state, step=step, record={}, metrics=scores)
            tell(f"saved {step - 1}")  # a save waits for the one before it
    tell(f"saved {STEPS}")
    return state
