"""The container that PyTorch wrote before 1.6, and in which the official weights come.

Five pickles in a row (a magic number, the version of the format, the machine's byte
order, the object, the keys of its storages), then each storage: its number of elements
as int64, then the elements. It has no checksum.
"""

import io
import struct

import numpy as np

from bvsrpp_jax.weights.messages import Refused
from bvsrpp_jax.weights.torch_pickle import read_pickle
from bvsrpp_jax.weights.torch_tensor import Storage

MAGIC = 0x1950A86A20F9469CFC6C
VERSION = 1001


def read_legacy(data: bytes) -> tuple[object, dict[str, np.ndarray]]:
    """Reads a legacy checkpoint.

    Args:
      data: the whole file.

    Returns:
      The object (`torch_pickle.Pickled.value`), and by key the storages its tensors
      are views of: one-dimensional read-only views of `data`.

    Raises:
      Refused: it is damaged or holds more than numbers, texts, containers and tensors.
    """
    stream = io.BytesIO(data)
    if read_pickle(stream).value != MAGIC:
        raise Refused("is a pickle, but not of torch.save. Name a PyTorch checkpoint.")
    _check_header(read_pickle(stream).value, read_pickle(stream).value)
    pickled = read_pickle(stream, memory=2 * len(data))
    keys = read_pickle(stream).value
    if not _lists_all(keys, pickled.storages):
        raise Refused("its list of storages is damaged. Download the file again.")
    buffers, position = {}, stream.tell()
    for key in keys:
        buffers[key] = _read_storage(data, position, pickled.storages[key])
        position += 8 + buffers[key].nbytes
    if position != len(data):
        raise Refused(
            f"has {len(data) - position} bytes after its last tensor."
            " Download the file again."
        )
    return pickled.value, buffers


def _check_header(version: object, system: object) -> None:
    if version != VERSION:
        raise Refused("has an unknown version. Load it in PyTorch and save it again.")
    if not isinstance(system, dict) or system.get("little_endian") is not True:
        raise Refused(
            "was written by a big-endian machine. Load it in PyTorch on a common one"
            " and save it again."
        )


def _lists_all(keys: object, storages: dict[str, Storage]) -> bool:
    if not isinstance(keys, list) or not all(isinstance(key, str) for key in keys):
        return False
    return sorted(keys) == sorted(storages)


def _read_storage(data: bytes, position: int, storage: Storage) -> np.ndarray:
    start = position + 8
    if start + storage.size * storage.dtype.itemsize > len(data):
        raise Refused("ends in the middle of its tensors. Download the file again.")
    (size,) = struct.unpack_from("<q", data, position)
    if size != storage.size:
        raise Refused(
            f"storage {storage.key} has {size} elements, {storage.size} announced."
            " Download the file again."
        )
    return np.frombuffer(data, storage.dtype, size, start)
