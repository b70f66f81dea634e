"""Files that must be refused: name -> (bytes, what the message says of it).

Each gets past every check but the one that it is named after.
"""

import gzip
import json
import pickle
import struct
import zipfile

from handmade import (
    EMPTY,
    MAGIC,
    ORDERED,
    SYSTEM,
    VERSION,
    archive,
    call,
    central,
    legacy,
    mapping,
    name,
    number,
    numbers,
    patched,
    pickled,
    storage,
    tensor,
    text,
    zipped,
)
from hostile_dialects import dialect_files

GOOD = mapping(state_dict=mapping(x=tensor()))
GOOD_LEGACY = mapping(state_dict=mapping(x=tensor(storage(view=b"N"))))
STORAGE = struct.pack("<q4f", 4, 0, 1, 2, 3)


def calling(sentinel):
    """Pickles that would run a command, were they run."""
    command = text(f"touch {sentinel}")
    system = call("os", "system", command)
    code = text(f"open({sentinel!r}, 'w')")
    old = f"(S'touch {sentinel}'\n".encode()
    return {
        "os.system.pth": (zipped(system), "names os.system"),
        "posix.system.pth": (
            zipped(mapping(x=call("posix", "system", command))),
            "posix",
        ),
        "legacy os.system.pth": (legacy(system), "names os.system"),
        "legacy header os.system.pth": (
            legacy(GOOD, system=pickled(system)),
            "os.system",
        ),
        "raw pickle.pth": (pickled(system), "names os.system"),
        "raw text pickle.pth": (b"cos\nsystem\n" + old + b"tR.", "not a PyTorch"),
        "after a good tensor.pth": (
            zipped(mapping(state_dict=mapping(x=tensor(), y=system))),
            "names os.system",
        ),
        "eval.pth": (zipped(call("builtins", "eval", code)), "names builtins.eval"),
        "exec.pth": (zipped(call("builtins", "exec", code)), "names builtins.exec"),
        "getattr.pth": (
            zipped(call("builtins", "getattr", name("os", "path"), text("os"))),
            "names os.path",
        ),
        "dotted.pth": (
            zipped(call("collections", "OrderedDict.fromkeys.__call__", command)),
            "holds a collections.OrderedDict.fromkeys.__call__, not",
        ),
        "torch code.pth": (
            zipped(call("torch.hub", "load", command)),
            "holds a torch.hub.load, not a state dict",
        ),
        "other rebuild.pth": (
            zipped(call("torch._utils", "_rebuild_tensor_v3", command)),
            "_rebuild_tensor_v3",
        ),
        "numpy.pth": (
            zipped(call("numpy.core.multiarray", "scalar", command)),
            "holds a numpy.core.multiarray.scalar, not a state dict",
        ),
        "stack global.pth": (
            zipped(text("os") + text("system") + b"\x93" + b"(" + command + b"tR"),
            "STACK_GLOBAL",
        ),
        "inst.pth": (
            zipped(f"(S'touch {sentinel}'\nios\nsystem\n".encode()),
            "opcode STRING",
        ),
        "inst alone.pth": (zipped(b"(" + command + b"ios\nsystem\n"), "opcode INST"),
        "obj.pth": (
            zipped(b"(" + name("torch", "Size") + command + b"o"),
            "opcode OBJ",
        ),
        "newobj.pth": (zipped(name("torch", "Size") + b")\x81"), "opcode NEWOBJ"),
        "newobj_ex.pth": (zipped(name("torch", "Size") + b")}\x92"), "NEWOBJ_EX"),
        "ext.pth": (zipped(b"\x82\x01)R"), "opcode EXT1"),
        "persid.pth": (zipped(b"Pos.system\n"), "opcode PERSID"),
        "call of a storage type.pth": (
            zipped(name("torch", "FloatStorage") + b"(" + command + b"tR"),
            "REDUCE",
        ),
        "call of a text.pth": (zipped(command + b")R"), "REDUCE"),
        "state of a name.pth": (
            zipped(name("collections", "OrderedDict") + EMPTY + b"b"),
            "BUILD",
        ),
        "state that is no dict.pth": (zipped(ORDERED + command + b"b"), "BUILD"),
    }


def damaged_pickles():
    deep = b"]" * 100_000 + b"a" * 99_999
    doubling = b"".join(b"q%c](h%ch%ce" % (i, i, i) for i in range(250))
    return {
        "memo bomb.pth": (zipped(b"}r" + struct.pack("<I", 2**32 - 1)), "memo"),
        "unknown memo.pth": (zipped(b"h\x07"), "opcode BINGET"),
        "opcode bomb.pth": (zipped(EMPTY * 1_000_000), "opcodes"),
        "endless legacy.pth": (legacy(b"(" * 3_000_000), "opcodes"),
        "bytearray bomb.pth": (
            zipped(call("builtins", "bytearray", number(1 << 34))),
            "holds a builtins.bytearray, not a state dict",
        ),
        "text of 4 GB.pth": (zipped(b"X\xff\xff\xff\xffa"), "damaged"),
        "bytes of 2^62.pth": (zipped(b"\x8e" + struct.pack("<Q", 1 << 62)), "damaged"),
        "number of 2 GB.pth": (zipped(b"\x8b\xff\xff\xff\x7f"), "damaged"),
        "legacy text of 4 GB.pth": (legacy(b"X\xff\xff\xff\xffa"), "damaged"),
        "deep list.pth": (zipped(deep), "holds a list"),
        "deep legacy list.pth": (legacy(deep, keys=(), tail=b""), "holds a list"),
        "doubling list.pth": (zipped(b"(]" + doubling + b"t"), "holds a tuple"),
        "list in itself.pth": (zipped(b"]q\x00h\x00a"), "holds a list"),
        "dict in itself.pth": (
            zipped(b"}q\x00" + text("state_dict") + b"h\x00s"),
            "no tensors (state_dict: dict)",
        ),
        "list as key.pth": (zipped(b"}]Ns"), "SETITEM"),
        "tuple as key.pth": (zipped(b"})Ns"), "no tensors (tuple: NoneType)"),
        "huge number as key.pth": (
            zipped(b"}" + number(1 << 61) + b"Ns"),
            "no tensors (int: NoneType)",
        ),
        "odd items.pth": (zipped(b"}(" + text("a") + b"u"), "SETITEMS"),
        "items of a list.pth": (zipped(b"]Na(" + number(0) + b"Nu"), "SETITEMS"),
        "append to a dict.pth": (zipped(b"}Na"), "APPEND"),
        "nothing.pth": (zipped(b""), "damaged"),
        "two values.pth": (zipped(b"}}"), "damaged"),
        "open mark.pth": (zipped(b"}("), "STOP"),
        "below a mark.pth": (zipped(b"N(\x85"), "TUPLE1"),
        "no mark.pth": (zipped(b"Nt"), "opcode TUPLE"),
        "unknown opcode.pth": (zipped(b"\xff"), "damaged"),
        "protocol 4.pth": (
            archive({"data.pkl": pickle.dumps({}, protocol=4)}),
            "pickle protocol 4",
        ),
        "no dict.pth": (zipped(text("hello")), "holds a str"),
        "tensor alone.pth": (zipped(tensor()), "holds a Tensor"),
        "arguments of OrderedDict.pth": (
            zipped(call("collections", "OrderedDict", mapping(a=b"N"))),
            "REDUCE",
        ),
        "parameter of nothing.pth": (
            zipped(call("torch._utils", "_rebuild_parameter", b"N", b"\x89", ORDERED)),
            "REDUCE",
        ),
        "size of nothing.pth": (zipped(call("torch", "Size", b"N")), "REDUCE"),
    }


def lying_tensors():
    def state(**arguments):
        return zipped(mapping(x=tensor(**arguments)))

    views = b"".join(
        text(f"t{i}") + tensor(b"h\x00", shape=(512, 512), stride=(512, 1))
        for i in range(2000)
    )
    amplified = storage(size=1 << 18) + b"q\x00}(" + views + b"u\x86"
    megabyte = {"data/0": bytes(1 << 20)}
    return {
        "stride lie.pth": (state(stride=(1 << 40, 1)), "into a storage of 4"),
        "outside.pth": (state(offset=1), "reaches 5 elements"),
        "far outside.pth": (state(offset=(1 << 63) - 1), "into a storage"),
        "expanded.pth": (state(shape=(1 << 30, 2), stride=(0, 1)), "overlaps itself"),
        "overlapping.pth": (state(shape=(3, 2), stride=(1, 1)), "overlaps itself"),
        "negative offset.pth": (state(offset=-1), "malformed shape"),
        "negative stride.pth": (state(stride=(-2, 1)), "malformed shape"),
        "negative size.pth": (state(shape=(-2, 2)), "malformed shape"),
        "ranks differ.pth": (state(stride=(1,)), "malformed shape"),
        "rank 70.pth": (state(shape=(1,) * 70, stride=(1,) * 70), "malformed shape"),
        "empty but huge.pth": (state(shape=(0, 1 << 62), stride=(1, 1)), "2^40"),
        "sizes of text.pth": (
            zipped(
                call(
                    *("torch._utils", "_rebuild_tensor_v2", storage(), number(0)),
                    *(b"(" + text("a") + b"t", numbers((1,)), b"\x89", ORDERED),
                )
            ),
            "malformed shape",
        ),
        "no storage.pth": (zipped(tensor(b"N")), "no storage"),
        "negated.pth": (
            zipped(mapping(x=tensor(extra=mapping(neg=b"\x88")))),
            "has metadata",
        ),
        "few arguments.pth": (
            zipped(call("torch._utils", "_rebuild_tensor_v2", storage())),
            "REDUCE",
        ),
        "amplified.pth": (zipped(amplified, entries=megabyte), "more memory"),
        "storage of 2^62.pth": (
            zipped(mapping(x=tensor(storage(size=1 << 62)))),
            "bytes announced",
        ),
        "negative storage.pth": (zipped(tensor(storage(size=-1))), "BINPERSID"),
        "storage of other size.pth": (
            zipped(mapping(x=tensor(), y=tensor(storage(size=3)))),
            "BINPERSID",
        ),
        "storage of other type.pth": (
            zipped(mapping(x=tensor(), y=tensor(storage(kind="IntStorage")))),
            "BINPERSID",
        ),
        "storage of no type.pth": (zipped(tensor(storage(kind="Size"))), "BINPERSID"),
        "storage path.pth": (zipped(tensor(storage(key="../../0"))), "BINPERSID"),
        "missing storage.pth": (zipped(GOOD, entries={}), "is missing"),
        "no tuple.pth": (zipped(text("storage") + b"Q"), "BINPERSID"),
        "module as storage.pth": (
            zipped(storage().replace(text("storage"), text("module"))),
            "BINPERSID",
        ),
    }


def archives():
    good = zipped(GOOD)
    pickle_entry = pickled(GOOD)
    data = struct.pack("<4f", 0, 1, 2, 3)
    bomb = {"data/0": bytes(1 << 27)}
    return {
        "deflated bomb.pth": (
            zipped(GOOD, entries=bomb, compression=zipfile.ZIP_DEFLATED),
            "is compressed",
        ),
        "deflated data.pth": (
            zipped(GOOD, compression=zipfile.ZIP_DEFLATED),
            "is compressed",
        ),
        "method alone.pth": (central(good, "net/data/0", 10, 8, "<H"), "is compressed"),
        "other sizes.pth": (
            central(good, "net/data/0", 24, 1 << 31, "<I"),
            "compressed",
        ),
        "beyond the end.pth": (
            central(
                central(good, "net/data/0", 20, 1 << 31, "<I"),
                "net/data/0",
                24,
                1 << 31,
                "<I",
            ),
            "without its end",
        ),
        "encrypted.pth": (central(good, "net/data/0", 8, 1, "<H"), "is encrypted"),
        "twice.pth": (
            archive([("data.pkl", pickle_entry), ("data/0", data), ("data/0", data)]),
            "comes twice",
        ),
        "two pickles.pth": (
            archive([("data.pkl", pickle_entry), ("data.pkl", pickle_entry)]),
            "comes twice",
        ),
        "parent folder.pth": (zipped(GOOD, entries={"../../x": data}), "outside"),
        "absolute.pth": (
            archive({"net/data.pkl": pickle_entry, "/etc/x": data}, root=""),
            "outside",
        ),
        "backslash.pth": (zipped(GOOD, entries={"..\\x": data}), "outside"),
        "same bytes twice.pth": (_overlapping(), "overlap"),
        "other name inside.pth": (
            patched(good, b"net/data/0", b"net/data/1"),
            "another name",
        ),
        "name of no text.pth": (
            patched(good, b"net/data/0", b"net/data/\xff", last=True),
            "list of files",
        ),
        "no local header.pth": (
            central(good, "net/data/0", 42, 7, "<I"),
            "list of files",
        ),
        "cut.pth": (good[:-30], "without its end"),
        "cut to the header.pth": (good[:10], "without its end"),
        "comment.pth": (good + b"tail", "without its end"),
        "flipped bit.pth": (patched(good, data, b"\x01" + data[1:]), "checksum"),
        "flipped bit of the pickle.pth": (
            patched(good, b"cpu", b"cpv"),
            "data.pkl fails its checksum",
        ),
        "wrong count.pth": (_end(good, 10, 9, "<H"), "list of files"),
        "directory outside.pth": (_end(good, 16, 1 << 31, "<I"), "without its end"),
        "directory too long.pth": (_huge_directory(), "lists"),
        "zip64 outside.pth": (
            good[:-22]
            + struct.pack("<4sIQI", b"PK\x06\x07", 0, 1 << 60, 1)
            + good[-22:],
            "without its end",
        ),
        "no pickle.pth": (archive({"x": b""}), "not of torch.save"),
        "pickle of another name.pth": (
            archive({"model.pkl": pickle_entry}),
            "not of torch.save",
        ),
        "torchscript.pth": (
            archive({"data.pkl": pickle_entry, "constants.pkl": pickled(b")")}),
            "TorchScript",
        ),
        "big endian.pth": (
            zipped(GOOD, entries={"data/0": data, "byteorder": b"big"}),
            "big-endian",
        ),
        "short storage.pth": (zipped(GOOD, entries={"data/0": data[1:]}), "15 bytes"),
    }


def legacy_files():
    good = legacy(GOOD_LEGACY)
    parent = storage(view=b"(" + text("1") + number(0) + number(4) + b"t")
    return {
        "legacy cut.pth": (good[:-1], "in the middle"),
        "legacy cut before the size.pth": (good[:-20], "in the middle"),
        "legacy cut in the pickle.pth": (good[:200], "damaged"),
        "legacy with more.pth": (good + b"\0", "1 bytes after"),
        "legacy other size.pth": (
            legacy(GOOD_LEGACY, tail=b"\x05" + STORAGE[1:]),
            "5 elements, 4 announced",
        ),
        "legacy huge storage.pth": (
            legacy(mapping(x=tensor(storage(size=1 << 62, view=b"N")))),
            "in the middle",
        ),
        "legacy keys missing.pth": (legacy(GOOD_LEGACY, keys=()), "list of storages"),
        "legacy keys twice.pth": (
            legacy(GOOD_LEGACY, keys=("0", "0"), tail=2 * STORAGE),
            "list of storages",
        ),
        "legacy keys unknown.pth": (
            legacy(GOOD_LEGACY, keys=("0", "1"), tail=2 * STORAGE),
            "list of storages",
        ),
        "legacy keys no texts.pth": (
            legacy(GOOD_LEGACY, keys=(0,)),
            "list of storages",
        ),
        "legacy view of a storage.pth": (
            legacy(mapping(x=tensor(parent))),
            "view of another",
        ),
        "legacy big endian.pth": (
            legacy(
                GOOD_LEGACY, system=pickle.dumps({"little_endian": False}, protocol=2)
            ),
            "big-endian",
        ),
        "legacy other version.pth": (
            legacy(GOOD_LEGACY, version=pickle.dumps(1000, protocol=2)),
            "unknown version",
        ),
        "another pickle.pth": (pickle.dumps({"a": 1}, protocol=2), "not of torch.save"),
        "magic alone.pth": (MAGIC, "damaged"),
        "header alone.pth": (MAGIC + VERSION + SYSTEM, "damaged"),
        "legacy tensor in the keys.pth": (
            MAGIC + VERSION + SYSTEM + pickled(EMPTY) + pickled(tensor()),
            "more memory",
        ),
    }


def no_weights():
    header = json.dumps({"x": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}})
    safe = struct.pack("<Q", len(header)) + header.encode() + bytes(4)
    return {
        "empty.pth": (b"", "is empty"),
        "page.pth": (b"<!DOCTYPE html><title>404</title>", "web page"),
        "page-0123abcd.pth": (b"<html>", "web page"),
        "page with blanks.pth": (b"\xef\xbb\xbf\n <html>", "web page"),
        "text.pth": (b"hello world", "not a PyTorch"),
        "zeros.pth": (bytes(1000), "not a PyTorch"),
        "pointer.pth": (b"version https://git-lfs.github.com/spec/v1\n", "Git LFS"),
        "packed.pth": (gzip.compress(zipped(GOOD)), "gzip"),
        "safetensors.pth": (safe, "suffix .safetensors"),
        "wrong digits-0123abcd.pth": (zipped(GOOD), "sha256"),
        "foreign.safetensors": (safe, "is no BasicVSR++: its 1 keys are x"),
        "empty.safetensors": (b"", "no safetensors"),
        "text.safetensors": (b"hello world, hello world", "no safetensors"),
        "huge header.safetensors": (
            struct.pack("<Q", 1 << 40) + b"{}",
            "no safetensors",
        ),
        "large header.safetensors": (
            struct.pack("<Q", 5 << 20) + b"{" + b" " * (5 << 20),
            "no safetensors",
        ),
        "cut.safetensors": (safe[:-1], "is damaged"),
        "no json.safetensors": (struct.pack("<Q", 8) + b"{{{{{{{{", "is damaged"),
        "deep json.safetensors": (
            struct.pack("<Q", 100_000) + b'{"a":' + b"[" * 99_995,
            "is damaged",
        ),
    }


def hostile_files(sentinel):
    """All of them; the file `sentinel` appears if the code in one of them runs."""
    groups = (damaged_pickles, lying_tensors, archives, legacy_files, no_weights)
    files = calling(str(sentinel))
    for group in groups:
        files |= group()
    return files | dialect_files(str(sentinel))


def _end(data, field, value, kind):
    place = len(data) - 22 + field
    return (
        data[:place] + struct.pack(kind, value) + data[place + struct.calcsize(kind) :]
    )


def _overlapping():
    """The directory lists an entry whose bytes lie inside those of another one."""
    inner = archive({"data/0": struct.pack("<4f", 0, 1, 2, 3)})
    outer = archive({"data.pkl": pickled(GOOD), "x": inner})
    start, end = inner.index(b"PK\x01\x02"), inner.index(b"PK\x05\x06")
    offset = struct.pack("<I", outer.index(inner))
    record = inner[start : start + 42] + offset + inner[start + 46 : end]
    count, size = struct.unpack("<HI", outer[-12:-6])
    counts = struct.pack("<HHI", count + 1, count + 1, size + len(record))
    return outer[:-22] + record + outer[-22:-14] + counts + outer[-6:]


def _huge_directory():
    good = zipped(GOOD)
    end = good[:-22]
    extra = b"PK\x01\x02" + bytes(42)
    size = 5 << 20
    padding = extra * (size // len(extra))
    directory = good.index(b"PK\x01\x02")
    total = len(end) - directory + len(padding)
    record = struct.pack("<4s4HIIH", b"PK\x05\x06", 0, 0, 9, 9, total, directory, 0)
    return end + padding + record
