"""The report as tables of Markdown, for a paper's draft or a comment."""

import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from typing import Any

from bvsrpp_jax.evaluation.record import Record
from bvsrpp_jax.report.naming import heading, printable, told
from bvsrpp_jax.report.summary import clips_of_all, listed, note, summary


def markdown(record: Record) -> str:
    """The means beside the published figures, the clips, the settings."""
    lines = chain(
        [f"## {_text(record.title)}", ""],
        _means(record),
        [note(record), ""] if note(record) else [],
        _clips(record),
        _facts("setting", record.settings),
        _facts("weights", record.weights),
    )
    return "\n".join(lines).rstrip("\n") + "\n"


def _means(record: Record) -> Iterator[str]:
    rows = []
    for row in summary(record):
        remark = f"published: {row.source}" if row.source else ""
        if row.same_weights:
            remark += ", these weights"
        cells = [_text(row.method), *row.values]
        if row.kind == "ours":
            cells = [f"**{cell}**" for cell in cells]
        rows.append([*cells, remark])
    yield from _table(["method", *map(heading, record.metrics), ""], rows)


def _clips(record: Record) -> Iterator[str]:
    numbers, num_omitted = listed(record)
    together = clips_of_all(record)
    names = [
        f"{heading(metric)}, {_text(scores.method)}"
        for metric in record.metrics
        for scores in record.methods
    ]
    rows = [
        [_text(together[n][0].name)]
        + [
            told(metric, clip.mean(metric))
            for metric in record.metrics
            for clip in together[n]
        ]
        for n in numbers
    ]
    if num_omitted:
        middle = ["..."] + [""] * len(names)
        rows.insert(len(rows) // 2, middle)
        yield f"The worst and the best of {len(together)} clips:"
        yield ""
    yield from _table(["clip", *names], rows)


def _facts(title: str, facts: Mapping[str, Any]) -> Iterator[str]:
    if facts:
        rows = [[_text(name), _text(value)] for name, value in facts.items()]
        yield from _table([title, ""], rows)


def _table(names: Iterable[str], rows: Iterable[Iterable[str]]) -> Iterator[str]:
    names = list(names)
    yield _row(names)
    yield _row(["---"] * len(names))
    yield from map(_row, rows)
    yield ""


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _text(value: object) -> str:
    """Text in which nothing is markup."""
    return re.sub(r"([\\`*_{}\[\]<>#|~&!])", r"\\\1", printable(value))
