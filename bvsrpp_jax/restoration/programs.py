"""The pieces of a network that restoration runs, compiled for a frame size and chunk.

They are compiled before the first frame goes through them, side by side, and say how
much memory they ask for.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from bvsrpp_jax.models.basicvsrpp import BRANCHES, BasicVSRPlusPlus
from bvsrpp_jax.models.propagation import empty_carry
from bvsrpp_jax.restoration.codes import from_float, to_float
from bvsrpp_jax.restoration.padding import crop, pad


class Programs(NamedTuple):
    """The pieces of a network.

    Attributes:
      encode: params, frames [t + 1, h, w, 3] -> of all frames but the first g
        [1, t, h', w', c], and between neighbours flows_backward and flows_forward
        [1, t, h', w', 2].
      propagate: branch, params, feats, flow_n1, carry -> features and carry.
      reconstruct: params, frames [t, h, w, 3], feats -> restored frames of the same
        kind, and [t], whether each is finite.
    """

    encode: Callable
    propagate: Callable
    reconstruct: Callable


def make_programs(model: BasicVSRPlusPlus) -> Programs:
    """The pieces of a network; they are compiled when they are first called."""

    def as_input(frames):
        sides = {"min_side": model.min_side, "multiple": model.side_multiple}
        return pad(to_float(frames), **sides)[None]

    def encode(params, frames):
        lq = as_input(frames)
        feat = model.apply({"params": params}, lq[:, 1:], method="features")
        return feat, *model.apply({"params": params}, lq, method="flows")

    def propagate(branch, params, feats, flow_n1, carry):
        return model.apply(
            {"params": params}, branch, feats, flow_n1, carry, method="propagate"
        )

    def reconstruct(params, frames, feats):
        lq = as_input(frames)
        output = model.apply({"params": params}, lq, feats, method="reconstruct")[0]
        output = crop(output, frames.shape[1:3], scale=model.scale)
        return from_float(output, frames.dtype), jnp.isfinite(output).all((1, 2, 3))

    return Programs(
        jax.jit(encode), jax.jit(propagate, static_argnums=0), jax.jit(reconstruct)
    )


def compile_programs(
    model: BasicVSRPlusPlus,
    params: Any,
    size: tuple[int, int],
    *,
    dtype: np.dtype,
    chunk: int,
    device: jax.Device,
    options: dict | None = None,
) -> tuple[Programs, int]:
    """Compiles the pieces.

    Args:
      model: the network.
      params: its parameters.
      size: (h, w) of a frame.
      dtype: of the frames.
      chunk: frames in a chunk.
      device: where they run.
      options: of XLA's compiler.

    Returns:
      The programs and the bytes that the largest one asks for on the device. Arguments
      and results count twice: the next ones come and the last ones go meanwhile.
    """
    pieces = make_programs(model)
    placed = jax.sharding.SingleDeviceSharding(device)

    def shape_of(array):
        return jax.ShapeDtypeStruct(array.shape, array.dtype, sharding=placed)

    def frames(count):
        return jax.ShapeDtypeStruct((count, *size, 3), dtype, sharding=placed)

    params = jax.tree.map(shape_of, params)
    encoded = jax.eval_shape(pieces.encode, params, frames(chunk + 1))
    feat, _, flow = jax.tree.map(shape_of, encoded)
    carry = jax.tree.map(shape_of, jax.eval_shape(empty_carry, feat))
    calls = [
        partial(pieces.encode.lower, params, frames(chunk + 1)),
        partial(pieces.reconstruct.lower, params, frames(chunk), (feat,) * 5),
    ] + [
        partial(pieces.propagate.lower, name, params, (feat,) * i, flow, carry)
        for i, name in enumerate(BRANCHES, 1)
    ]
    with ThreadPoolExecutor() as pool:
        compiled = list(
            pool.map(lambda lower: lower().compile(compiler_options=options), calls)
        )
    encode, reconstruct, *branches = compiled
    by_name = dict(zip(BRANCHES, branches, strict=True))

    def propagate(branch, *arguments):
        return by_name[branch](*arguments)

    needed = max(map(_bytes_of, compiled))
    return Programs(encode, propagate, reconstruct), needed


def _bytes_of(compiled: jax.stages.Compiled) -> int:
    memory = compiled.memory_analysis()
    passing = memory.argument_size_in_bytes + memory.output_size_in_bytes
    return memory.temp_size_in_bytes + 2 * passing
