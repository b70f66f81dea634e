"""What the processes of a run must see or find alike, so that they go on together."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import numpy as np
from jax.experimental import multihost_utils

Result = TypeVar("Result")


def from_main(value: int) -> int:
    """A 32-bit number as process 0 has it; all processes wait for it."""
    return int(multihost_utils.broadcast_one_to_all(np.int32(value)))


def list_from_main(values: Sequence[int]) -> list[int]:
    """A list of numbers as process 0 has it."""
    count = from_main(len(values))
    padded = [*values, *[0] * count]
    return [from_main(value) for value in padded[:count]]


def everywhere(
    function: Callable[..., Result], *args: Any, failure: type[Exception]
) -> Result:
    """Calls a function on every process; where it fails on one, it fails on all.

    Raises:
      failure: the function raised it, here or on another process.
    """
    result, error = None, None
    try:
        result = function(*args)
    except failure as raised:
        error = raised
    if np.any(multihost_utils.process_allgather(np.bool_(error is not None))):
        raise error or failure("another process cannot read it")
    return result
