"""Frames of three kinds: uint8, uint16, and floating point in [0, 1]."""

from collections.abc import Iterable, Iterator
from itertools import chain

import jax
import jax.numpy as jnp
import numpy as np

Array = jax.Array | np.ndarray  # the same arithmetic on the device and on the host


def to_float(frames: Array) -> Array:
    """Integer codes, over the whole range of their type, or floats -> float32."""
    if jnp.issubdtype(frames.dtype, jnp.floating):
        return frames.astype(jnp.float32)
    return frames.astype(jnp.float32) / jnp.iinfo(frames.dtype).max


def from_float(output: Array, dtype: np.dtype) -> Array:
    """The inverse of `to_float`: clipped and rounded to codes, or left alone."""
    if jnp.issubdtype(dtype, jnp.floating):
        return output
    peak = jnp.iinfo(dtype).max
    return (output.clip(0, 1) * peak).round().astype(dtype)


def check_frames(first: np.ndarray, rest: Iterable) -> Iterator[np.ndarray]:
    """Passes on the first frame and the rest, which must be like it.

    Raises:
      ValueError: a frame is no RGB picture, or of another shape or type than the first.
    """
    if first.ndim != 3 or first.shape[-1] != 3:
        raise ValueError(f"frame 0: expected [h, w, 3], got {list(first.shape)}")
    known = first.dtype in (np.uint8, np.uint16)
    if not known and not np.issubdtype(first.dtype, np.floating):
        raise ValueError(
            f"frame 0: expected uint8, uint16 or floats, got {first.dtype}"
        )
    for index, frame in enumerate(chain([first], rest)):
        frame = np.asarray(frame)
        if frame.shape != first.shape or frame.dtype != first.dtype:
            raise ValueError(
                f"frame {index}: {list(frame.shape)} {frame.dtype}, the first is"
                f" {list(first.shape)} {first.dtype}"
            )
        yield frame
