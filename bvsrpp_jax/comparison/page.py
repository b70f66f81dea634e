"""Writes the page that compares two clips: one file, which needs nothing else.

Every frame of both clips is in it, as WebP at its own size; the browser scales the
smaller one. Frames go from the clips into the file one pair at a time.
"""

import os
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np

from bvsrpp_jax.background import Background
from bvsrpp_jax.comparison.facts import Clock, clip_facts, cut_note, page_facts
from bvsrpp_jax.comparison.pairs import Pair, Pairs
from bvsrpp_jax.comparison.scaling import as_type
from bvsrpp_jax.comparison.scores import Score, score
from bvsrpp_jax.errors import InputError
from bvsrpp_jax.media import Source
from bvsrpp_jax.media.failures import told_as
from bvsrpp_jax.media.outputs import check_output
from bvsrpp_jax.pages import WEBP_SIDE, embedded, encoded, sealed_page
from bvsrpp_jax.partial import PartialFile

MAX_FRAMES = 120
MAX_BYTES = 100_000_000  # a page of this size opens within seconds
_DECODED_AHEAD = 2
_SCRIPTS = ("frames.js", "scaling.js", "chart.js", "controls.js")


class Page(NamedTuple):
    """What was written.

    Attributes:
      num_frames: frames of either clip in the page.
      num_bytes: size of the file.
      notes: what a viewer should know, one sentence each; they are in the page, too.
    """

    num_frames: int
    num_bytes: int
    notes: list[str]


def write_page(
    a: Source,
    b: Source,
    path: str | os.PathLike,
    *,
    names: tuple[str, str],
    start: Fraction | None = None,
    max_frames: int | None = None,
    quality: int | None = None,
    max_bytes: int = MAX_BYTES,
    overwrite: bool = False,
    on_frame: Callable[[], None] = lambda: None,
) -> Page:
    """Writes the page; memory does not grow with the number of frames.

    Args:
      a, b: the clips; the smaller one is shown at the size of the other.
      path: the page, complete or not there at all.
      names: what the clips are called in the page: any text.
      start: where the clips were opened, in seconds, added to the times shown.
      max_frames: how many frames are shown at most, None for 120.
      quality: of WebP, 1 to 100; None loses nothing.
      max_bytes: how large the page gets; the first frame is always in it.
      overwrite: replace an earlier page once the new one is complete.
      on_frame: called after every frame.

    Raises:
      InputError: the page cannot be written there, a clip is damaged or too large for
        a page, or a number is out of range.
    """
    path, pairs = Path(path), Pairs(a, b)
    limits = MAX_FRAMES if max_frames is None else max_frames, max_bytes
    _check(limits[0], quality, pairs.size)
    for source in (a, b):
        check_output(path, source=source.path, overwrite=overwrite)
    clock = Clock(start or Fraction(0), b.info.time_base)
    with (
        told_as(path, "cannot be written", "Nothing is left behind."),
        PartialFile(path) as partial,
    ):
        page = sealed_page("bvsrpp_jax.comparison", _SCRIPTS)
        head = page.head(" / ".join(names))
        partial.handle.write(head.encode(errors="replace"))
        scores, ending = _write_frames(
            partial.handle, pairs, quality, limits, clock, on_frame
        )
        notes = [*pairs.notes, *ending]
        clips = clip_facts((a.info, b.info), names)
        facts = page_facts(clips, pairs.size, scores, clock, quality, notes)
        partial.handle.write(page.tail(facts).encode())
        num_bytes = partial.handle.tell()
        partial.publish()
    return Page(len(scores), num_bytes, notes)


def _check(max_frames: int, quality: int | None, size: tuple[int, int]) -> None:
    if max_frames < 1:
        raise InputError(f"max-frames: {max_frames} is too few. Give 1 or more.")
    if quality is not None and not 1 <= quality <= 100:
        raise InputError(f"quality: {quality} is out of range. Give 1 to 100 (best).")
    if max(size) > WEBP_SIDE:
        raise InputError(
            f"size: {size[0]}x{size[1]} pixels are too many for a page, which holds"
            f" {WEBP_SIDE} a side. Write a video (-o out.mp4) instead."
        )


def _write_frames(
    handle: BinaryIO,
    pairs: Pairs,
    quality: int | None,
    limits: tuple[int, int],
    clock: Clock,
    on_frame: Callable[[], None],
) -> tuple[list[Score], list[str]]:
    """Writes pair after pair up to a limit.

    Returns:
      The scores, and a note if a clip has more frames.
    """
    max_frames, max_bytes = limits
    scores = []
    with Background(pairs, ahead=_DECODED_AHEAD) as decoded:
        for index, pair in enumerate(decoded):
            if index == max_frames:
                return scores, [cut_note(index, clock.seconds(pair.pts))]
            pictures = _embedded_pair(pair, index, quality)
            if index and handle.tell() + len(pictures) > max_bytes:
                next_start = clock.seconds(pair.pts)
                return scores, [cut_note(index, next_start, max_bytes, quality)]
            handle.write(pictures)
            scores.append(score(pair, pairs.size))
            on_frame()
    return scores, pairs.ending


def _embedded_pair(pair: Pair, index: int, quality: int | None) -> bytes:
    """The elements of two frames that belong together, in eight bits."""
    frames = {"a": pair.a, "b": pair.b}
    return b"".join(
        embedded(f"{side}{index}", encoded(as_type(frame, np.dtype(np.uint8)), quality))
        for side, frame in frames.items()
    )
