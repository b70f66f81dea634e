"""Reads the pickles inside a PyTorch checkpoint; runs none of them.

A pickle is a program, and `pickle` would execute it. Here `pickletools` decodes it, and
a small machine carries out the opcodes that describe data: numbers, texts, containers,
tensors. Nothing is imported and nothing called but the five functions of `torch_names`.
What is of any other class becomes a `Foreign`, whatever the pickle would do to it.
"""

import io
import pickletools
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from bvsrpp_jax.weights.messages import Refused, printable
from bvsrpp_jax.weights.torch_names import NAMES, RESAVE, Foreign, foreign
from bvsrpp_jax.weights.torch_tensor import DTYPES, Storage, Tensor

# c128n25 with optimizer state takes 45,000 opcodes. An opcode allocates at most about
# 200 bytes beyond its own length, so this also bounds the memory of a hostile file.
MAX_OPCODES = 400_000
PROTOCOL = 2  # what torch.save writes unless told otherwise


@dataclass(frozen=True)
class Name:
    """One of `NAMES`; it stands for nothing but its text."""

    text: str


@dataclass(frozen=True)
class Pickled:
    """The contents of one pickle.

    Attributes:
      value: numbers, texts, None, containers, `Tensor`s and `Foreign`s.
      storages: those that the pickle refers to, by key.
    """

    value: object
    storages: dict[str, Storage]


def read_pickle(stream: io.BytesIO, *, memory: int = 0) -> Pickled:
    """Reads one pickle and leaves `stream` behind it.

    Args:
      stream: bytes in memory: every length in it is then cut at the end of the file.
      memory: bytes that all tensors together may claim.

    Raises:
      Refused: it is damaged, or does anything that a state dict does not need.
    """
    machine = _Machine(memory)
    for name, argument in _opcodes(stream):
        try:
            machine.step(name, argument)
        except (IndexError, KeyError, TypeError):  # empty stack, memo; wrong operand
            raise Refused(
                f"its pickle is damaged: opcode {name} does not fit what precedes it."
                " Download the file again."
            ) from None
    if len(machine.stack) != 1:
        raise Refused("its pickle is damaged. Download the file again.")
    return Pickled(machine.stack[0], machine.storages)


def _opcodes(stream: io.BytesIO) -> Iterator[tuple[str, object]]:
    opcodes = pickletools.genops(stream)
    for count in range(MAX_OPCODES):
        try:
            opcode, argument, _ = next(opcodes)
        except StopIteration:
            return
        except ValueError as error:  # unknown opcode, malformed or missing argument
            raise Refused(
                f"its pickle is damaged at opcode {count} ({printable(error)})."
                " Download the file again."
            ) from error
        yield opcode.name, argument
    raise Refused(
        f"its pickle has over {MAX_OPCODES:,} opcodes; no state dict needs them."
        " Get the weights from their publisher."
    )


class _Machine:
    """A stack, a memo, and the opcodes that move values between them."""

    def __init__(self, memory: int):
        self.stack: list[object] = []
        self.marks: list[int] = []
        self.memo: dict[int, object] = {}
        self.storages: dict[str, Storage] = {}
        self.memory = memory

    def step(self, name: str, argument: object) -> None:
        """Carries out one opcode."""
        if name in _PUSH_ARGUMENT:
            self.stack.append(argument)
        elif name in _PUSH:
            self.stack.append(_PUSH[name]())
        elif name in _ACTIONS:
            _ACTIONS[name](self, argument)
        else:
            raise Refused(f"opcode {name} in its pickle. {RESAVE}")

    def proto(self, version: int) -> None:
        if version != PROTOCOL:
            raise Refused(
                f"pickle protocol {version}; PyTorch's own is {PROTOCOL}."
                " In PyTorch, torch.save it again without pickle_protocol."
            )

    def stop(self, _: None) -> None:
        if self.marks:
            raise IndexError

    def mark(self, _: None) -> None:
        self.marks.append(len(self.stack))

    def since_mark(self) -> list[object]:
        start = self.marks.pop()
        items = self.stack[start:]
        del self.stack[start:]
        return items

    def last(self, count: int) -> list[object]:
        if len(self.stack) - (self.marks[-1] if self.marks else 0) < count:
            raise IndexError
        items = self.stack[-count:]
        del self.stack[-count:]
        return items

    def put(self, index: int) -> None:
        if index >= MAX_OPCODES:
            raise Refused(f"its pickle has a memo of {index} entries. {RESAVE}")
        self.memo[index] = self.stack[-1]

    def get(self, index: int) -> None:
        self.stack.append(self.memo[index])

    def make_tuple(self, count: int | None) -> None:
        items = self.since_mark() if count is None else self.last(count)
        self.stack.append(tuple(items))

    def append(self, items: list[object]) -> None:
        target = self.stack[-1]
        if isinstance(target, Foreign):
            return
        if type(target) is not list:
            raise TypeError
        target.extend(items)

    def set_items(self, items: list[object]) -> None:
        target = self.stack[-1]
        if isinstance(target, Foreign):
            return
        if not isinstance(target, dict) or len(items) % 2:
            raise TypeError
        for key, value in zip(items[::2], items[1::2], strict=True):
            target[_key(key)] = value

    def name(self, argument: str) -> None:
        known = argument in NAMES
        self.stack.append(Name(argument) if known else foreign(argument))

    def reduce(self, _: None) -> None:
        function, arguments = self.last(2)
        if isinstance(function, Foreign):
            self.stack.append(Foreign(function.name))
            return
        if not isinstance(function, Name) or type(arguments) is not tuple:
            raise TypeError
        build = NAMES[function.text]
        value = build(*arguments)  # TypeError too if it is a storage type: None
        if isinstance(value, Tensor):
            self.memory -= value.nbytes
            if self.memory < 0:
                raise Refused(
                    "its tensors claim far more memory than the file has bytes."
                    " Get the weights from their publisher."
                )
        self.stack.append(value)

    def new_object(self, _: None) -> None:
        kind, _ = self.last(2)
        if not isinstance(kind, Foreign):
            raise TypeError
        self.stack.append(Foreign(kind.name))

    def build(self, _: None) -> None:
        target, state = self.last(2)
        if isinstance(target, Foreign):
            self.stack.append(target)
            return
        # PyTorch hangs `_metadata`, versions of modules, on a state dict: not needed.
        if type(target) is not OrderedDict or not isinstance(state, dict):
            raise TypeError
        self.stack.append(target)

    def storage(self, _: None) -> None:
        (argument,) = self.last(1)
        if type(argument) is not tuple:
            raise TypeError
        if argument[:1] == ("module",) and isinstance(argument[1], Foreign):
            self.stack.append(argument[1])  # a class, with its source text behind it
            return
        if len(argument) not in (5, 6):
            raise TypeError
        kind, dtype, key, _, size, *view = argument
        if isinstance(dtype, Foreign):
            raise Refused(f"a storage is a {printable(dtype.name)}. {RESAVE}")
        if kind != "storage" or not isinstance(dtype, Name):
            raise TypeError
        if view not in ([], [None]):
            raise Refused(
                "a storage is a view of another one, as very old PyTorch wrote."
                " Load it in PyTorch and save it again."
            )
        self.stack.append(self.checked_storage(dtype.text, key, size))

    def checked_storage(self, dtype: str, key: object, size: object) -> Storage:
        kind = DTYPES[dtype.removeprefix("torch ")]
        if not (isinstance(key, str) and key.isascii() and key.isdecimal()):
            raise TypeError
        if type(size) is not int or not 0 <= size < 1 << 63:
            raise TypeError
        storage = Storage(key, kind, size)
        if self.storages.setdefault(key, storage) != storage:
            raise TypeError
        return storage


def _key(key: object) -> object:
    """A key of the pickle as one of ours.

    Small numbers and texts cannot be made to collide in a dict's table; anything else
    that Python takes for a key is replaced by what equals nothing.
    """
    if isinstance(key, list | dict):
        raise TypeError
    small = type(key) is int and abs(key) < 1 << 31
    if small or isinstance(key, str | Foreign):
        return key
    return Foreign(type(key).__name__)


_PUSH_ARGUMENT = {"BININT", "BININT1", "BININT2", "LONG1", "BINFLOAT", "BINUNICODE"}
_PUSH: dict[str, Callable[[], object]] = {
    "NONE": lambda: None,
    "NEWTRUE": lambda: True,
    "NEWFALSE": lambda: False,
    "EMPTY_DICT": dict,
    "EMPTY_LIST": list,
    "EMPTY_TUPLE": tuple,
}
_ACTIONS: dict[str, Callable[[_Machine, object], None]] = {
    "PROTO": _Machine.proto,
    "STOP": _Machine.stop,
    "MARK": _Machine.mark,
    "BINPUT": _Machine.put,
    "LONG_BINPUT": _Machine.put,
    "BINGET": _Machine.get,
    "LONG_BINGET": _Machine.get,
    "TUPLE": lambda machine, _: machine.make_tuple(None),
    "TUPLE1": lambda machine, _: machine.make_tuple(1),
    "TUPLE2": lambda machine, _: machine.make_tuple(2),
    "TUPLE3": lambda machine, _: machine.make_tuple(3),
    "APPEND": lambda machine, _: machine.append(machine.last(1)),
    "APPENDS": lambda machine, _: machine.append(machine.since_mark()),
    "SETITEM": lambda machine, _: machine.set_items(machine.last(2)),
    "SETITEMS": lambda machine, _: machine.set_items(machine.since_mark()),
    "GLOBAL": _Machine.name,
    "REDUCE": _Machine.reduce,
    "NEWOBJ": _Machine.new_object,
    "BUILD": _Machine.build,
    "BINPERSID": _Machine.storage,
}
