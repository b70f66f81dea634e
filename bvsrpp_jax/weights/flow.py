"""What a training starts from: a flow network alone, or a whole network.

The paper's recipe starts from a pretrained SPyNet: `spynet_20210409-c6c1bd09.pth` of
MMEditing, or `spynet_sintel_final-3d2a1287.pth` of BasicSR.
"""

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from flax.traverse_util import flatten_dict, unflatten_dict

from bvsrpp_jax.errors import InputError
from bvsrpp_jax.models.basicvsrpp import BasicVSRPlusPlus
from bvsrpp_jax.weights.architecture import model_of, sizes_of
from bvsrpp_jax.weights.dialects import StateDict
from bvsrpp_jax.weights.files import name_of
from bvsrpp_jax.weights.fitting import misfits, to_model
from bvsrpp_jax.weights.layout import (
    CONSTANTS,
    Tree,
    flow_layout,
    placed,
)
from bvsrpp_jax.weights.messages import Refused, counted, listed
from bvsrpp_jax.weights.store import is_torch, read_state, read_weights
from bvsrpp_jax.weights.variant import flow_channels, is_flow_alone, relative


def load_flow(source: str | Path) -> Tree:
    """Loads a flow network.

    Args:
      source: a file with a SPyNet alone, of MMEditing or BasicSR, or with any network
        that has one called `spynet`; or whatever `load` takes.

    Returns:
      What belongs at `params["spynet"]`: nested dict of float32 arrays. Nothing else in
      a state dict is looked at.

    Raises:
      InputError: there is no such file, or no whole flow network in it; one line says
        what is. No code of the file has been run.
    """
    if (state := _state_of(source)) is None:
        flow = read_weights(source).params["spynet"]
    else:
        flow = _told(source, _flow_of, state)
    return jax.tree.map(jnp.asarray, flow)


def load_into(params: Mapping, source: str | Path) -> Tree:
    """Puts loaded weights in the place of initial ones.

    Args:
      params: parameters of a network; of those replaced only the shapes count.
      source: as of `load_flow`. From a file with a flow network and nothing else, that
        is taken, the other parameters stay; from any other file everything.

    Returns:
      Nested dict like `params`; what has been loaded is float32.

    Raises:
      InputError: as `load`, or the weights are those of another network.
    """
    if (state := _state_of(source)) is None:
        found = read_weights(source).params
    else:
        found = _told(source, _flow_or_all, state)
    old, new = flatten_dict(params, sep="/"), flatten_dict(found, sep="/")
    scope = "spynet/" if found.keys() == {"spynet"} else ""
    expected = {name for name in old if name.startswith(scope)}
    problems = {
        "missing": sorted(expected - new.keys()),
        "unexpected": sorted(new.keys() - expected),
        "misshapen": [
            f"{name} {list(new[name].shape)} not {list(old[name].shape)}"
            for name in sorted(expected & new.keys())
            if np.shape(new[name]) != np.shape(old[name])
        ],
    }
    if told := counted(problems):
        raise InputError(
            f"{name_of(source)}: does not fit the network of the configuration: {told}."
            " Change config.model, or name other weights."
        )
    return unflatten_dict(
        old | {name: jnp.asarray(array) for name, array in new.items()}, sep="/"
    )


def _state_of(source: str | Path) -> StateDict | None:
    """The state dict in a file; None if it is a file of ours, or no file."""
    holds_one = is_torch(source) or (
        Path(source).suffix == ".safetensors" and not os.path.isdir(source)
    )
    return read_state(source) if holds_one else None


def _told(source, take, state: StateDict) -> Tree:
    try:
        return take(state)
    except Refused as refusal:
        raise InputError(f"{name_of(source)}: {refusal}") from refusal


def _flow_or_all(state: StateDict) -> Tree:
    if is_flow_alone(_shapes(state)):
        return {"spynet": _flow_of(state)}
    return to_model(state)[1]


def _flow_of(state: StateDict) -> Tree:
    """The flow network's parameters, whatever else is there.

    Raises:
      Refused: there is none, or not a whole one; all problems are told, as by
        `to_model`.
    """
    flow = {name: x for name, x in state.tensors.items() if name.startswith("spynet.")}
    if not flow.keys() - CONSTANTS:
        keys = listed(state.keys.values()) or "none"
        other = relative(_shapes(state)) or f"no flow network: its keys are {keys}"
        raise Refused(f"is {other}. Name a SPyNet, or a network that has one.")
    state = replace(state, tensors=flow)
    try:
        model = _network_with(flow_channels(_shapes(state)))
    except ValueError as error:
        raise Refused(
            f"has sizes that no flow network has: {error}. Check where it comes from."
        ) from error
    places = flow_layout(model)
    if problems := counted(misfits(places, state)):
        raise Refused(
            f"does not fit a flow network (SPyNet): {problems}."
            " Get a file with the whole of it, unaltered."
        )
    return placed(places, flow)["spynet"]


def _network_with(channels: tuple[int, ...]) -> BasicVSRPlusPlus:
    return model_of({**sizes_of(BasicVSRPlusPlus()), "spynet_channels": channels})


def _shapes(state: StateDict) -> dict[str, tuple[int, ...]]:
    return {name: tuple(array.shape) for name, array in state.tensors.items()}
