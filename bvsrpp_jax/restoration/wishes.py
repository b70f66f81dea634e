"""What the user may choose of how a clip is restored, and what contradicts itself."""

from dataclasses import dataclass
from numbers import Integral

from bvsrpp_jax.errors import InputError

DTYPES = ("float32", "bfloat16")


@dataclass(frozen=True)
class Wishes:
    """What the user chose; None is left to the plan.

    Attributes:
      window: frames that are restored together.
      overlap: of them, frames at either cut that are not kept.
      chunk: frames that a device holds at a time.
      exact: restore whole shots, whatever their length.
      tile: longest side of a tile in pixels, 0 for whole frames.
      dtype: of the computation, of `DTYPES`.
      lookahead: frames after a frame that it waits for, no more; None is no bound.
      shots: nothing is carried across a cut.
      ensemble: how many results are averaged.
      disk: frames and features may wait on disk.
    """

    window: int | None = None
    overlap: int | None = None
    chunk: int | None = None
    exact: bool = False
    tile: int | None = None
    dtype: str | None = None
    lookahead: int | None = None
    shots: bool = True
    ensemble: int = 1
    disk: bool = False

    def check(self) -> None:
        """Raises an `InputError` for wishes that cannot be fulfilled."""
        for field in ("window", "overlap", "chunk", "tile", "lookahead", "ensemble"):
            value = getattr(self, field)
            if value is not None and not isinstance(value, Integral):
                raise InputError(f"{field}: {value!r} is no whole number. Give one.")
        window, overlap = self.window, self.overlap
        if self.exact and (window is not None or overlap is not None):
            raise InputError(
                "exact: has neither window nor overlap. Leave out one or the other."
            )
        if self.lookahead is not None:
            self._check_lookahead()
        if window is not None and (window < 1 or window <= 2 * (overlap or 0)):
            raise InputError(
                f"window: {window} frames with an overlap of {overlap or 0} keep none."
                f" Choose a window of more than {2 * (overlap or 0)}."
            )
        if overlap is not None and overlap < 0:
            raise InputError(f"overlap: {overlap} frames. Choose none or more.")
        if self.chunk is not None and self.chunk < 1:
            raise InputError(f"chunk: {self.chunk} frames. Choose one or more.")
        if self.tile is not None and self.tile < 0:
            raise InputError(
                f"tile: {self.tile} pixels. Choose more, or 0 for whole frames."
            )
        if self.dtype not in (None, *DTYPES):
            raise InputError(
                f"dtype: {self.dtype!r} is not one of {', '.join(DTYPES)}."
            )
        if self.ensemble not in (1, 2, 8, 16):
            raise InputError(f"ensemble: {self.ensemble}. Choose 1, 2, 8 or 16.")

    def _check_lookahead(self) -> None:
        if self.lookahead < 0:
            raise InputError(f"lookahead: {self.lookahead} frames. Choose 0 or more.")
        fields = ("window", "overlap", "chunk", "exact", "tile", "ensemble", "disk")
        for field in fields:
            if getattr(self, field) != getattr(Wishes, field):
                name = "scratch" if field == "disk" else field
                raise InputError(
                    f"lookahead: frames are restored one by one, without {name}. Leave"
                    " out one or the other."
                )
