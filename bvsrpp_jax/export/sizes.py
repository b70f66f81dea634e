"""What the exported functions take: shapes whose letters may stand for any number.

`jax.export` traces a function once for all sizes. A letter that is not fixed becomes a
symbol; shapes that follow from others are arithmetic on symbols, which JAX checks when
the function is called.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import export

from bvsrpp_jax.models.basicvsrpp import BasicVSRPlusPlus
from bvsrpp_jax.models.propagation import empty_carry
from bvsrpp_jax.ops.sampling import at_least_float32
from bvsrpp_jax.restoration.padding import padded_side


class Sizes(NamedTuple):
    """Clips n, frames t, height and width of an input; None is any from 1 up."""

    n: int | None = None
    t: int | None = None
    h: int | None = None
    w: int | None = None


def arguments_of(
    model: BasicVSRPlusPlus, params: dict[str, Any], sizes: Sizes
) -> dict[str, dict[str, Any]]:
    """Function -> the names of its arguments -> their shapes.

    Args:
      model: the network.
      params: path with "/" -> array, or anything of its shape and dtype.
      sizes: what is fixed.

    Returns:
      For each of `functions_of(model)` its arguments as `jax.ShapeDtypeStruct`s, in
      tuples and dicts as the function takes them.
    """
    params = {name: _array(a.shape, a.dtype) for name, a in params.items()}
    n, t, h, w = _frame_letters(sizes)
    lq, longer = _array((n, t, h, w, 3)), _array((n, t + 1, h, w, 3))
    rows, cols = (_feature_side(model, side) for side in (h, w))
    feats = (_feat(model, (n, t, rows, cols)),) * (1 + len(model.branches))
    return {
        "restore": {"params": params, "lq": lq},
        "encode": {"params": params, "lq": longer},
        **_arguments_of_branches(model, params, sizes),
        "reconstruct": {"params": params, "lq": lq, "feats": feats},
    }


def _arguments_of_branches(model, params, sizes):
    """Those of the functions that see features alone."""
    letters = _feature_letters(model, sizes)
    feat = _feat(model, letters)
    flow = _array((*letters, 2), at_least_float32(model.dtype))
    carry = tuple(jax.eval_shape(empty_carry, feat))
    rest = {"flow_n1": flow, "carry": carry}
    return {
        "empty_carry": {"feat": feat, "fill": _array((), jnp.int32)},
        **{
            name: {"params": params, "feats": (feat,) * (1 + i), **rest}
            for i, name in enumerate(model.branches)
        },
    }


def _frame_letters(sizes):
    letters = (str(size or letter) for letter, size in sizes._asdict().items())
    return export.symbolic_shape(", ".join(letters))


def _feature_letters(model, sizes):
    """Letters of their own, as height and width of frames do not follow from them."""
    rows, cols = (side and _feature_side(model, side) for side in (sizes.h, sizes.w))
    letters = {"n": sizes.n, "t": sizes.t, "rows": rows, "cols": cols}
    smallest = model.min_side // model.feature_stride
    return export.symbolic_shape(
        ", ".join(str(size or letter) for letter, size in letters.items()),
        constraints=[
            f"{side} >= {smallest}" for side in ("rows", "cols") if not letters[side]
        ],
    )


def _feature_side(model, side):
    """What a side of the frames is in features, padded."""
    padded = padded_side(side, min_side=model.min_side, multiple=model.side_multiple)
    return padded // model.feature_stride


def _feat(model, letters):
    return _array((*letters, model.mid_channels), model.dtype)


def _array(shape, dtype=jnp.float32):
    return jax.ShapeDtypeStruct(shape, dtype)
