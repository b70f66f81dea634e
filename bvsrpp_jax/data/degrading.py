"""Degradations by name: how a network's input is made from the ground truth.

A recipe lists names in order, for example ("bicubic",), ("blur", "h264") or
("noise",). One that shrinks comes first and works on whole frames, since its kernel
reads beyond a crop; the others work on frames of the input's size. Instead of a name, a
pair (name, keyword arguments) changes the paper's defaults:
("noise", {"sigma": (10, 10)}).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from bvsrpp_jax.data.compression import compress_h264, compress_hevc
from bvsrpp_jax.data.decimation import Window
from bvsrpp_jax.data.degradations import (
    BD_SCALE,
    bicubic_downsample,
    blur_downsample,
)
from bvsrpp_jax.data.noise import add_noise
from bvsrpp_jax.data.transforms import scale_window
from bvsrpp_jax.errors import InputError

Degradations = Sequence[str | tuple[str, Mapping[str, Any]]]

# (whole frames uint8, scale, window of the result) -> that window, uint8.
SHRINKING = {
    "bicubic": lambda gt, scale, window: bicubic_downsample(gt, scale, window=window),
    "blur": lambda gt, scale, window: blur_downsample(gt, window=window),
}
# (frames one by one, generator, **parameters) -> frames of the same size, one by one.
DAMAGING = {"noise": add_noise, "h264": compress_h264, "hevc": compress_hevc}


def shrink(
    degradations: Degradations, gt: np.ndarray, window: Window, *, scale: int
) -> np.ndarray:
    """The input's window before anything damages it.

    Args:
      degradations: of which the first decides; without one that shrinks, the input is
        the ground truth.
      gt: [t, h, w, 3] uint8, whole frames.
      window: rows and columns of the input.
      scale: ground-truth pixels a side of an input pixel.

    Returns:
      [t, rows, columns, 3] uint8.
    """
    name, _ = _named(degradations[0])
    if name in SHRINKING:
        return SHRINKING[name](gt, scale, window)
    return gt[:, *scale_window(window, scale)]


def damage(
    degradations: Degradations, lq: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Everything that does not shrink, in order.

    Args:
      degradations: by name.
      lq: [t, h, w, 3] uint8.
      rng: source of all randomness.

    Returns:
      [t, h, w, 3], uint8, or float32 after noise.
    """
    for name, parameters in map(_named, degradations):
        if name in DAMAGING:
            lq = np.stack(list(DAMAGING[name](lq, rng, **parameters)))
    return lq


def damage_one_by_one(
    degradations: Degradations,
    frames: Iterable[np.ndarray],
    rng: np.random.Generator,
) -> Iterator[np.ndarray]:
    """As `damage`, for clips that are too long to be held.

    Each entry draws from a generator of its own, since none waits for the one before it
    to reach the end of the clip.

    Args:
      degradations: by name.
      frames: [h, w, 3] uint8 each.
      rng: what the generators are spawned from.

    Yields:
      [h, w, 3], uint8, or float32 after noise.
    """
    named = [_named(entry) for entry in degradations]
    for (name, parameters), own in zip(named, rng.spawn(len(named)), strict=True):
        if name in DAMAGING:
            frames = DAMAGING[name](frames, own, **parameters)
    yield from frames


def check_degradations(degradations: Degradations, *, scale: int, size: int) -> None:
    """Refuses what cannot work, by trying it out on a grey frame.

    Args:
      degradations: by name.
      scale: ground-truth pixels a side of an input pixel.
      size: side of the input's crops.

    Raises:
      InputError: an unknown name or parameter, a wrong order, or a scale or size that
        one of them does not have.
    """
    named = [_named(entry) for entry in degradations]
    for place, (name, parameters) in enumerate(named):
        if name not in {*SHRINKING, *DAMAGING}:
            known = ", ".join([*SHRINKING, *DAMAGING])
            raise InputError(f"degradations: {name!r} is unknown. Use {known}.")
        if name in SHRINKING and (place or parameters):
            raise InputError(
                f"degradations: {name} comes first and takes no parameters. Move or"
                " replace it."
            )
    if named:
        _check_scale(named[0][0], scale)
    try:
        grey = np.full((1, size, size, 3), 128, np.uint8)
        damage(degradations, grey, np.random.default_rng(0))
    except (TypeError, ValueError) as error:
        raise InputError(f"degradations: {error}. Change that entry.") from error


def _check_scale(first: str, scale: int) -> None:
    possible = {"bicubic": scale > 1, "blur": scale == BD_SCALE}.get(first, scale == 1)
    if not possible:
        raise InputError(
            f"degradations: {first} does not make an input of 1/{scale} the size."
            " Change scale, or begin with bicubic (any scale from 2) or blur (4)."
        )


def _named(entry: str | tuple[str, Mapping[str, Any]]) -> tuple[str, Mapping[str, Any]]:
    return (entry, {}) if isinstance(entry, str) else entry
