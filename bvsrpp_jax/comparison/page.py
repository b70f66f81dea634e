"""Writes the page that compares two clips: one file, which needs nothing else.

Every frame of both clips is in it, as WebP at its own size; the browser scales the
smaller one. Frames go from the clips into the file one pair at a time.
"""

import io
import os
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np
from PIL import Image

from bvsrpp_jax.background import Background
from bvsrpp_jax.comparison.pairs import Pair, Pairs
from bvsrpp_jax.comparison.scaling import as_type
from bvsrpp_jax.comparison.scores import Score, score
from bvsrpp_jax.comparison.template import embedded, page_head, page_tail
from bvsrpp_jax.errors import InputError
from bvsrpp_jax.media import ClipInfo, Source
from bvsrpp_jax.media.failures import told_as
from bvsrpp_jax.media.outputs import check_output
from bvsrpp_jax.partial import PartialFile

MAX_FRAMES = 120
MAX_BYTES = 100_000_000  # a page of this size opens within seconds
_WEBP_SIDE = 16383  # what the format holds
_DECODED_AHEAD = 2


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
    clock = _Clock(start or Fraction(0), b.info.time_base)
    with (
        told_as(path, "cannot be written", "Nothing is left behind."),
        PartialFile(path) as partial,
    ):
        head = page_head(" / ".join(names))
        partial.handle.write(head.encode(errors="replace"))
        scores, ending = _write_frames(
            partial.handle, pairs, quality, limits, clock, on_frame
        )
        notes = [*pairs.notes, *ending]
        clips = _clips((a.info, b.info), names)
        facts = _facts(clips, pairs.size, scores, clock, quality, notes)
        partial.handle.write(page_tail(facts).encode())
        num_bytes = partial.handle.tell()
        partial.publish()
    return Page(len(scores), num_bytes, notes)


class _Clock(NamedTuple):
    """From timestamps to the seconds that are shown."""

    start: Fraction
    time_base: Fraction

    def seconds(self, pts: int) -> Fraction:
        return self.start + pts * self.time_base


def _check(max_frames: int, quality: int | None, size: tuple[int, int]) -> None:
    if max_frames < 1:
        raise InputError(f"max-frames: {max_frames} is too few. Give 1 or more.")
    if quality is not None and not 1 <= quality <= 100:
        raise InputError(f"quality: {quality} is out of range. Give 1 to 100 (best).")
    if max(size) > _WEBP_SIDE:
        raise InputError(
            f"size: {size[0]}x{size[1]} pixels are too many for a page, which holds"
            f" {_WEBP_SIDE} a side. Write a video (-o out.mp4) instead."
        )


def _write_frames(
    handle: BinaryIO,
    pairs: Pairs,
    quality: int | None,
    limits: tuple[int, int],
    clock: _Clock,
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
                return scores, [_cut_note(index, clock.seconds(pair.pts))]
            pictures = _embedded_pair(pair, index, quality)
            if index and handle.tell() + len(pictures) > max_bytes:
                next_start = clock.seconds(pair.pts)
                return scores, [_cut_note(index, next_start, max_bytes, quality)]
            handle.write(pictures)
            scores.append(score(pair, pairs.size))
            on_frame()
    return scores, pairs.ending


def _embedded_pair(pair: Pair, index: int, quality: int | None) -> bytes:
    frames = {"a": pair.a, "b": pair.b}
    return b"".join(
        embedded(side, index, _encoded(as_type(frame, np.dtype(np.uint8)), quality))
        for side, frame in frames.items()
    )


def _encoded(pixels: np.ndarray, quality: int | None) -> bytes:
    """WebP. Lossless with the least effort: a tenth larger, ten times as fast."""
    settings = {"lossless": True, "quality": 0, "method": 0}
    if quality is not None:
        settings = {"quality": quality}
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "WEBP", **settings)
    return buffer.getvalue()


def _cut_note(
    count: int,
    seconds: Fraction,
    max_bytes: int | None = None,
    quality: int | None = None,
) -> str:
    """Says where the page stops, why, and how to see the rest."""
    following = f"--start {int(seconds * 1000) / 1000:g} shows what follows"
    frames = "1 frame" if count == 1 else f"{count} frames"
    if max_bytes is None:
        return (
            f"The clips go on after these {frames}: {following}, --max-frames shows"
            " more at once."
        )
    smaller = "a lower --quality" if quality else "--quality 90"
    return (
        f"The clips go on after these {frames}, which fill the {max_bytes / 1e6:g} MB"
        f" of a page: {following}, {smaller} makes room for more at once."
    )


def _clips(infos: tuple[ClipInfo, ClipInfo], names: tuple[str, str]) -> list[dict]:
    return [
        {
            "name": name,
            "size": [info.width, info.height],
            "rate": round(float(info.rate), 3),
            "deep": info.deep,
        }
        for info, name in zip(infos, names, strict=True)
    ]


def _facts(
    clips: list[dict],
    size: tuple[int, int],
    scores: list[Score],
    clock: _Clock,
    quality: int | None,
    notes: list[str],
) -> dict:
    """What the script in the page reads."""
    return {
        "clips": clips,
        "size": size,
        "times": [round(float(clock.seconds(s.pts)), 6) for s in scores],
        "psnr": [s.psnr for s in scores],
        "ssim": [s.ssim for s in scores],
        "quality": quality,
        "notes": notes,
    }
