"""The names that a checkpoint's pickle may use, and what each of them builds.

PyTorch would import these and call them. Here they are texts. Those of a state dict
build our own descriptions; every other one stands for an object of which nothing but
the name is known (`Foreign`): a training leaves its history, its counters and its
settings beside the weights. Such an object is no trouble there, and is refused in the
state dict itself.

Names of Python's own library that do something, as `os.system`, no training leaves. A
file with one was made to be run, and is refused as a whole, although it is not run.
"""

import sys
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from bvsrpp_jax.weights.messages import Refused, printable
from bvsrpp_jax.weights.torch_tensor import DTYPES, Tensor, checked_tensor

RESAVE = (
    "Nothing was run. In PyTorch, save the state dict alone:"
    " torch.save(model.state_dict(), file)."
)


@dataclass(frozen=True, eq=False)
class Foreign:
    """An object that the file describes and nobody makes; its class is a mere text.

    Each one equals itself alone, so any number of them may be keys of a dict.
    """

    name: str


def _ordered_dict() -> OrderedDict:
    return OrderedDict()  # its items follow, one by one


def _tensor(storage, offset, shape, stride, requires_grad, hooks, metadata=None):
    if metadata:  # conjugate or negative bit: the elements are not what they seem
        raise Refused(f"a tensor has metadata. {RESAVE}")
    return checked_tensor(storage, offset, shape, stride)


def _parameter(data, requires_grad, hooks):
    if not isinstance(data, Tensor):
        raise TypeError
    return data


def _size(sizes: object) -> tuple:
    if type(sizes) is not tuple:
        raise TypeError
    return sizes


# As pickle writes them: module, space, name. None: it is no function, but the element
# type of a storage.
NAMES: dict[str, Callable | None] = {
    "collections OrderedDict": _ordered_dict,
    "torch._utils _rebuild_tensor_v2": _tensor,
    "torch._utils _rebuild_parameter": _parameter,
    "torch Size": _size,
    **{f"torch {name}": None for name in DTYPES},
}
# What Python's own library has for data. Protocol 2 calls `builtins` by its old name,
# and writes bytes as a call of `_codecs.encode`, methods as one of `getattr`.
DATA_MODULES = {
    *("_codecs", "collections", "copy_reg", "copyreg", "datetime", "decimal"),
    *("enum", "fractions", "pathlib", "uuid"),
}
BUILTINS = {"__builtin__", "builtins"}
DATA_BUILTINS = {
    *("bool", "bytearray", "bytes", "complex", "dict", "float", "frozenset"),
    *("getattr", "int", "list", "long", "object", "range", "set", "slice", "str"),
    *("tuple", "unicode", "xrange"),
}
DATA_CLASSES = {"argparse Namespace", "functools partial", "types SimpleNamespace"}


def foreign(text: str) -> Foreign:
    """What stands for a name that is not in `NAMES`.

    Args:
      text: module, space, name.

    Raises:
      Refused: it is one that no training leaves behind.
    """
    module, _, name = text.partition(" ")
    known = (
        name in DATA_BUILTINS
        if module in BUILTINS
        else module in DATA_MODULES or text in DATA_CLASSES
    )
    root = module.partition(".")[0]
    if not known and root in sys.stdlib_module_names | BUILTINS:
        raise Refused(
            f"names {printable(f'{module}.{name}')}, which no weights need. {RESAVE}"
        )
    return Foreign(f"{module}.{name}")
