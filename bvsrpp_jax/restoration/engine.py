"""Runs a network's programs on the devices of this process.

Programs are compiled for each device once and kept. When a device's memory does not
hold a chunk after all, the chunk is halved, which changes nothing but speed.
"""

import threading
import warnings
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import chain
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from bvsrpp_jax.errors import InputError
from bvsrpp_jax.models.basicvsrpp import BasicVSRPlusPlus
from bvsrpp_jax.restoration.chunks import restore_in_chunks
from bvsrpp_jax.restoration.compiling import compile_live_programs, compile_programs
from bvsrpp_jax.restoration.lookahead import restore_with_lookahead
from bvsrpp_jax.restoration.memory import size_text
from bvsrpp_jax.restoration.programs import Programs


class Kind(NamedTuple):
    """What programs are compiled for."""

    device: jax.Device
    dtype: str
    size: tuple[int, int]
    frame_dtype: np.dtype
    chunk: int
    live: bool = False  # for a lookahead of `chunk` - 1 frames


class Engine:
    """A network's programs, compiled when they are first needed.

    Args:
      model: the network.
      params: its parameters.

    Attributes:
      model: the network.
    """

    def __init__(self, model: BasicVSRPlusPlus, params: Any):
        self.model, self._params = model, params
        self._placed: dict[jax.Device, Any] = {}
        self._programs: dict[Kind, tuple[Programs, int]] = {}
        self._smaller: dict[Kind, Kind] = {}  # for those that did not fit
        self._locks = defaultdict(threading.Lock)

    def __reduce__(self):
        """A copy compiles programs of its own: they belong to devices of a process."""
        return Engine, (self.model, self._params)

    def restore(
        self,
        frames: Sequence[np.ndarray],
        *,
        device: jax.Device,
        dtype: str,
        chunk: int,
        memory: int,
        **options: Callable,
    ) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """`restore_in_chunks` on a device, in chunks no longer than `chunk`.

        Args:
          frames: the clip.
          device: where.
          dtype: of the computation.
          chunk: frames in a chunk.
          memory: bytes of the device that may be used.
          options: of `restore_in_chunks`.

        Raises:
          InputError: not even chunks of one frame fit.
        """
        first = np.asarray(frames[0])
        kind = Kind(device, dtype, first.shape[:2], first.dtype, chunk)
        done = 0
        while True:
            try:
                programs, kind = self._fitting(kind, memory)
                chunks = restore_in_chunks(
                    programs,
                    self._on(device),
                    frames,
                    length=kind.chunk,
                    **options,
                )
                for output, finite in _after(done, chunks):
                    done += len(output)
                    yield output, finite
                return
            except jax.errors.JaxRuntimeError as error:
                if "RESOURCE_EXHAUSTED" not in str(error):
                    raise
                self._halve(kind, error)

    def restore_live(
        self,
        frames: Iterable[np.ndarray],
        *,
        device: jax.Device,
        dtype: str,
        lookahead: int,
        memory: int,
    ) -> Iterator[tuple[np.ndarray, bool]]:
        """`restore_with_lookahead` on a device.

        Args:
          frames: the clip, at least one.
          device, dtype, memory: as for `restore`.
          lookahead: frames after a frame that it waits for.

        Raises:
          InputError: the programs ask for more memory than there is; no smaller ones
            would do the same.
        """
        frames = iter(frames)
        first, needed = next(frames), None
        kind = Kind(
            device, dtype, first.shape[:2], first.dtype, lookahead + 1, live=True
        )
        try:
            programs, needed = self._compiled(kind)
            if needed > memory:
                raise _too_far_ahead(kind, needed, memory)
            frames = chain([first], frames)
            yield from restore_with_lookahead(
                programs, self._on(device), frames, lookahead=lookahead
            )
        except jax.errors.JaxRuntimeError as error:
            if "RESOURCE_EXHAUSTED" not in str(error):
                raise
            raise _too_far_ahead(kind, needed, memory) from error

    def bytes_asked(self) -> int | None:
        """What the largest program asks for on its device; None before compiling."""
        return max((needed for _, needed in self._programs.values()), default=None)

    def _fitting(self, kind: Kind, memory: int) -> tuple[Programs, Kind]:
        """Programs that ask for no more than there is, where smaller ones would."""
        while True:
            while kind in self._smaller:
                kind = self._smaller[kind]
            programs, needed = self._compiled(kind)
            if needed <= memory or kind.chunk == 1:
                return programs, kind
            self._halve(kind, None)

    def _halve(self, kind: Kind, error: Exception | None) -> None:
        """Has it done in chunks of half the length from now on."""
        if kind.chunk == 1:
            h, w = kind.size
            raise InputError(
                f"memory: one frame of {w}x{h} does not fit on {kind.device}. Choose"
                " smaller tiles (--tile), or less memory (--memory) to have them"
                " chosen."
            ) from error
        smaller = self._smaller[kind] = kind._replace(chunk=kind.chunk // 2)
        warnings.warn(
            f"{kind.device} is short of memory: chunks of {smaller.chunk} frames"
            f" instead of {kind.chunk}",
            stacklevel=2,
        )

    def _compiled(self, kind: Kind) -> tuple[Programs, int]:
        with self._locks[kind.device]:
            if kind not in self._programs:
                options = {"dtype": kind.frame_dtype, "device": kind.device}
                compile_kind = partial(compile_programs, chunk=kind.chunk)
                if kind.live:
                    ahead = kind.chunk - 1
                    compile_kind = partial(compile_live_programs, lookahead=ahead)
                self._programs[kind] = compile_kind(
                    self.model.clone(dtype=jnp.dtype(kind.dtype)),
                    self._on(kind.device),
                    kind.size,
                    **options,
                )
            return self._programs[kind]

    def _on(self, device: jax.Device) -> Any:
        """The parameters on a device."""
        if device not in self._placed:
            self._placed[device] = jax.device_put(self._params, device)
        return self._placed[device]


def _after(done: int, chunks: Iterator) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """What follows the frames that were there before the chunk was halved."""
    start = 0
    for output, finite in chunks:
        fresh = slice(max(0, done - start), None)
        start += len(output)
        if start > done:
            yield output[fresh], finite[fresh]


def _too_far_ahead(kind: Kind, needed: int | None, memory: int) -> InputError:
    h, w = kind.size
    asked = "" if needed is None else f"; the programs ask for {size_text(needed)}"
    return InputError(
        f"memory: a lookahead of {kind.chunk - 1} frames of {w}x{h} does not fit on"
        f" {kind.device} ({size_text(memory)} can be used{asked}). Choose a smaller"
        " lookahead, smaller frames or bfloat16 (--dtype), or allow more (--memory)."
    )
