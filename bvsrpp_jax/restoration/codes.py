"""Frames of three kinds: uint8, uint16, and floating point in [0, 1]."""

from collections.abc import Iterable, Iterator
from itertools import chain

import jax
import jax.numpy as jnp
import numpy as np

LOWEST, HIGHEST = -1, 2  # floats that pass for overshoot
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


def check_frame(frame: object) -> np.ndarray:
    """The frame as an array.

    Raises:
      ValueError: it is no RGB picture of a known type.
    """
    frame = np.asarray(frame)
    if frame.ndim != 3 or frame.shape[-1] != 3 or not frame.size:
        raise ValueError(
            f"frame: expected [h, w, 3], got {list(frame.shape)}."
            f" {_how_to_mend(frame.shape)}"
        )
    known = frame.dtype in (np.uint8, np.uint16)
    if not known and not np.issubdtype(frame.dtype, np.floating):
        raise ValueError(
            f"frame: expected uint8, uint16 or floats in [0, 1], got {frame.dtype}."
            " Convert it, as by frame.astype(np.uint8)"
        )
    return frame


def check_frames(first: np.ndarray, rest: Iterable) -> Iterator[np.ndarray]:
    """Passes on the first frame and the rest, which must be like it.

    Float64 becomes float32, in which the network works.

    Raises:
      ValueError: a frame is no RGB picture, or of another shape or type than the first,
        or has floats as of codes.
    """
    first = check_frame(first)
    for index, frame in enumerate(chain([first], rest)):
        frame = np.asarray(frame)
        if frame.shape != first.shape or frame.dtype != first.dtype:
            raise ValueError(
                f"frame {index}: {list(frame.shape)} {frame.dtype}, the first is"
                f" {list(first.shape)} {first.dtype}"
            )
        # Some networks overshoot a little. (NaN passes: the engine names it.)
        if frame.dtype.kind == "f" and (frame.max() > HIGHEST or frame.min() < LOWEST):
            raise ValueError(
                f"frame {index}: floats from {frame.min():g} to {frame.max():g},"
                " expected [0, 1]. Divide codes by 255, or pass them as uint8"
            )
        yield frame.astype(np.float32) if frame.dtype.itemsize > 4 else frame


def _how_to_mend(shape: tuple[int, ...]) -> str:
    if 0 in shape:
        return "It has no pixels"
    match shape:
        case (3, _, _):
            return "Move the channels to the end: frame.transpose(1, 2, 0)"
        case (_, _, 4):
            return "Leave alpha out: frame[..., :3]"
        case (_, _) | (_, _, 1):
            return "Pass grey as RGB, and a single frame as [frame]"
        case (_, _, _, _):
            return "Pass one clip at a time, as its frames"
    return "Pass an iterable of such arrays"
