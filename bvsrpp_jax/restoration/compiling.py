"""A network's programs, compiled for a frame size and so many frames at a time.

They are compiled before the first frame goes through them, side by side, and say how
much memory they ask for.
"""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import jax
import numpy as np

from bvsrpp_jax.models.basicvsrpp import BasicVSRPlusPlus
from bvsrpp_jax.models.grid import is_backward
from bvsrpp_jax.models.propagation import empty_carry
from bvsrpp_jax.restoration.programs import Programs, make_programs

Lengths = Mapping[str, tuple[int, ...]]


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
    """Compiles the pieces for `restore_in_chunks`.

    Args:
      model: the network.
      params: its parameters.
      size: (h, w) of a frame.
      dtype: of the frames.
      chunk: frames in a chunk.
      device: where they run.
      options: of XLA's compiler.

    Returns:
      The programs and the bytes that they ask for on the device: the parameters, and
      what the largest one takes. Its arguments and results count twice: the next ones
      come and the last ones go meanwhile.
    """
    shapes = _Shapes(model, params, size, dtype, device)
    lengths = dict.fromkeys(model.branches, (chunk,))
    return _compiled(shapes, lengths, frames=chunk, passing=2, options=options)


def compile_live_programs(
    model: BasicVSRPlusPlus,
    params: Any,
    size: tuple[int, int],
    *,
    dtype: np.dtype,
    lookahead: int,
    device: jax.Device,
    options: dict | None = None,
) -> tuple[Programs, int]:
    """Compiles the pieces for `restore_with_lookahead`.

    Args:
      model, params, size, dtype, device, options: as for `compile_programs`.
      lookahead: frames after a frame that it waits for.

    Returns:
      As `compile_programs`. What waits, is on the device too, but nothing comes or goes
      while a program runs.
    """
    shapes, ahead = _Shapes(model, params, size, dtype, device), lookahead + 1
    # A forward branch goes on after one frame, and looks ahead for those after it.
    lengths = {
        branch: (ahead,) if is_backward(branch) else (ahead, 1)
        for branch in model.branches
    }
    if not is_backward(model.branches[-1]):
        lengths[model.branches[-1]] = (1,)
    # What has come, once by frame and once joined; and all branches but the last.
    feats = (shapes.feat(ahead),) * (1 + len(model.branches))
    flows = (shapes.flow(ahead),) * 4
    return _compiled(
        shapes,
        lengths,
        frames=1,
        waiting=_bytes((feats, flows)),
        passing=1,
        options=options,
    )


class _Shapes:
    """What goes through the pieces on a device, without values.

    Attributes:
      pieces: of the network.
      params: its parameters.
      carry: of a branch.
    """

    def __init__(self, model, params, size, dtype, device):
        self.pieces = make_programs(model)
        self._placed = jax.sharding.SingleDeviceSharding(device)
        self._frame = (*size, 3), dtype
        self.params = jax.tree.map(self._of, params)
        encoded = jax.eval_shape(self.pieces.encode, self.params, self.frames(2))
        self._feat, _, self._flow = encoded
        carry = jax.eval_shape(empty_carry, self._feat)
        self.carry = jax.tree.map(self._of, carry)

    def frames(self, count: int) -> jax.ShapeDtypeStruct:
        shape, dtype = self._frame
        return jax.ShapeDtypeStruct((count, *shape), dtype, sharding=self._placed)

    def feat(self, count: int) -> jax.ShapeDtypeStruct:
        return self._of(self._feat, count)

    def flow(self, count: int) -> jax.ShapeDtypeStruct:
        return self._of(self._flow, count)

    def _of(self, array, count: int | None = None) -> jax.ShapeDtypeStruct:
        shape = array.shape
        shape = shape if count is None else (1, count, *shape[2:])
        return jax.ShapeDtypeStruct(shape, array.dtype, sharding=self._placed)


def _compiled(
    shapes: _Shapes,
    lengths: Lengths,
    *,
    frames: int,
    waiting: int = 0,
    passing: int,
    options: dict | None,
) -> tuple[Programs, int]:
    """The programs, and the bytes that they ask for.

    Args:
      shapes: of what goes through.
      lengths: of what each branch is called with, in frames.
      frames: how many are encoded and reconstructed at a time.
      waiting: bytes on the device that are no argument of a program.
      passing: how often arguments and results are there.
      options: of XLA's compiler.
    """
    pieces, feat = shapes.pieces, shapes.feat
    calls = {
        "encode": (pieces.encode.lower, (shapes.frames(frames + 1),)),
        "reconstruct": (
            pieces.reconstruct.lower,
            (shapes.frames(frames), (feat(frames),) * (1 + len(pieces.branches))),
        ),
    }
    for i, branch in enumerate(pieces.branches, 1):
        for length in lengths[branch]:
            inputs = (feat(length),) * i, shapes.flow(length), shapes.carry
            calls[branch, length] = partial(pieces.propagate.lower, branch), inputs

    def compile_one(call) -> jax.stages.Compiled:
        lower, inputs = call
        return lower(shapes.params, *inputs).compile(compiler_options=options)

    with ThreadPoolExecutor() as pool:
        compiled = dict(zip(calls, pool.map(compile_one, calls.values()), strict=True))

    def propagate(branch, params, feats, flow_n1, carry):
        return compiled[branch, flow_n1.shape[1]](params, feats, flow_n1, carry)

    programs = Programs(
        pieces.branches, compiled["encode"], propagate, compiled["reconstruct"]
    )
    largest = max(
        _bytes_of(compiled[name], inputs, passing)
        for name, (_, inputs) in calls.items()
    )
    return programs, _bytes(shapes.params) + waiting + largest


def _bytes_of(compiled: jax.stages.Compiled, inputs: Any, passing: int) -> int:
    """What a program takes, but for the parameters."""
    memory = compiled.memory_analysis()
    moved = _bytes(inputs) + memory.output_size_in_bytes
    return memory.temp_size_in_bytes + passing * moved


def _bytes(arrays: Any) -> int:
    return sum(leaf.size * leaf.dtype.itemsize for leaf in jax.tree.leaves(arrays))
