"""The functions that an exported file holds: the whole network, and its pieces.

    restore       a whole clip
    encode        frames to features and flows                      for clips of any
    empty_carry   what a branch knows before the first frame        length, chunk by
    backward_1 .. one function for each branch                      chunk or frame by
    reconstruct   features to frames                                frame

They are the network's seams (`models/basicvsrpp.py`), with frames of any size: padding
and cropping are inside. What goes in and comes out are arrays, tuples of arrays, and
the parameters as one flat dict, so whoever calls them needs no class of ours.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from flax.traverse_util import unflatten_dict

from bvsrpp_jax.models.basicvsrpp import BasicVSRPlusPlus
from bvsrpp_jax.models.grid import is_backward
from bvsrpp_jax.models.propagation import Carry, empty_carry
from bvsrpp_jax.restoration.padding import crop, pad

# What each function gives; a branch, which has its own name, gives the last.
RESULTS = {
    "restore": "output",
    "encode": ("feat", "flows_backward", "flows_forward"),
    "empty_carry": "carry",
    "reconstruct": "output",
}
OF_A_BRANCH = ("feat", "carry")


def functions_of(model: BasicVSRPlusPlus) -> dict[str, Callable]:
    """Name -> function; `params` is {"feat_extract/conv_in/kernel": array, ...}.

    restore(params, lq [n, t, h, w, 3])
      -> [n, t, scale * h, scale * w, 3], not clamped.
    encode(params, lq [n, t + 1, h, w, 3])
      -> of all frames but the first g [n, t, h', w', c], and between neighbours
      flows_backward and flows_forward [n, t, h', w', 2].
    empty_carry(feat [n, t, h', w', c], fill)
      -> the carry before the first frame; its parts are nobody's business. `fill`: how
      many of the frames that are visited first only fill the chunk.
    a branch(params, feats, flow_n1 [n, t, h', w', 2], carry)
      -> its features [n, t, h', w', c] and the carry for the next chunk; `feats` are g
      and the results of the branches before it.
    reconstruct(params, lq [n, t, h, w, 3], feats)
      -> as `restore`; `feats` are g and the results of all branches.
    """
    restore = _restore(model)
    branches = {name: _branch(model, name) for name in model.branches}
    return {
        "restore": restore,
        "encode": _encode(model),
        "empty_carry": _empty_carry,
        **branches,
        "reconstruct": _reconstruct(model),
    }


def _restore(model):
    encode, reconstruct = _encode(model), _reconstruct(model)
    branches = {name: _branch(model, name) for name in model.branches}

    def restore(params, lq):
        # The first frame, which has none before it, stands in for that one.
        feat, backward, forward = encode(params, jnp.concatenate([lq[:, :1], lq], 1))
        backward = jnp.roll(backward, -1, 1)  # the last frame's is not looked at
        feats = (feat,)
        for name, branch in branches.items():
            flow = backward if is_backward(name) else forward
            feat, _ = branch(params, feats, flow, _empty_carry(feat, 0))
            feats = *feats, feat
        return reconstruct(params, lq, feats)

    return restore


def _encode(model):
    def encode(params, lq):
        lq = _padded(model, lq)
        feat = _run(model, params, "features", lq[:, 1:])
        return feat, *_run(model, params, "flows", lq)

    return encode


def _empty_carry(feat: jax.Array, fill: jax.Array | int) -> tuple[jax.Array, ...]:
    return tuple(empty_carry(feat, fill=fill))


def _branch(model, name):
    def branch(params, feats, flow_n1, carry):
        carry = Carry(*carry)
        feat, carry = _run(model, params, "propagate", name, feats, flow_n1, carry)
        return feat, tuple(carry)

    branch.__name__ = name
    return branch


def _reconstruct(model):
    def reconstruct(params, lq, feats):
        output = _run(model, params, "reconstruct", _padded(model, lq), feats)
        return crop(output, lq.shape[2:4], scale=model.scale)

    return reconstruct


def _run(model, params, method: str, *arguments) -> Any:
    variables = {"params": unflatten_dict(params, sep="/")}
    return model.apply(variables, *arguments, method=method)


def _padded(model, lq):
    return pad(lq, min_side=model.min_side, multiple=model.side_multiple)
