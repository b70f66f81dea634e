"""Tensors of a PyTorch checkpoint: what the file says of them, checked, then viewed.

A checkpoint keeps flat storages and, for each tensor, where in which storage it lies:
offset, shape and strides, all counted in elements.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

import ml_dtypes
import numpy as np

from bvsrpp_jax.weights.messages import Refused

# torch.<name> in the file -> the elements of the storage.
DTYPES = {
    "FloatStorage": np.dtype(np.float32),
    "HalfStorage": np.dtype(np.float16),
    "BFloat16Storage": np.dtype(ml_dtypes.bfloat16),
    "DoubleStorage": np.dtype(np.float64),
    "LongStorage": np.dtype(np.int64),
    "IntStorage": np.dtype(np.int32),
    "ShortStorage": np.dtype(np.int16),
    "CharStorage": np.dtype(np.int8),
    "ByteStorage": np.dtype(np.uint8),
    "BoolStorage": np.dtype(np.bool_),
}
MAX_RANK = 8
MAX_SIZE = 1 << 40


@dataclass(frozen=True)
class Storage:
    """`size` elements of `dtype`, called `key` in the file."""

    key: str
    dtype: np.dtype
    size: int


@dataclass(frozen=True)
class Tensor:
    """A view of a storage; `offset` and `stride` count elements."""

    storage: Storage
    offset: int
    shape: tuple[int, ...]
    stride: tuple[int, ...]

    @property
    def nbytes(self) -> int:
        return prod(self.shape) * self.storage.dtype.itemsize

    def view(self, buffer: np.ndarray) -> np.ndarray:
        """The elements of the tensor in `buffer`, its storage; nothing is copied."""
        if 0 in self.shape:
            return np.empty(self.shape, buffer.dtype)
        itemsize = buffer.dtype.itemsize
        stride = [
            itemsize * (stride if size > 1 else 0)
            for size, stride in zip(self.shape, self.stride, strict=True)
        ]
        return np.lib.stride_tricks.as_strided(
            buffer[self.offset :], self.shape, stride, writeable=False
        )


def checked_tensor(
    storage: object, offset: object, shape: object, stride: object
) -> Tensor:
    """The tensor that a file describes.

    Raises:
      Refused: it is malformed, reaches outside its storage, or overlaps itself, as an
        expanded tensor does: a few bytes would then stand for any amount of memory.
    """
    if not isinstance(storage, Storage):
        raise Refused("a tensor has no storage. Download the file again.")
    if not (_are_sizes(shape) and _are_sizes(stride) and _are_sizes((offset,))):
        raise Refused("a tensor has a malformed shape. Download the file again.")
    if len(shape) != len(stride) or len(shape) > MAX_RANK:
        raise Refused("a tensor has a malformed shape. Download the file again.")
    if prod(max(size, 1) for size in shape) > MAX_SIZE:
        raise Refused("a tensor claims over 2^40 elements. Download the file again.")
    tensor = Tensor(storage, offset, tuple(shape), tuple(stride))
    _check_bounds(tensor)
    return tensor


def _check_bounds(tensor: Tensor) -> None:
    if 0 in tensor.shape:
        return
    extent = 1  # elements from the first to the last, over the axes looked at so far
    axes = zip(tensor.stride, tensor.shape, strict=True)
    for stride, size in sorted(axis for axis in axes if axis[1] > 1):
        if stride < extent:
            raise Refused(
                "a tensor overlaps itself (an expanded view)."
                " Save it again with .contiguous() on each tensor."
            )
        extent += stride * (size - 1)
    if tensor.offset + extent > tensor.storage.size:
        raise Refused(
            f"a tensor reaches {tensor.offset + extent} elements into a storage of"
            f" {tensor.storage.size}. Download the file again."
        )


def _are_sizes(values: object) -> bool:
    """Whether `values` is a sequence of whole numbers from 0 to 2^63 - 1."""
    if not isinstance(values, Sequence):
        return False
    return all(type(value) is int and 0 <= value < 1 << 63 for value in values)
