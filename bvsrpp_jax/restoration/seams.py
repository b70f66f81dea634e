"""How far windows and tiles are from the whole clip's result."""

import os
from collections.abc import Callable
from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from bvsrpp_jax.media import MAX_PIXELS, open_clip
from bvsrpp_jax.restoration.plan import Plan

if TYPE_CHECKING:
    from bvsrpp_jax.restoration.restorer import Restorer


class Seams(NamedTuple):
    """What was measured.

    Attributes:
      plan: of the result that was compared with the exact one.
      psnr: [t], in dB over RGB codes; infinite where every code is the same.
    """

    plan: Plan
    psnr: np.ndarray


def verify_seams(
    restorer: "Restorer",
    src: str | os.PathLike,
    *,
    start: float | Fraction | None = None,
    duration: float | Fraction | None = None,
    fps: float | Fraction | None = None,
    deinterlace: bool = False,
    max_pixels: int = MAX_PIXELS,
    on_work: Callable[[float], None] | None = None,
) -> Seams:
    """Restores a clip twice, as planned and exactly, and compares every frame.

    Args:
      restorer: with its windows and tiles.
      src, start, duration, fps, deinterlace, max_pixels: as for
        `Restorer.restore_video`.
      on_work: as for `Restorer.stream`; both restorations are half of the work.

    Raises:
      InputError: as `Restorer.restore_video`.
    """
    part = {
        "start": start,
        "duration": duration,
        "fps": fps,
        "deinterlace": deinterlace,
        "max_pixels": max_pixels,
    }

    def count(frames: float) -> None:
        if on_work is not None:
            on_work(frames / 2)

    with open_clip(src, **part) as ours, open_clip(src, **part) as theirs:
        info = ours.info
        plan = restorer.plan(
            (info.height, info.width),
            dtype=info.dtype,
            num_frames=info.num_frames if info.is_counted else None,
        )
        pairs = zip(
            restorer.stream((f.pixels for f in ours), plan=plan, on_work=count),
            restorer.exactly().stream((f.pixels for f in theirs), on_work=count),
            strict=True,
        )
        return Seams(plan, np.array([_psnr(*pair) for pair in pairs]))


def _psnr(a: np.ndarray, b: np.ndarray) -> float:
    error = np.square(a.astype(np.float32) - b.astype(np.float32)).mean()
    return (
        float(20 * np.log10(np.iinfo(a.dtype).max / np.sqrt(error)))
        if error
        else np.inf
    )


def seams_text(seams: Seams) -> str:
    """The worst frame, the mean, and how many frames are not the same."""
    differ = np.flatnonzero(np.isfinite(seams.psnr))
    if not len(differ):
        return f"seams: all {len(seams.psnr)} frames are those of the exact result"
    worst = int(np.argmin(seams.psnr))
    return (
        f"seams: frame {worst} differs most from the exact result, by"
        f" {seams.psnr[worst]:.1f} dB PSNR; {len(differ)} of {len(seams.psnr)} frames"
        f" differ, by {seams.psnr[differ].mean():.1f} dB in the mean"
    )
