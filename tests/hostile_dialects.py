"""More files that must be refused: what stands beside the weights, and safetensors.

As `hostile_files`: name -> (bytes, what the message says of it).
"""

import json
import struct

from handmade import (
    EMPTY,
    call,
    legacy,
    mapping,
    name,
    number,
    pickled,
    storage,
    tensor,
    text,
    zipped,
)

NETWORK = mapping(**{"feat_extract.main.0.bias": tensor()})  # a key of BasicVSR++
VIEWED = mapping(x=tensor(storage(view=b"N")))
NO_NETWORK = "is no BasicVSR++"


def beside(value, state=None):
    """A checkpoint with something beside its state dict."""
    state = mapping(x=tensor()) if state is None else state
    return zipped(mapping(message_hub=value, state_dict=state))


def running(sentinel):
    """Commands in the parts of a checkpoint that are not looked at."""
    command = text(f"touch {sentinel}")
    code = text(f"open({sentinel!r}, 'w')")
    system = call("posix", "system", command)
    inert = name("mmengine.logging", "HistoryBuffer") + b")\x81"
    return {
        "beside system.pth": (beside(system), "names posix.system"),
        "beside popen.pth": (
            beside(call("subprocess", "Popen", command)),
            "names subprocess.Popen",
        ),
        "beside old eval.pth": (
            beside(call("__builtin__", "eval", code)),
            "names __builtin__.eval",
        ),
        "beside import.pth": (
            beside(call("__builtin__", "__import__", text("os"))),
            "names __builtin__.__import__",
        ),
        "beside legacy.pth": (
            legacy(mapping(state_dict=VIEWED, optimizer=system)),
            "names posix.system",
        ),
        "beside getattr of a module.pth": (
            beside(call("__builtin__", "getattr", name("os", "sys"), text("modules"))),
            "names os.sys",
        ),
        "beside new object.pth": (
            beside(name("os", "_Environ") + b")\x81"),
            "names os._Environ",
        ),
        "beside reduce of a partial.pth": (
            beside(call("functools", "partial", name("os", "system"), command)),
            "names os.system",
        ),
        "beside runpy.pth": (
            beside(call("runpy", "run_path", command)),
            "names runpy.run_path",
        ),
        "state of an inert object.pth": (
            beside(inert + mapping(method=system) + b"b"),
            "names posix.system",
        ),
        "third party code.pth": (
            beside(call("numpy.testing._private.utils", "runstring", code, EMPTY)),
            NO_NETWORK,
        ),
        "third party code in the state dict.pth": (
            beside(EMPTY, state=mapping(x=call("pip", "main", command))),
            "no tensors (x: pip.main)",
        ),
        "source of a module.pth": (
            legacy(
                b"("
                + (text("module") + name("my.net", "Net") + text("net.py") + code)
                + b"tQ)\x81",
                keys=(),
                tail=b"",
            ),
            "holds a my.net.Net, not a state dict",
        ),
        "setter.pth": (
            beside(inert + text("__class__") + text("os.system") + b"s"),
            NO_NETWORK,
        ),
    }


def inert_objects():
    inert = name("a.b", "C") + b")\x81"
    state = mapping(x=tensor())
    return {
        "inert state dict.pth": (
            zipped(mapping(state_dict=inert + state + b"b")),
            "no tensors (state_dict: a.b.C)",
        ),
        "inert tensor.pth": (
            zipped(mapping(state_dict=mapping(x=call("a.b", "C", tensor())))),
            "no tensors (x: a.b.C)",
        ),
        "inert key.pth": (zipped(EMPTY + inert + tensor() + b"s"), "(a.b.C: Tensor)"),
        "inert wrapper.pth": (zipped(inert), "holds a a.b.C, not a state dict"),
        "inert storage.pth": (
            beside(tensor(storage(kind="ComplexFloatStorage"))),
            "a storage is a torch.ComplexFloatStorage",
        ),
        "inert as storage.pth": (beside(tensor(inert)), "no storage"),
        "inert parameter.pth": (
            beside(call("torch._utils", "_rebuild_parameter", inert, b"\x89", EMPTY)),
            "REDUCE",
        ),
        "inert in itself.pth": (beside(inert + b"q\x01h\x01b"), NO_NETWORK),
        "inert bomb.pth": (beside(inert + b"0" + b"}b" * 10), "opcode POP"),
        "inert opcode bomb.pth": (beside(inert + b"Nb" * 300_000), "opcodes"),
        "inert items bomb.pth": (
            beside(inert + b"(" + b"N" * 500_000 + b"e"),
            "opcodes",
        ),
        "inert memo bomb.pth": (
            beside(inert + b"r" + struct.pack("<I", 1 << 31)),
            "memo",
        ),
        "name of line breaks.pth": (
            zipped(mapping(x=name("a\x1b[31mb", "C\x07") + b")\x81")),
            "(x: a?[31mb.C?)",
        ),
        "name of a megabyte.pth": (
            zipped(mapping(x=name("a" * (1 << 20), "C") + b")\x81")),
            "aaa...",
        ),
        "inert new of a known name.pth": (
            beside(name("collections", "OrderedDict") + b")\x81"),
            "opcode NEWOBJ",
        ),
        "training state.pth": (
            zipped(mapping(epoch=number(1), optimizers=b"]", schedulers=b"]")),
            "training state of BasicSR",
        ),
    }


def descriptions():
    """Our entry in a file of PyTorch, which anybody can write."""

    def said(value):
        return zipped(mapping(meta=mapping(bvsrpp=value), state_dict=NETWORK))

    def sizes(**changed):
        good = {
            "mid_channels": 64,
            "num_blocks": 7,
            "deform_groups": 16,
            "scale": 4,
            "num_extract_blocks": 5,
            "num_reconstruction_blocks": 5,
            "hr_channels": 64,
            "max_residue_magnitude": 10.0,
            "spynet_channels": [32, 64, 32, 16],
        }
        return text(json.dumps({"format": 1, "sizes": {**good, **changed}}))

    damaged = "damaged description"
    return {
        "description of a megabyte.pth": (said(text("[" * (1 << 20))), damaged),
        "description of lists.pth": (
            said(text("[" + "[]," * 4_000_000 + "[]]")),
            "damaged",
        ),
        "description of depth.pth": (said(text("[" * 60_000)), damaged),
        "description that is a number.pth": (said(number(3)), damaged),
        "description that is a tensor.pth": (said(tensor()), damaged),
        "description that is an object.pth": (said(name("a", "B")), damaged),
        "description of nothing.pth": (said(text("{}")), damaged),
        "description of digits.pth": (said(text("9" * 6000)), damaged),
        "description of a billion channels.pth": (
            said(sizes(mid_channels=10**9)),
            "mid_channels is 1000000000",
        ),
        "description of NaN.pth": (
            said(sizes(max_residue_magnitude=float("nan"))),
            "max_residue_magnitude is nan",
        ),
        "description of another network.pth": (
            said(sizes()),
            "does not fit c64n7 x4, as its description says",
        ),
        "description of the largest network.pth": (
            said(sizes(num_blocks=999, mid_channels=1024)),
            "does not fit c1024n999 x4",
        ),
        "description of basicsr.pth": (
            zipped(mapping(params=NETWORK, bvsrpp=text("{"))),
            damaged,
        ),
        "meta that is an object.pth": (
            zipped(mapping(meta=name("a", "B"), state_dict=mapping(x=tensor()))),
            NO_NETWORK,
        ),
    }


def safetensors(entries, data=b"", **more):
    """A file with this header, whatever it is."""
    header = entries if isinstance(entries, bytes) else json.dumps({**entries, **more})
    header = header if isinstance(header, bytes) else header.encode()
    return struct.pack("<Q", len(header)) + header + data


def entry(start=0, end=4, shape=(1,), dtype="F32", **more):
    return {"dtype": dtype, "shape": list(shape), "data_offsets": [start, end], **more}


def safetensors_files():
    four = bytes(4)
    key = "feat_extract.main.0.bias"
    twice = b'{"x":%b,"x":%b}' % ((json.dumps(entry()).encode(),) * 2)
    nested = json.dumps(entry())[:-1] + ',"more":%s}'
    many = {f"x{i}": entry(0, 0, (0,)) for i in range(12_000)}
    more = {f"x{i}": entry(0, 0, (0,)) for i in range(60_000)}  # read, 105 MB
    about = json.dumps({"format": 1, "sizes": {}})
    files = {
        "overlap": (safetensors({"x": entry(), "y": entry()}, four), "is damaged"),
        "overlap in part": (
            safetensors({"x": entry(), "y": entry(2, 6)}, bytes(6)),
            "is damaged",
        ),
        "gap": (safetensors({"x": entry(), "y": entry(8, 12)}, bytes(12)), "damaged"),
        "tail": (safetensors({"x": entry()}, bytes(8)), "is damaged"),
        "beyond": (safetensors({"x": entry(0, 1 << 40)}, four), "is damaged"),
        "backwards": (safetensors({"x": entry(4, 0)}, four), "is damaged"),
        "negative": (safetensors({"x": entry(-4, 0)}, four), "is damaged"),
        "fractions": (safetensors({"x": entry(0.0, 4.0)}, four), "is damaged"),
        "twice": (safetensors(twice, four), "is no BasicVSR++"),
        "shape of 2^80": (
            safetensors({"x": entry(shape=(1 << 40, 1 << 40))}, four),
            "is damaged",
        ),
        "shape of 2^64": (safetensors({"x": entry(shape=(1 << 64,))}, four), "damaged"),
        "shape of other size": (safetensors({"x": entry(shape=(3,))}, four), "damaged"),
        "negative shape": (safetensors({"x": entry(shape=(-1,))}, four), "is damaged"),
        "rank 100": (
            safetensors({"x": entry(shape=(1,) * 100)}, four),
            "of over 8 axes (x)",
        ),
        "type NaN": (safetensors({"x": entry(dtype="NaN")}, four), "is damaged"),
        "type none": (safetensors({"x": entry(dtype=None)}, four), "is damaged"),
        "type F8": (
            safetensors({"x": entry(dtype="F8_E4M3", shape=(4,))}, four),
            "1 tensors of a type that weights do not come in (x: F8_E4M3)",
        ),
        "type of complex": (
            safetensors({"x": entry(0, 8, dtype="C64")}, bytes(8)),
            "(x: C64)",
        ),
        "deep in a tensor": (
            safetensors(
                b'{"x":' + (nested % ("[" * 50_000)).encode(),
                four,
            ),
            "is damaged",
        ),
        "digits": (
            safetensors(b'{"x":' + (nested % ("9" * 6000)).encode() + b"}", four),
            "is damaged",
        ),
        "metadata of numbers": (
            safetensors({"x": entry()}, four, __metadata__={"bvsrpp": 3}),
            "is damaged",
        ),
        "metadata of nothing": (
            safetensors({"x": entry()}, four, __metadata__=None),
            NO_NETWORK,
        ),
        "list": (safetensors(b"[]"), "is damaged"),
        "no tensors": (safetensors({}), NO_NETWORK),
        "many tensors": (safetensors(many), "its 12000 keys are"),
        "more tensors": (safetensors(more), "is no safetensors file"),
        "escapes": (safetensors({"\x1b[31m\n": entry()}, four), "keys are ?[31m?"),
        "utf-16": (
            safetensors(json.dumps({"x": entry()}).encode("utf-16"), four),
            "is damaged",
        ),
        "not a number": (
            safetensors(
                {key: entry(0, 32, (8,))}, struct.pack("<8f", *[float("nan")] * 8)
            ),
            "1 unusable (feat_extract.main.0.bias is not finite)",
        ),
        "described badly": (
            safetensors({key: entry()}, four, __metadata__={"bvsrpp": about}),
            "damaged description",
        ),
        "ours without paths": (
            safetensors({"a/b": entry()}, four, __metadata__={"bvsrpp": about}),
            "damaged description",
        ),
        "zip": (zipped(NETWORK), "is a PyTorch file"),
        "legacy": (pickled(EMPTY), "is a PyTorch file"),
    }
    return {f"safe {name}.safetensors": file for name, file in files.items()}


def dialect_files(sentinel):
    """All of them."""
    groups = (inert_objects, descriptions, safetensors_files)
    files = running(sentinel)
    for group in groups:
        files |= group()
    return files
