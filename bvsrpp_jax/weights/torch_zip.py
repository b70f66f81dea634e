"""The container that PyTorch writes since 1.6: an uncompressed zip archive.

`<root>/data.pkl` is the object, `<root>/data/<key>` are the storages, and newer ones
say in `<root>/byteorder` how the machine orders bytes. Each entry has a CRC-32, which
PyTorch does not check and this reader does.

The archive is parsed here, to the letter of what PyTorch writes, and not by `zipfile`:
nothing is inflated or copied, and no two entries may share bytes, so no archive can
stand for more than its own size.
"""

import io
import struct
import zlib
from typing import NamedTuple

import numpy as np

from bvsrpp_jax.weights.messages import Refused, printable
from bvsrpp_jax.weights.torch_names import RESAVE
from bvsrpp_jax.weights.torch_pickle import read_pickle
from bvsrpp_jax.weights.torch_tensor import Storage

LOCAL, CENTRAL, END = b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06"
END64, LOCATOR64 = b"PK\x06\x06", b"PK\x06\x07"
ENCRYPTED = 0x1 | 0x40 | 0x2000  # flag bits: encrypted, strongly, directory masked
MAX_DIRECTORY = 4 << 20  # bytes; c128n25 with optimizer and average takes 0.4 MB


class Entry(NamedTuple):
    """One record of the central directory; `offset` is that of its local header."""

    name: str
    flags: int
    method: int
    crc: int
    compressed: int
    size: int
    offset: int


def read_zip(data: bytes) -> tuple[object, dict[str, np.ndarray]]:
    """Reads a zip checkpoint.

    Args:
      data: the whole file.

    Returns:
      The object (`torch_pickle.Pickled.value`), and by key the storages its tensors
      are views of: one-dimensional read-only views of `data`.

    Raises:
      Refused: it is damaged or holds more than numbers, texts, containers and tensors.
    """
    files = _files(data)
    root = _root(files)
    if files.get(f"{root}/byteorder", b"little") != b"little":
        raise Refused(
            "was written by a big-endian machine. Load it in PyTorch on a common one"
            " and save it again."
        )
    stream = io.BytesIO(files[f"{root}/data.pkl"])
    pickled = read_pickle(stream, memory=2 * len(data))
    buffers = {
        key: _buffer(files.get(f"{root}/data/{key}"), storage)
        for key, storage in pickled.storages.items()
    }
    return pickled.value, buffers


def _root(files: dict[str, memoryview]) -> str:
    pickles = [name for name in files if name.endswith(".pkl")]
    if any(name.endswith("/constants.pkl") for name in pickles):
        raise Refused(f"is a TorchScript program, not weights. {RESAVE}")
    root, _, name = pickles[0].partition("/") if len(pickles) == 1 else ("", "", "")
    if name != "data.pkl":
        raise Refused(
            "is a zip archive, but not of torch.save."
            " Unpack it, or name a PyTorch checkpoint."
        )
    return root


def _buffer(raw: memoryview | None, storage: Storage) -> np.ndarray:
    expected = storage.size * storage.dtype.itemsize
    if raw is None or len(raw) != expected:
        found = "missing" if raw is None else f"{len(raw)} bytes long"
        raise Refused(
            f"storage {storage.key} is {found}, {expected} bytes announced."
            " Download the file again."
        )
    return np.frombuffer(raw, storage.dtype)


def _files(data: bytes) -> dict[str, memoryview]:
    """Name -> contents of every entry, their checksums verified."""
    directory, count, start = _directory(data)
    files, spans = {}, []
    for entry in _entries(directory, count):
        _check_entry(entry, files)
        first, last = _span(data, entry)
        contents = memoryview(data)[first:last]
        if zlib.crc32(contents) != entry.crc:
            raise Refused(
                f"entry {printable(entry.name)} fails its checksum."
                " Download the file again."
            )
        files[entry.name] = contents
        spans.append((entry.offset, last))
    spans.sort()
    ends = [start, *(offset for offset, _ in spans[::-1])][::-1][1:]
    if any(last > end for (_, last), end in zip(spans, ends, strict=True)):
        raise Refused("its entries overlap. Get the weights from their publisher.")
    return files


def _directory(data: bytes) -> tuple[bytes, int, int]:
    """The central directory, its number of records, and where it starts."""
    truncated = Refused("is a zip archive without its end. Download the file again.")
    end = len(data) - 22
    if end < 0 or data[end : end + 4] != END:
        raise truncated
    count, size, start = struct.unpack_from("<HLL", data, end + 10)
    if end >= 20 and data[end - 20 : end - 16] == LOCATOR64:
        (end,) = struct.unpack_from("<Q", data, end - 12)
        if data[end : end + 4] != END64 or end + 56 > len(data):
            raise truncated
        count, size, start = struct.unpack_from("<QQQ", data, end + 32)
    if start + size > end:
        raise truncated
    if size > MAX_DIRECTORY:
        raise Refused(
            f"lists {count} files; no checkpoint of this network has as many."
            " Get the weights from their publisher."
        )
    return data[start : start + size], count, start


def _entries(directory: bytes, count: int) -> list[Entry]:
    damaged = Refused("its list of files is damaged. Download the file again.")
    entries, position = [], 0
    while position < len(directory):
        if directory[position : position + 4] != CENTRAL:
            raise damaged
        if position + 46 > len(directory):
            raise damaged
        flags, method = struct.unpack_from("<HH", directory, position + 8)
        crc, compressed, size = struct.unpack_from("<LLL", directory, position + 16)
        lengths = struct.unpack_from("<HHH", directory, position + 28)
        (offset,) = struct.unpack_from("<L", directory, position + 42)
        name = directory[position + 46 : position + 46 + lengths[0]]
        position += 46 + sum(lengths)
        try:
            name = name.decode("utf-8")
        except UnicodeDecodeError:
            raise damaged from None
        entries.append(Entry(name, flags, method, crc, compressed, size, offset))
    if position != len(directory) or len(entries) != count:
        raise damaged
    return entries


def _check_entry(entry: Entry, earlier: dict[str, memoryview]) -> None:
    problem = None
    if entry.flags & ENCRYPTED:
        problem = "is encrypted"
    elif entry.method != 0 or entry.compressed != entry.size:
        problem = "is compressed, which PyTorch never does"
    elif entry.name in earlier:
        problem = "comes twice"
    elif ".." in entry.name.split("/") or entry.name[:1] in "/\\" or "\\" in entry.name:
        problem = "names a path outside the archive"
    if problem:
        raise Refused(
            f"entry {printable(entry.name)} {problem}."
            " Get the weights from their publisher."
        )


def _span(data: bytes, entry: Entry) -> tuple[int, int]:
    """Where the contents of an entry start and end."""
    header = data[entry.offset : entry.offset + 30]
    if len(header) < 30 or header[:4] != LOCAL:
        raise Refused("its list of files is damaged. Download the file again.")
    name_length, extra = struct.unpack_from("<HH", header, 26)
    start = entry.offset + 30
    name = data[start : start + name_length]
    if name != entry.name.encode():
        raise Refused(
            f"entry {printable(entry.name)} has another name in its own header."
            " Get the weights from their publisher."
        )
    start += name_length + extra
    if start + entry.size > len(data):
        raise Refused("is a zip archive without its end. Download the file again.")
    return start, start + entry.size
