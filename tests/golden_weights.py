"""The weights of the golden networks, from a seed: no weight file of megabytes needed.

`tensor(name, shape, seed)` is the value of one entry of the official state dict (names
without `generator.`, kernels OIHW). The seeds: x4_c16n1 11, same_c16n2 12,
training_init 120. The weights are strong on purpose: one percent off in any alignment,
flow or propagation weight moves the output by 3e-4 or more.
"""

import re
import zlib

import jax
import jax.numpy as jnp
import numpy as np
from flax.traverse_util import flatten_dict, unflatten_dict

from bvsrpp_jax.models.basicvsrpp import BasicVSRPlusPlus


def gain(name):
    if name.startswith("spynet"):
        return 1.2 if name.endswith("4.conv.weight") else 1.4
    if ".conv1" in name or ".conv2" in name:
        return 0.9
    if "conv_offset.6" in name or name.startswith("conv_last"):
        return 0.8
    return 1.0


def tensor(name, shape, seed):
    rng = np.random.default_rng([seed, zlib.crc32(name.encode())])
    value = rng.standard_normal(shape)
    if len(shape) == 4:
        value *= gain(name) / np.sqrt(np.prod(shape[1:]))
    else:
        value *= 0.02
    return value.astype(np.float32)


def golden_params(model: BasicVSRPlusPlus, seed: int) -> dict:
    """The model's parameters as the golden networks have them."""
    side = model.min_side
    lq = jax.ShapeDtypeStruct((1, 2, side, side, 3), jnp.float32)
    abstract = jax.eval_shape(model.init, jax.random.key(0), lq)["params"]
    params = {}
    for path, leaf in flatten_dict(abstract, sep="/").items():
        shape = leaf.shape
        if len(shape) == 4:  # HWIO, drawn as OIHW
            shape = tuple(shape[i] for i in (3, 2, 0, 1))
        value = tensor(official_name(path, model.scale), shape, seed)
        params[path] = value.transpose(2, 3, 1, 0) if len(shape) == 4 else value
    return unflatten_dict(params, sep="/")


def official_name(path: str, scale: int) -> str:
    """A second, independent writing of the key table of `weights.layout`."""
    head, leaf = path.rsplit("/", 1)
    extract = "feat_extract/4" if scale == 1 else "feat_extract"
    rules = (
        (r"basic_module_(\d)/conv_(\d)$", r"basic_module/\1/basic_module/\2/conv"),
        (r"conv_offset_(\d)$", lambda m: f"conv_offset/{2 * int(m[1])}"),
        (r"^feat_extract/down_(\d)$", lambda m: f"feat_extract/{2 * int(m[1])}"),
        (r"^feat_extract/(?=conv_in|block)", f"{extract}/"),
        (r"conv_in$", "main/0"),
        (r"block_(\d+)/", r"main/2/\1/"),
        (r"^((?:back|for)ward_\d)/(deform_align|backbone)", r"\2/\1"),
        (r"^(upsample\d)$", r"\1/upsample_conv"),
    )
    for pattern, replacement in rules:
        head = re.sub(pattern, replacement, head)
    return head.replace("/", ".") + (".weight" if leaf == "kernel" else ".bias")
