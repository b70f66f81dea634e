"""The official state dict and our parameter tree, side by side.

| official key (kernels OIHW)                   | path in the tree (kernels HWIO)      |
|-----------------------------------------------|--------------------------------------|
| spynet.basic_module.I.basic_module.J.conv     | spynet / basic_module_I / conv_J     |
| feat_extract.main.0                           | feat_extract / conv_in               |
| feat_extract.main.2.B.conv1                   | feat_extract / block_B / conv1       |
| feat_extract.0, feat_extract.2 (same-size)    | feat_extract / down_0, down_1        |
| feat_extract.4.main... (same-size)            | as feat_extract.main...              |
| deform_align.BRANCH                           | BRANCH / deform_align                |
| deform_align.BRANCH.conv_offset.0, .2, .4, .6 | ... / conv_offset_0, _1, _2, _3      |
| backbone.BRANCH.main...                       | BRANCH / backbone / ...              |
| reconstruction.main...                        | reconstruction / ...                 |
| upsample1.upsample_conv, upsample2...         | upsample1, upsample2                 |
| conv_hr, conv_last                            | conv_hr, conv_last                   |

With features at half the input's size it is feat_extract.0, feat_extract.2.main... and
upsample1 alone; x8 has an upsample3. `.weight` is `kernel`, `.bias` is `bias`. The
official network also saves the constants `spynet.mean` and `spynet.std`, which are code
here.
"""

from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from bvsrpp_jax.models.basicvsrpp import BasicVSRPlusPlus
from bvsrpp_jax.models.resolution import num_halvings, upsamplings
from bvsrpp_jax.models.spynet import LEVELS, MEAN, STD

Tree = dict[str, "Tree | np.ndarray"]
CONSTANTS = {"spynet.mean": MEAN, "spynet.std": STD}


class Place(NamedTuple):
    """Where an official tensor goes: path in the tree, shape in the official dict."""

    path: tuple[str, ...]
    shape: tuple[int, ...]


class _Conv(NamedTuple):
    """One convolution: official name, path, kernel size, input and output channels."""

    name: str
    path: tuple[str, ...]
    size: int
    inputs: int
    outputs: int


def layout(model: BasicVSRPlusPlus) -> dict[str, Place]:
    """Official key -> `Place`, of every parameter, in the official order."""
    places = {}
    for name, path, size, inputs, outputs in _convolutions(model):
        shape = (outputs, inputs, size, size)
        places[f"{name}.weight"] = Place((*path, "kernel"), shape)
        places[f"{name}.bias"] = Place((*path, "bias"), (outputs,))
    return places


def num_parameters(model: BasicVSRPlusPlus) -> int:
    """How many numbers the network learns."""
    return sum(int(np.prod(place.shape)) for place in layout(model).values())


def flow_layout(model: BasicVSRPlusPlus) -> dict[str, Place]:
    """The part of `layout` that is the flow network's."""
    return {key: p for key, p in layout(model).items() if key.startswith("spynet.")}


def to_tree(model: BasicVSRPlusPlus, tensors: Mapping[str, np.ndarray]) -> Tree:
    """Our parameters from the official ones: moved, never rounded.

    Args:
      model: the network that they belong to.
      tensors: official key -> array, kernels [o, i, h, w], all of `layout(model)`; any
        float type that float32 holds exactly.

    Returns:
      Nested dict of contiguous float32 arrays, kernels [h, w, i, o].
    """
    return placed(layout(model), tensors)


def placed(places: Mapping[str, Place], tensors: Mapping[str, np.ndarray]) -> Tree:
    """As `to_tree`, of the parameters in `places` only."""
    tree: Tree = {}
    for key, place in places.items():
        array = tensors[key]
        array = array.transpose(2, 3, 1, 0) if array.ndim == 4 else array
        _put(tree, place.path, np.array(array, np.float32, order="C"))
    return tree


def to_official(model: BasicVSRPlusPlus, params: Tree) -> dict[str, np.ndarray]:
    """The way back: `layout(model)` and the two constants, in the official order.

    Args:
      model: the network that `params` belongs to.
      params: nested dict of float32 arrays, kernels [h, w, i, o].

    Returns:
      Official key -> contiguous float32 array, kernels [o, i, h, w].
    """
    tensors = {
        key: np.asarray(value, np.float32).reshape(1, 3, 1, 1)
        for key, value in CONSTANTS.items()
    }
    for key, place in layout(model).items():
        array = np.asarray(_get(params, place.path))
        array = array.transpose(3, 2, 0, 1) if array.ndim == 4 else array
        tensors[key] = np.ascontiguousarray(array)
    return tensors


def shapes(model: BasicVSRPlusPlus) -> dict[str, tuple[int, ...]]:
    """Path with "/" -> shape, of every parameter in our tree."""
    moved = {}
    for path, shape in layout(model).values():
        kernel = len(shape) == 4
        moved["/".join(path)] = (*shape[2:], shape[1], shape[0]) if kernel else shape
    return moved


def _put(tree: Tree, path: tuple[str, ...], array: np.ndarray) -> None:
    *folders, name = path
    for folder in folders:
        tree = tree.setdefault(folder, {})
    tree[name] = array


def _get(tree: Tree, path: tuple[str, ...]) -> np.ndarray:
    for name in path:
        tree = tree[name]
    return tree


def _convolutions(model: BasicVSRPlusPlus) -> Iterator[_Conv]:
    c, hr = model.mid_channels, model.hr_channels
    yield from _flow_network(model)
    yield from _feature_extraction(model)
    for branch in model.branches:
        yield from _alignment(model, branch)
    for i, branch in enumerate(model.branches):
        # Its input: features, the branches before it, its own aligned features.
        path = (branch, "backbone")
        blocks = model.num_blocks
        yield from _residual_blocks(f"backbone.{branch}", path, (i + 2) * c, c, blocks)
    inputs, blocks = (len(model.branches) + 1) * c, model.num_reconstruction_blocks
    path = ("reconstruction",)
    yield from _residual_blocks("reconstruction", path, inputs, c, blocks)
    width = c
    for name, factor, channels in upsamplings(model):
        yield _Conv(f"{name}.upsample_conv", (name,), 3, width, factor**2 * channels)
        width = channels
    yield _Conv("conv_hr", ("conv_hr",), 3, width, hr)
    yield _Conv("conv_last", ("conv_last",), 3, hr, 3)


def _flow_network(model):
    widths = (8, *model.spynet_channels, 2)
    for level in range(LEVELS):
        name = f"spynet.basic_module.{level}.basic_module"
        path = ("spynet", f"basic_module_{level}")
        for j, (inputs, outputs) in enumerate(pairwise(widths)):
            yield _Conv(f"{name}.{j}.conv", (*path, f"conv_{j}"), 7, inputs, outputs)


def _feature_extraction(model):
    c, path, inputs = model.mid_channels, ("feat_extract",), 3
    halvings = num_halvings(model.feature_stride)
    for i in range(halvings):  # an activation stands between them
        yield _Conv(f"feat_extract.{2 * i}", (*path, f"down_{i}"), 3, inputs, c)
        inputs = c
    name = f"feat_extract.{2 * halvings}" if halvings else "feat_extract"
    yield from _residual_blocks(name, path, inputs, c, model.num_extract_blocks)


def _alignment(model, branch):
    c, name = model.mid_channels, f"deform_align.{branch}"
    path, order = (branch, "deform_align"), 2 if model.second_order else 1
    if model.alignment == "deformable" or model.second_order:
        yield _Conv(name, path, 3, order * c, c)
    if model.alignment == "flow":
        return
    # Warped features, the current one, a flow to each; then offsets and masks.
    inputs, groups = (order + 1) * c + 2 * order, order * model.deform_groups // 2
    widths = (inputs, c, c, c, 27 * groups)
    for j, (inputs, outputs) in enumerate(pairwise(widths)):
        offset = (*path, f"conv_offset_{j}")
        yield _Conv(f"{name}.conv_offset.{2 * j}", offset, 3, inputs, outputs)


def _residual_blocks(name, path, inputs, c, num_blocks):
    yield _Conv(f"{name}.main.0", (*path, "conv_in"), 3, inputs, c)
    for block in range(num_blocks):
        for conv in ("conv1", "conv2"):
            block_path = (*path, f"block_{block}", conv)
            yield _Conv(f"{name}.main.2.{block}.{conv}", block_path, 3, c, c)
