"""Data parallelism: parameters on every device, the batch split among them.

Every device computes the gradient of its share of the batch, and the mean over the
devices updates the copy of the parameters that each of them keeps. It is written as
`jax.jit(jax.shard_map(step))` over a mesh with the one axis "data". `jax.pmap` has been
a wrapper over the same two calls since JAX 0.8, and `jax.pmap(step, axis_name="data",
in_axes=(None, 0), out_axes=None)` takes the same step.

Where to average: the step takes the mean of the *gradients*, after differentiation.
With `check_vma=False`, pmap's own rules, a gradient is the device's own until then. A
mean inside the differentiated function as well would make it too small by the number
of devices.
"""

from collections.abc import Callable, Sequence
from typing import Any

import jax
import numpy as np
from jax.sharding import AxisType, Mesh, NamedSharding, PartitionSpec

DATA = "data"


def data_mesh(devices: Sequence[jax.Device] | None = None) -> Mesh:
    """A mesh of one axis "data" over the devices, all of all processes by default."""
    devices = jax.devices() if devices is None else devices
    return jax.make_mesh(
        (len(devices),), (DATA,), axis_types=(AxisType.Auto,), devices=devices
    )


def replicated(mesh: Mesh) -> NamedSharding:
    """A copy on every device."""
    return NamedSharding(mesh, PartitionSpec())


def shard_batch(batch: Any, mesh: Mesh, *, dtype: Any = None) -> Any:
    """Puts a batch on the devices, split along its first axis.

    Args:
      batch: tree of NumPy arrays [n, ...]: the clips of this process, of which each
        of its devices gets n / devices. All processes give equally many.
      mesh: from `data_mesh`.
      dtype: of the result; that of the arrays by default.

    Returns:
      The same tree of global arrays.

    Raises:
      ValueError: the devices do not divide the clips.
    """
    sharding = NamedSharding(mesh, PartitionSpec(DATA))

    def put(array: np.ndarray) -> jax.Array:
        array = np.asarray(array, dtype)
        return jax.make_array_from_process_local_data(sharding, array)

    return jax.tree.map(put, batch)


def data_parallel(step: Callable, mesh: Mesh) -> Callable:
    """Compiles a step of `make_train_step(..., axis_name="data")` for a mesh.

    Args:
      step: step(state, batch) -> (state, metrics), one device's share.
      mesh: from `data_mesh`.

    Returns:
      The same function of a replicated state, which it consumes (the new state takes
      its memory), and of a batch of `shard_batch`.
    """
    whole, split = PartitionSpec(), PartitionSpec(DATA)
    mapped = jax.shard_map(
        step,
        mesh=mesh,
        in_specs=(whole, split),
        out_specs=(whole, whole),
        check_vma=False,
    )
    return jax.jit(mapped, donate_argnums=0)
