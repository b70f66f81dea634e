"""The names that a state dict's pickle may use, and what each of them builds.

PyTorch would import these and call them. Here they are texts, and what they build are
our own descriptions.
"""

from collections import OrderedDict
from collections.abc import Callable

from bvsrpp_jax.weights.messages import Refused
from bvsrpp_jax.weights.torch_tensor import DTYPES, Tensor, checked_tensor

RESAVE = (
    "Nothing was run. In PyTorch, save the state dict alone:"
    " torch.save(model.state_dict(), file)."
)


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
