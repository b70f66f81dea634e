"""A network as a restorer is given it."""

from typing import Any

import jax.numpy as jnp
from flax.traverse_util import flatten_dict
from jax.typing import DTypeLike

from bvsrpp_jax.models.basicvsrpp import BasicVSRPlusPlus
from bvsrpp_jax.weights.architecture import variant_of
from bvsrpp_jax.weights.layout import shapes


def check_params(model: Any, params: Any) -> None:
    """Raises a `ValueError` for parameters of another network, or none.

    Other models than ours, with the same methods, know their own parameters.
    """
    if not isinstance(model, BasicVSRPlusPlus):
        return
    found = {
        name: jnp.shape(leaf) for name, leaf in flatten_dict(params, sep="/").items()
    }
    if found != shapes(model):
        raise ValueError(
            f"params: are not those of {variant_of(model)}. Pass both that `load`"
            ' gives; of what `model.init` gives, the entry "params"'
        )


def dtype_name(dtype: DTypeLike | None) -> str | None:
    """`jnp.bfloat16` is "bfloat16"; what is no type is left for `Wishes` to refuse."""
    try:
        return None if dtype is None else jnp.dtype(dtype).name
    except TypeError:
        return dtype
