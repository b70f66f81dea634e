"""PyTorch files made by hand, opcode by opcode."""

import io
import pickle
import struct
import warnings
import zipfile

MAGIC = pickle.dumps(0x1950A86A20F9469CFC6C, protocol=2)
VERSION = pickle.dumps(1001, protocol=2)
SYSTEM = pickle.dumps({"protocol_version": 1001, "little_endian": True}, protocol=2)
EMPTY = b"}"
ORDERED = b"ccollections\nOrderedDict\n)R"


def text(value):
    return b"X" + struct.pack("<I", len(value.encode())) + value.encode()


def number(value):
    """An int of four bytes, or of as many as it needs."""
    if -(1 << 31) <= value < 1 << 31:
        return b"J" + struct.pack("<i", value)
    size = value.bit_length() // 8 + 1
    return b"\x8a" + bytes([size]) + value.to_bytes(size, "little", signed=True)


def numbers(values):
    return b"(" + b"".join(map(number, values)) + b"t"


def name(module, attribute):
    return f"c{module}\n{attribute}\n".encode()


def call(module, attribute, *arguments):
    return name(module, attribute) + b"(" + b"".join(arguments) + b"tR"


def storage(key="0", size=4, kind="FloatStorage", view=b""):
    fields = text("storage") + name("torch", kind) + text(key) + text("cpu")
    return b"(" + fields + number(size) + view + b"tQ"


def tensor(store=None, *, offset=0, shape=(2, 2), stride=(2, 1), extra=b""):
    store = storage() if store is None else store
    fields = store + number(offset) + numbers(shape) + numbers(stride)
    return call("torch._utils", "_rebuild_tensor_v2", fields, b"\x89", ORDERED, extra)


def mapping(**items):
    return b"}(" + b"".join(text(k) + v for k, v in items.items()) + b"u"


def pickled(value):
    return b"\x80\x02" + value + b"."


def legacy(value, *, keys=("0",), tail=None, system=SYSTEM, version=VERSION):
    """A legacy file whose object is the opcodes `value`; its storages have a view."""
    tail = struct.pack("<q4f", 4, 0, 1, 2, 3) if tail is None else tail
    keys = pickle.dumps(list(keys), protocol=2)
    return MAGIC + version + system + pickled(value) + keys + tail


def zipped(value, *, entries=None, root="net", compression=zipfile.ZIP_STORED):
    """A zip file whose object is the opcodes `value`."""
    entries = {"data/0": struct.pack("<4f", 0, 1, 2, 3)} if entries is None else entries
    return archive({"data.pkl": pickled(value), **entries}, root, compression)


KINDS = {"float32": "Float", "float16": "Half", "bfloat16": "BFloat16", "int64": "Long"}


def whole(value, container):
    """A file of nested dicts with NumPy arrays in them, "zip" or "legacy".

    What is already bytes stands for its opcodes.
    """
    arrays = []
    opcodes = _whole(value, arrays, b"N" if container == "legacy" else b"")
    if container == "zip":
        entries = {f"data/{i}": array.tobytes() for i, array in enumerate(arrays)}
        return zipped(opcodes, entries=entries)
    tail = (struct.pack("<q", array.size) + array.tobytes() for array in arrays)
    return legacy(opcodes, keys=map(str, range(len(arrays))), tail=b"".join(tail))


def _whole(value, arrays, view):
    if isinstance(value, bytes):
        return value
    if isinstance(value, dict):
        return mapping(**{k: _whole(v, arrays, view) for k, v in value.items()})
    stride = tuple(step // value.itemsize for step in value.strides)
    arrays.append(value)
    kind = f"{KINDS[value.dtype.name]}Storage"
    store = storage(str(len(arrays) - 1), size=value.size, kind=kind, view=view)
    return tensor(store, shape=value.shape, stride=stride)


def archive(entries, root="net", compression=zipfile.ZIP_STORED):
    """A zip of (name, bytes) pairs or a dict of them; names may come twice."""
    pairs = entries.items() if isinstance(entries, dict) else entries
    stream = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(stream, "w", compression) as file:
        warnings.simplefilter("ignore")  # about names that come twice
        for entry, data in pairs:
            file.writestr(f"{root}/{entry}" if root else entry, data)
    return stream.getvalue()


def patched(data, old, new, *, last=False):
    """`data` with one occurrence of `old` overwritten by `new` of the same length."""
    assert len(old) == len(new)
    assert old in data
    place = data.rindex(old) if last else data.index(old)
    return data[:place] + new + data[place + len(new) :]


def central(data, entry, field, value, kind):
    """`data` with a field of an entry's record in the zip directory overwritten."""
    place = data.rindex(entry.encode()) - 46 + field
    size = struct.calcsize(kind)
    return data[:place] + struct.pack(kind, value) + data[place + size :]
