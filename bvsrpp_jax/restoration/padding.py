"""Frames of any size for a network that wants at least so many pixels, in multiples.

Rows and columns are repeated at the bottom and at the right, so that every pixel keeps
its coordinates, and cut off the result again. Sides may be symbols of `jax.export`.
"""

import jax
import jax.numpy as jnp


def padded_side(side: int, *, min_side: int, multiple: int) -> int:
    """The smallest side of at least `side` that the network takes."""
    return (jax.core.max_dim(side, min_side) + multiple - 1) // multiple * multiple


def pad(frames: jax.Array, *, min_side: int, multiple: int) -> jax.Array:
    """[..., h, w, c] -> [..., H, W, c]: the last row and column are repeated."""
    *batch, h, w, _ = frames.shape
    below, right = (
        padded_side(side, min_side=min_side, multiple=multiple) - side
        for side in (h, w)
    )
    none = [(0, 0)] * len(batch)
    return jnp.pad(frames, (*none, (0, below), (0, right), (0, 0)), mode="edge")


def crop(output: jax.Array, size: tuple[int, int], *, scale: int) -> jax.Array:
    """Undoes `pad` on the network's output.

    Args:
      output: [..., scale * H, scale * W, c].
      size: (h, w) before padding.
      scale: of the network.

    Returns:
      [..., scale * h, scale * w, c].
    """
    h, w = size
    return output[..., : scale * h, : scale * w, :]
