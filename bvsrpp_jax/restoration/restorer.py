"""Restores clips of any length and size: frames in, frames out, or file to file."""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from copy import copy
from dataclasses import replace
from typing import Any, Self, Unpack

import jax
import numpy as np
from jax.typing import DTypeLike

from bvsrpp_jax.models.basicvsrpp import BasicVSRPlusPlus
from bvsrpp_jax.restoration.cutting import marked, windows_of
from bvsrpp_jax.restoration.engine import Engine
from bvsrpp_jax.restoration.given import check_params, dtype_name
from bvsrpp_jax.restoration.machine import machine
from bvsrpp_jax.restoration.options import Options
from bvsrpp_jax.restoration.plan import Plan, plan_here
from bvsrpp_jax.restoration.planning import plan
from bvsrpp_jax.restoration.pretrained import save_pretrained
from bvsrpp_jax.restoration.speed import seconds_per_frame
from bvsrpp_jax.restoration.streaming import stream
from bvsrpp_jax.restoration.video import restore_video
from bvsrpp_jax.restoration.window import Window, by_shot
from bvsrpp_jax.restoration.wishes import Wishes
from bvsrpp_jax.restoration.work import WindowWork
from bvsrpp_jax.weights import load
from bvsrpp_jax.weights.architecture import variant_of

OnWork = Callable[[float], None]


class Restorer:
    """A network ready to restore clips, its programs compiled once for a frame size.

    A clip that is no longer than a window has the network's exact result, computed
    chunk by chunk; a longer one is restored window by window, frames that are too large
    for memory tile by tile. It may be called from several threads, copied, and, where
    `devices` were not chosen, pickled: a copy compiles anew.

    Args:
      model: the network.
      params: its parameters.
      window: frames that are restored together, None for as many as memory allows up
        to 96.
      overlap: frames at either cut of a window that are restored but not kept, None
        for 6, or fewer in short windows.
      chunk: frames that a device holds at a time, None for 8, or fewer where memory is
        short.
      exact: restore whole clips, whatever their length; on disk if need be.
      tile: longest side of a tile in pixels, 0 for whole frames, None for as large as
        memory allows.
      dtype: "float32" or "bfloat16" for the computation, None for the network's own.
      lookahead: restore each frame as soon as so many after it have come, for live
        use: the backward branches see no further. None is no such bound.
      shots: whether cuts are found and nothing is carried across them.
      ensemble: the mean of how many results: 8 flips and transpositions, 2 directions
        of time, 16 both, 1 none.
      memory: bytes of a device that may be used, None for what is free.
      scratch: a folder where frames and features may wait, None for a temporary one
        that is used for `exact` alone.
      devices: which share the work, None for all of this process.

    Raises:
      ValueError: `params` are not those of `model`.
      InputError: an option is out of range or contradicts another, or `scratch` is no
        folder.

    Example:
      >>> model, params = bvsrpp.load("lite")
      >>> bvsrpp.Restorer(model, params, window=12)
      Restorer(c24n2 x4, 688,463 parameters, window=12)
    """

    def __init__(
        self,
        model: BasicVSRPlusPlus,
        params: Any,
        *,
        window: int | None = None,
        overlap: int | None = None,
        chunk: int | None = None,
        exact: bool = False,
        tile: int | None = None,
        dtype: DTypeLike | None = None,
        lookahead: int | None = None,
        shots: bool = True,
        ensemble: int = 1,
        memory: int | None = None,
        scratch: str | os.PathLike[str] | None = None,
        devices: Sequence[jax.Device] | None = None,
    ):
        check_params(model, params)
        self.model, self.params = model, params
        self.wishes = Wishes(
            window=window,
            overlap=overlap,
            chunk=chunk,
            exact=exact,
            tile=tile,
            dtype=dtype_name(dtype),
            lookahead=lookahead,
            shots=shots,
            ensemble=ensemble,
            disk=exact or scratch is not None,
        )
        self.wishes.check()
        self.machine = machine(memory, scratch, devices)
        self._engine = Engine(model, params)

    @classmethod
    def from_pretrained(
        cls, source: str | os.PathLike[str], **options: Unpack[Options]
    ) -> Self:
        """Makes the restorer of a network from its weights.

        Args:
          source: as for `load`: a preset, a weights file, or a folder of
            `save_pretrained`, of the Hugging Face Hub or of a finished training.
          options: those of the class.

        Raises:
          InputError: as `load` and the class.

        Example:
          >>> bvsrpp.Restorer.from_pretrained("lite", chunk=4)
          Restorer(c24n2 x4, 688,463 parameters, chunk=4)
        """
        return cls(*load(source), **options)

    save_pretrained = save_pretrained
    stream = stream
    restore_video = restore_video
    plan = plan

    def __repr__(self) -> str:
        count = sum(leaf.size for leaf in jax.tree.leaves(self.params))
        chosen = "".join(
            f", {name}={value}"
            for name, value in vars(self.wishes).items()
            if value != getattr(Wishes, name) and name in Options.__annotations__
        )
        return f"Restorer({variant_of(self.model)}, {count:,} parameters{chosen})"

    def exactly(self) -> "Restorer":
        """The same network and precision over whole shots and frames.

        Example:
          >>> bvsrpp.Restorer.from_pretrained("lite", window=9).exactly()
          Restorer(c24n2 x4, 688,463 parameters, exact=True)
        """
        exact = copy(self)
        left = dict.fromkeys(("window", "overlap", "tile", "lookahead"))
        exact.wishes = replace(self.wishes, **left, exact=True, disk=True)
        return exact

    def here(self, plan: Plan) -> Plan:
        """`plan_here` with this restorer's memory and devices."""
        # All that is free: a plan that took the usual share of it yesterday may find a
        # little less today, and needs no less than it did.
        free = self.machine.available(share=1.0)
        return plan_here(plan, free, len(self.machine.devices))

    def seconds_per_frame(self, plan: Plan, size: tuple[int, int]) -> float:
        """How long a frame of a size (h, w) is expected to take, without compiling."""
        device = self.machine.devices[0]
        return seconds_per_frame(self.model, self.params, plan, size, device)

    def bytes_asked(self) -> int | None:
        """What the compiled programs ask for on a device; None before compiling."""
        return self._engine.bytes_asked()

    def windows(self, frames: Iterable[np.ndarray], plan: Plan) -> Iterator[Window]:
        """`windows_of` with the folder of this restorer."""
        return windows_of(frames, plan, self.machine.scratch)

    def restore_windows(
        self,
        windows: Iterable[Window],
        plan: Plan,
        *,
        on_work: OnWork | None = None,
    ) -> Iterator[tuple[Window, Iterator[np.ndarray]]]:
        """Restores windows, any of a clip's, in the order in which they come.

        Several devices work at different windows or tiles at the same time, and so a
        few windows ahead.

        Yields:
          A window and its kept frames, restored, as for `stream`; they are to be used
          up before the next window is asked for.

        Raises:
          InputError: the network's output is not finite.
        """
        work, devices = self._work(plan, on_work), self.machine.devices[: plan.devices]
        if plan.devices == 1 and plan.tile is None:
            return work.one_by_one(windows, devices[0])
        return work.spread(windows, devices)

    def live(
        self,
        frames: Iterable[np.ndarray],
        plan: Plan,
        *,
        on_work: OnWork | None = None,
    ) -> Iterator[np.ndarray]:
        """Restores frames one by one, each when the plan's lookahead has come."""
        shots = by_shot(marked(frames, plan))
        return self._work(plan, on_work).live(shots, self.machine.devices[0])

    def _work(self, plan: Plan, on_work: OnWork | None) -> WindowWork:
        return WindowWork(self._engine, plan, self.machine.scratch, on_work)
