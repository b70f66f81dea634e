"""The grid of branches: which there are, and which way each goes through the clip.

Grid propagation (Section 3.1 of arXiv:2104.13371) sends features through the clip again
and again, alternating directions; each branch refines what those before it have found.
"""

import re
from collections.abc import Sequence

import jax
import jax.numpy as jnp

BRANCHES = ("backward_1", "forward_1", "backward_2", "forward_2")  # of the paper
_NAME = re.compile(r"(backward|forward)_[1-9]\d?")


def check_branches(branches: Sequence[str]) -> None:
    """The names say the direction, and no two are the same.

    Raises:
      ValueError: they do not.
    """
    names = [name for name in branches if isinstance(name, str)]
    fit = len(names) == len(branches) and all(map(_NAME.fullmatch, names))
    if not names or not fit or len(set(names)) < len(names):
        raise ValueError(
            f"branches: {tuple(branches)} must be one or more different names like"
            " backward_1 and forward_1"
        )


def is_backward(branch: str) -> bool:
    """Whether a branch visits the frames from last to first."""
    return branch.startswith("backward")


def flow_per_frame(
    branch: str, flows_backward: jax.Array, flows_forward: jax.Array
) -> jax.Array:
    """The flow of each frame of a whole clip to the one `branch` visits before it.

    Args:
      branch: its name.
      flows_backward, flows_forward: [n, t - 1, h, w, 2], from `flows`.

    Returns:
      [n, t, h, w, 2]; zero at the first frame visited, which has none before it.
    """
    if is_backward(branch):
        return jnp.pad(flows_backward, ((0, 0), (0, 1), (0, 0), (0, 0), (0, 0)))
    return jnp.pad(flows_forward, ((0, 0), (1, 0), (0, 0), (0, 0), (0, 0)))
