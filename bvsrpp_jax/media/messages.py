"""What a child process says and hears: JSON of plain values, never objects of code.

A message is four bytes of length, as many of JSON, and then what it announces: a
frame's pixels, a packet's bytes. The parent trusts nothing of it: the child may have
been taken over by the file it read.
"""

import json
import socket
import types
from dataclasses import fields, is_dataclass
from fractions import Fraction
from typing import Any, get_args, get_origin, get_type_hints

_LONGEST = 1 << 16
_LARGEST = 1 << 63  # no honest number needs more bits than a timestamp


class Ended(Exception):
    """The other side is gone."""


def send(connection: socket.socket, kind: str, value=None, data=b"") -> None:
    """Sends one message; `value` is anything that `pack` knows."""
    text = json.dumps({"kind": kind, "value": pack(value)}).encode()
    if len(text) > _LONGEST:
        raise ValueError(f"a message of {len(text)} bytes")
    connection.sendall(len(text).to_bytes(4, "big") + text)
    if len(data):  # else the answer may be there, and the other side gone
        connection.sendall(data)


def receive(connection: socket.socket) -> tuple[str, Any]:
    """The kind and the packed value of the next message.

    Raises:
      Ended: there is none.
      ValueError: it is not one that `send` sends.
      TimeoutError: nothing came for as long as the connection's timeout.
    """
    length = int.from_bytes(receive_bytes(connection, bytearray(4)), "big")
    if length > _LONGEST:
        raise ValueError(f"a message of {length} bytes")
    text = receive_bytes(connection, bytearray(length))
    try:
        message = json.loads(text)
    except RecursionError as error:
        raise ValueError("a message of endless depth") from error
    if type(message) is not dict or message.keys() != {"kind", "value"}:
        raise ValueError("a message without kind and value")
    return unpack(message["kind"], str), message["value"]


def receive_bytes(connection: socket.socket, buffer):
    """Fills a buffer, and returns it. Raises as `receive` does."""
    rest = memoryview(buffer).cast("B")
    while rest:
        try:
            count = connection.recv_into(rest)
        except ConnectionError as error:
            raise Ended from error
        if not count:
            raise Ended
        rest = rest[count:]
    return buffer


def pack(value):
    """Fractions, dataclasses and tuples as what JSON has."""
    if isinstance(value, Fraction):
        return [value.numerator, value.denominator]
    if is_dataclass(value):
        names = [field.name for field in fields(value)]
    else:
        names = getattr(value, "_fields", None)  # of a named tuple
    if names is None:
        return [*map(pack, value)] if isinstance(value, tuple) else value
    return {name: pack(getattr(value, name)) for name in names}


def unpack(value, kind: type):
    """The inverse of `pack`, for a value of that type and no other.

    Raises:
      ValueError: it is of another type.
    """
    if isinstance(kind, types.UnionType):
        return None if value is None else unpack(value, get_args(kind)[0])
    if get_origin(kind) is tuple:
        return _unpack_tuple(value, get_args(kind))
    if kind is Fraction:
        numerator, denominator = _numbers(value)
        return Fraction(numerator, denominator)
    if is_dataclass(kind) or hasattr(kind, "_fields"):
        hints = get_type_hints(kind)
        if type(value) is not dict or value.keys() != hints.keys():
            raise ValueError(f"no {kind.__name__}: {value!r:.80}")
        return kind(**{name: unpack(value[name], hints[name]) for name in hints})
    if type(value) is not kind or (kind is int and abs(value) >= _LARGEST):
        raise ValueError(f"no {kind.__name__}: {value!r:.80}")
    return value


def _unpack_tuple(value, kinds: tuple) -> tuple:
    if type(value) is list and kinds[-1] is ...:
        kinds = len(value) * kinds[:1]
    if type(value) is not list or len(value) != len(kinds):
        raise ValueError(f"no {len(kinds)} values: {value!r:.80}")
    return tuple(map(unpack, value, kinds))


def _numbers(value) -> tuple[int, int]:
    numerator, denominator = unpack(value, tuple[int, int])
    if denominator < 1:
        raise ValueError(f"no fraction: {value!r:.80}")
    return numerator, denominator
