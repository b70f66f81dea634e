"""The report as files: evaluation.json, scores.csv, report.md.

They follow from the record alone, so equal values make equal bytes.
"""

import csv
import io
import json
import os
from collections.abc import Iterator
from pathlib import Path

from bvsrpp_jax.evaluation.record import Record, to_json
from bvsrpp_jax.media.failures import told_as
from bvsrpp_jax.partial import write_whole
from bvsrpp_jax.report.markdown import markdown


def write_files(folder: str | os.PathLike, record: Record) -> list[Path]:
    """Writes the record, a line a frame, and tables to paste into a text.

    Args:
      folder: exists; files of these names in it are replaced, one after the other, each
        complete or not at all.
      record: what was found.

    Returns:
      Their paths.

    Raises:
      InputError: one cannot be written.
    """
    content = {
        "evaluation.json": json.dumps(to_json(record), indent=1, allow_nan=False),
        "scores.csv": "".join(_scores(record)),
        "report.md": markdown(record),
    }
    paths = []
    for name, text in content.items():
        path = Path(folder) / name
        with told_as(path, "cannot be written", "Make room there, or name another."):
            # Names that are no Unicode keep their bytes.
            write_whole(path, text.encode(errors="surrogateescape"))
        paths.append(path)
    return paths


def _scores(record: Record) -> Iterator[str]:
    """Lines of CSV: method, clip, frame, and each metric in full precision."""
    yield _line("method", "clip", "frame", *record.metrics)
    for scores in record.methods:
        for clip in scores.clips:
            values = zip(*(clip.values[m] for m in record.metrics), strict=True)
            for frame, of_frame in zip(clip.frames, values, strict=True):
                yield _line(scores.method, clip.name, frame, *map(float, of_frame))


def _line(*cells) -> str:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerow(cells)
    return buffer.getvalue()
