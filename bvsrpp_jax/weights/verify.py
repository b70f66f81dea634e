"""Whether PyTorch gets from written weights what JAX gets: both restore a small clip.

PyTorch runs in a process, and if need be in an environment, of its own
(`pytorch/restore_clip.py`); nothing of it is imported here.
"""

import json
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import jax
import numpy as np

from bvsrpp_jax.errors import InputError
from bvsrpp_jax.models.basicvsrpp import BasicVSRPlusPlus
from bvsrpp_jax.weights.architecture import sizes_of
from bvsrpp_jax.weights.files import name_of
from bvsrpp_jax.weights.layout import Tree
from bvsrpp_jax.weights.messages import printable
from bvsrpp_jax.weights.saving import save
from bvsrpp_jax.weights.store import is_torch, read_weights

SCRIPT = Path(__file__).parent / "pytorch" / "restore_clip.py"
BOUND = 1e-5  # of the largest output, if that is over one
FRAMES = 3  # the first with second-order alignment
SEED = 0


@dataclass(frozen=True)
class Verification:
    """How far apart the outputs are.

    Attributes:
      difference: the largest absolute difference.
      largest: the largest absolute output of JAX.
      shape: that of the clip, `[n, t, h, w, 3]`.
    """

    difference: float
    largest: float
    shape: tuple[int, ...]

    @property
    def bound(self) -> float:
        return BOUND * max(1.0, self.largest)


def check_torch(python: str | None = None) -> str:
    """The versions of PyTorch and torchvision.

    Args:
      python: the interpreter that has them; None is this one.

    Raises:
      InputError: it has not.
    """
    return _run(python)


def verify(target: str | Path, python: str | None = None) -> Verification:
    """Restores a random clip with the weights of a file, here and in PyTorch.

    Args:
      target: a file of `saving.save`. PyTorch reads it if it is a `.pth`; of any other
        it gets the same weights in a temporary one.
      python: as for `check_torch`.

    Raises:
      InputError: PyTorch is missing or has no such network, or the outputs differ.
    """
    weights = read_weights(target)
    lq = random_clip(weights.model)
    with tempfile.TemporaryDirectory() as folder:
        if not is_torch(target):
            target = Path(folder, "weights.pth")
            save(target, weights.model, weights.params)
        clip, output = Path(folder, "lq.npy"), Path(folder, "output.npy")
        np.save(clip, lq)
        _run(python, target, json.dumps(sizes_of(weights.model)), clip, output)
        theirs = np.load(output)
    ours = restored(weights.model, weights.params, lq)
    difference = float(np.abs(ours - theirs).max())
    found = Verification(difference, float(np.abs(ours).max()), lq.shape)
    if not difference <= found.bound:  # NaN is not
        raise InputError(
            f"{name_of(target)}: PyTorch's output differs by {difference:.1e}, which is"
            f" over {found.bound:.1e}. Report it, with both versions."
        )
    return found


def random_clip(model: BasicVSRPlusPlus) -> np.ndarray:
    """The smallest clip that the network takes, `[1, t, h, w, 3]` in [0, 1]."""
    side = model.min_side
    shape = (1, FRAMES, side, side + model.side_multiple, 3)
    return np.random.default_rng(SEED).random(shape, np.float32)


def restored(model: BasicVSRPlusPlus, params: Tree, lq: np.ndarray) -> np.ndarray:
    """The network's output on the CPU, as PyTorch's is."""
    network = jax.jit(lambda params, lq: model.apply({"params": params}, lq))
    with jax.default_device(jax.devices("cpu")[0]):  # which knows full float32 alone
        return np.asarray(network(params, lq))


def _run(python: str | None, *arguments: object) -> str:
    """What the script prints."""
    python = python or sys.executable
    command = [python, SCRIPT, *arguments]
    try:
        child = subprocess.run(
            [str(word) for word in command],
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
    except OSError as error:
        raise InputError(
            f"{name_of(python)}: cannot be run ({error.strerror})."
            " Name a Python that has PyTorch."
        ) from error
    if child.returncode:
        said = child.stderr.strip().splitlines() or [f"exit code {child.returncode}"]
        raise InputError(f"{name_of(python)}: {_problem(printable(said[-1], 300))}")
    return child.stdout.strip()


def _problem(said: str) -> str:
    if "No module named" in said:
        return (
            f"--verify needs PyTorch, which it has not ({said}). Install it there, pip"
            " install torch torchvision, or name a Python that has it: --torch-python."
        )
    return f"PyTorch cannot verify this: {said}. Leave out --verify, or mend that."
