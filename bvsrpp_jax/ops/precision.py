"""How many bits a product of float32 has."""

from collections.abc import Callable
from functools import wraps

import jax


def in_full_precision(function: Callable) -> Callable:
    """`function`, to be traced with products of float32 in float32.

    By default accelerators multiply float32 with fewer bits (TPUs in bfloat16, recent
    GPUs in TF32). A result that shall be the same everywhere, and what it is measured
    by, ask for all of them; who wants speed instead computes in bfloat16. A precision
    that was chosen (`JAX_DEFAULT_MATMUL_PRECISION`, `jax.default_matmul_precision`)
    is kept.
    """

    @wraps(function)
    def traced(*args, **kwargs):
        chosen = jax.config.jax_default_matmul_precision or "highest"
        with jax.default_matmul_precision(chosen):
            return function(*args, **kwargs)

    return traced
