"""Writes the page of an evaluation: one file, which needs nothing else."""

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from bvsrpp_jax.evaluation.pictures import ClipPictures
from bvsrpp_jax.evaluation.record import Record
from bvsrpp_jax.media.failures import told_as
from bvsrpp_jax.pages import embedded, encoded, sealed_page
from bvsrpp_jax.partial import write_whole
from bvsrpp_jax.report.facts import page_facts, picture_facts

_SCRIPTS = (
    "pictured.js",
    "numbers.js",
    "summary.js",
    "chart.js",
    "cursor.js",
    "clips.js",
    "profiles.js",
    "start.js",
)
_MOST_BYTES = 24_000_000  # of lossless pictures; base64 adds a third
_QUALITY = 90  # of WebP beyond that


def write_page(
    path: str | os.PathLike, record: Record, pictures: Mapping[str, ClipPictures]
) -> None:
    """Writes means beside published figures, curves, worst frames, temporal profiles.

    Equal arguments make equal bytes.

    Args:
      path: the page, replaced; complete or not there at all.
      record: what was found.
      pictures: clip name -> what to show of it, of a few clips, or of none.

    Raises:
      InputError: the page cannot be written.
      ValueError: the methods of the record have not scored the same frames.
    """
    page = sealed_page("bvsrpp_jax.report", _SCRIPTS)
    names = [clip.name for clip in record.methods[0].clips]
    facts = {**page_facts(record), "pictures": picture_facts(pictures, names)}
    arrays = dict(_arrays(facts["pictures"], pictures, names))
    elements, facts["quality"] = _encoded(arrays)
    head = page.head(f"{record.title}: evaluation").encode(errors="replace")
    text = b"".join([head, *elements, page.tail(facts).encode()])
    with told_as(Path(path), "cannot be written", "Make room, or name another."):
        write_whole(Path(path), text)


def _arrays(
    entries: Sequence[dict], pictures: Mapping[str, ClipPictures], names: Sequence[str]
) -> Iterator[tuple[str, np.ndarray]]:
    """(id of the element, picture) of what the entries of the facts name."""
    for index, entry in enumerate(entries):
        clip = pictures[names[entry["clip"]]]
        for kind in entry["frames"]:
            yield f"frame-{index}-{kind}", clip.frames[kind]
        for kind in entry["profiles"]:
            yield f"profile-{index}-{kind}", clip.profiles[kind]


def _encoded(arrays: Mapping[str, np.ndarray]) -> tuple[list[bytes], int | None]:
    """The elements, and the quality of their pictures; None is without loss."""
    quality = None
    files = {name: encoded(picture) for name, picture in arrays.items()}
    if sum(map(len, files.values())) > _MOST_BYTES:
        quality = _QUALITY
        files = {name: encoded(p, quality) for name, p in arrays.items()}
    return [embedded(name, file) for name, file in files.items()], quality
