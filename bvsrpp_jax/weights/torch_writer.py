"""Writes the `.pth` files of PyTorch, without PyTorch.

The zip format, which PyTorch reads since 1.4, and with `weights_only=True` since there
is such a thing: an uncompressed archive whose `data.pkl` describes containers and
tensors in the opcodes of protocol 2, and whose `data/0`, `data/1`, ... hold the
elements. They begin at multiples of 64 bytes, so that PyTorch can map them into memory.
The same value gives the same file: no time, no path and no random number is in it.
"""

import struct
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np

ROOT = "archive"  # the folder in the archive; PyTorch takes the first that there is
ALIGNMENT = 64  # bytes
PROTOCOL, MARK, STOP = b"\x80\x02", b"(", b"."
ORDERED_DICT = b"ccollections\nOrderedDict\n)R"
REBUILD = b"ctorch._utils\n_rebuild_tensor_v2\n"
STORAGE_TYPE = b"ctorch\nFloatStorage\n"
# Record -> contents, beside the object: what readers of all ages look for.
FACTS = {"byteorder": b"little", "version": b"3\n"}
DATE = 1 << 5 | 1  # 1 January 1980: the earliest that a zip archive can say


def torch_bytes(value: object) -> bytes:
    """What `torch.save` would write.

    Args:
      value: a float32 array, a text, or a dict of such values by text.

    Returns:
      The file. Arrays become tensors, dicts ordered ones.
    """
    pickle = _Pickle()
    pickle.add(value)
    data = PROTOCOL + b"".join(pickle.parts) + STOP
    storages = {
        f"data/{i}": np.ascontiguousarray(array, "<f4").data.cast("B")
        for i, array in enumerate(pickle.arrays)
    }
    return _archive({"data.pkl": data, **FACTS, **storages})


@dataclass
class _Pickle:
    """The opcodes so far, and the arrays that they refer to by number."""

    parts: list[bytes] = field(default_factory=list)
    arrays: list[np.ndarray] = field(default_factory=list)

    def add(self, value: object) -> None:
        if isinstance(value, Mapping):
            self.parts += [ORDERED_DICT, MARK]
            for key, item in value.items():
                self.parts.append(_text(key))
                self.add(item)
            self.parts.append(b"u")  # SETITEMS
        elif isinstance(value, np.ndarray):
            self.parts.append(_tensor(value, len(self.arrays)))
            self.arrays.append(value)
        else:
            self.parts.append(_text(value))


def _tensor(array: np.ndarray, number: int) -> bytes:
    """A contiguous tensor, all of storage `number`."""
    if array.dtype != np.float32:
        raise TypeError(f"writes float32 only, not {array.dtype}")
    place = [_text("storage"), STORAGE_TYPE, _text(str(number)), _text("cpu")]
    storage = _tuple([*place, _number(array.size)]) + b"Q"  # BINPERSID
    strides = [int(np.prod(array.shape[i + 1 :])) for i in range(array.ndim)]
    shape = _tuple(map(_number, array.shape)) + _tuple(map(_number, strides))
    # No gradient wanted (NEWFALSE), no hooks.
    arguments = [storage, _number(0), shape, b"\x89", ORDERED_DICT]
    return REBUILD + _tuple(arguments) + b"R"  # REDUCE


def _tuple(items: Iterable[bytes]) -> bytes:
    return MARK + b"".join(items) + b"t"


def _number(value: int) -> bytes:
    return b"J" + struct.pack("<i", value)


def _text(value: str) -> bytes:
    raw = value.encode()
    return b"X" + struct.pack("<I", len(raw)) + raw


def _archive(entries: Mapping[str, bytes | memoryview]) -> bytes:
    """A zip archive; every entry's contents begin at a multiple of `ALIGNMENT`."""
    parts, directory, position = [], [], 0
    for name, contents in entries.items():
        path = f"{ROOT}/{name}".encode()
        sizes = zlib.crc32(contents), len(contents), len(contents)
        # Version 2.0, no flags, stored; the padding poses as an extra field.
        common = struct.pack("<HHHHHLLLH", 20, 0, 0, 0, DATE, *sizes, len(path))
        padding = _padding(position + 30 + len(path))
        header = b"PK\x03\x04" + common + struct.pack("<H", len(padding))
        parts += [header, path, padding, contents]
        record = struct.pack("<HHHHLL", 0, 0, 0, 0, 0, position)
        directory += [b"PK\x01\x02\x14\x00", common, record, path]
        position += 30 + len(path) + len(padding) + len(contents)
    records = b"".join(directory)
    count = len(entries)
    end = struct.pack("<HHHHLLH", 0, 0, count, count, len(records), position, 0)
    return b"".join([*parts, records, b"PK\x05\x06", end])


def _padding(position: int) -> bytes:
    """An extra field behind which a multiple of `ALIGNMENT` comes."""
    length = -(position + 4) % ALIGNMENT
    return b"FB" + struct.pack("<H", length) + bytes(length)
