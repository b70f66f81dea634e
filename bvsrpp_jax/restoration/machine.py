"""What a restorer may use of the machine, checked before anything is done with it."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax

from bvsrpp_jax.errors import InputError
from bvsrpp_jax.restoration.memory import Memory, available_memory
from bvsrpp_jax.restoration.spool import Spool


@dataclass(frozen=True)
class Machine:
    """Memory, disk and devices, as the user allows them.

    Attributes:
      memory: bytes of a device, None for what is free.
      scratch: the folder of what waits on disk, None for a temporary one.
      chosen: devices, None for all of this process, whichever it is: a copy may come
        to life in another one.
    """

    memory: int | None
    scratch: Path | None
    chosen: tuple[jax.Device, ...] | None

    @property
    def devices(self) -> Sequence[jax.Device]:
        return jax.local_devices() if self.chosen is None else self.chosen

    def available(self, **share: float) -> Memory:
        """`available_memory` of what is allowed."""
        scratch = self.scratch or Spool.usual_folder()
        return available_memory(self.memory, scratch, **share)


def machine(memory: Any, scratch: Any, devices: Any) -> Machine:
    """What options of `Restorer` allow.

    Raises:
      InputError: `memory` is no number, `scratch` no folder, or `devices` are none.
    """
    if not isinstance(memory, int | float | None):
        raise InputError(f"memory: {memory!r} is no number. Give bytes, as 4 * 2**30.")
    if scratch is not None and not os.path.isdir(scratch):
        raise InputError(f"{scratch}: is no folder. Create it or name another.")
    folder = None if scratch is None else Path(scratch)
    return Machine(memory, folder, None if devices is None else _checked(devices))


def _checked(devices: Any) -> tuple[jax.Device, ...]:
    given = (devices,) if isinstance(devices, jax.Device) else tuple(devices)
    if not given or not all(isinstance(device, jax.Device) for device in given):
        raise InputError(
            f"devices: {devices!r} are no devices. Pass some of jax.local_devices(), or"
            " leave it out to use them all."
        )
    return given
