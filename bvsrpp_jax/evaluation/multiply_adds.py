"""Counts the multiply-adds of a function, which papers call its FLOPs.

Those of convolutions (zero padding included) and matrix products, as the counters of
the field do; sampling, activations and additions are left out.

The count is of the program that JAX traces, with the body of a loop as often as it
runs. XLA's `cost_analysis` of the compiled program counts a body once, be it a frame of
a clip or one of the nine taps of a deformable convolution. Where nothing loops the two
agree (`tests/test_evaluation_cost.py`).
"""

from collections.abc import Callable, Iterator
from math import prod
from typing import Any

import jax


def multiply_adds(function: Callable, *arguments: Any) -> int:
    """Counts the multiply-adds of convolutions and matrix products.

    Args:
      function: of arrays, which JAX can trace. Loops have a fixed number of rounds.
      *arguments: arrays or their shapes; nothing is computed.

    Raises:
      ValueError: a loop whose number of rounds nobody knows beforehand.
    """
    return _count(jax.make_jaxpr(function)(*arguments).jaxpr)


def _count(program) -> int:
    return sum(map(_count_operation, program.eqns))


def _count_operation(operation) -> int:
    """Of one operation and of the programs that it runs."""
    name, options = operation.primitive.name, operation.params
    if name in ("conv_general_dilated", "dot_general"):
        terms = _convolved if name == "conv_general_dilated" else _contracted
        return prod(operation.outvars[0].aval.shape) * prod(terms(operation))
    if name == "while":
        raise ValueError("a loop without a fixed number of rounds; use lax.scan")
    counts = list(map(_count, _programs(options)))
    if name == "cond":
        return max(counts)
    return sum(counts) * (options["length"] if name == "scan" else 1)


def _convolved(operation) -> Iterator[int]:
    """The kernel's sizes that every output sums over."""
    kernel = operation.invars[1].aval.shape
    outputs = operation.params["dimension_numbers"].rhs_spec[0]
    return (size for axis, size in enumerate(kernel) if axis != outputs)


def _contracted(operation) -> Iterator[int]:
    (axes, _), _ = operation.params["dimension_numbers"]
    return (operation.invars[0].aval.shape[axis] for axis in axes)


def _programs(options: dict[str, Any]) -> Iterator[Any]:
    """The programs among an operation's options."""
    for value in jax.tree.leaves(list(options.values())):
        program = getattr(value, "jaxpr", value)
        if hasattr(program, "eqns"):
            yield program
