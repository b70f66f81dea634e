"""The report on a terminal."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from rich.console import Console
from rich.table import Table
from rich.text import Text

from bvsrpp_jax.evaluation.record import Record
from bvsrpp_jax.report.naming import heading, printable, told
from bvsrpp_jax.report.summary import clips_of_all, listed, note, summary


class _Line(NamedTuple):
    name: str
    values: Sequence[str]
    remark: str = ""
    style: str = ""


def print_report(record: Record, console: Console | None = None) -> None:
    """Prints a line a clip, the means, the published figures, and the settings.

    Of more than 40 clips the worst and the best are shown.

    Args:
      record: what was found.
      console: where to; None is standard output.
    """
    console = console or Console()
    console.print(_table(record))
    if remark := note(record):
        console.print(Text(remark, "yellow"))
    for facts in (record.settings, record.weights):
        if facts:
            line = "; ".join(f"{name}: {value}" for name, value in facts.items())
            console.print(Text(printable(line), "dim"))


def _table(record: Record) -> Table:
    title = Text(printable(record.title), "bold")
    table = Table(title=title, title_justify="left")
    table.add_column("")
    for metric in record.metrics:
        table.add_column(heading(metric), justify="right")
    table.add_column("")
    for section in (_clips(record), _measured(record), _published(record)):
        for line in section:
            cells = (printable(line.name), *line.values, line.remark)
            table.add_row(*map(Text, cells), style=line.style)
        table.add_section()
    return table


def _clips(record: Record) -> Iterator[_Line]:
    numbers, num_omitted = listed(record)
    clips = clips_of_all(record)
    for place, number in enumerate(numbers):
        if num_omitted and 2 * place == len(numbers):
            rest = [""] * len(record.metrics)
            yield _Line("...", rest, f"{num_omitted} clips in between", "dim")
        ours = clips[number][0]
        yield _Line(ours.name, [told(m, ours.mean(m)) for m in record.metrics])


def _measured(record: Record) -> Iterator[_Line]:
    for row in summary(record):
        if row.kind == "ours":
            count = len(record.methods[0].clips)
            remark = f"mean over {count} clips" if count > 1 else ""
            yield _Line(row.method, row.values, remark, "bold")
        elif row.kind == "baseline":
            yield _Line(row.method, row.values)


def _published(record: Record) -> Iterator[_Line]:
    for row in summary(record):
        if row.kind == "published":
            remark = "published, these weights" if row.same_weights else "published"
            style = "" if row.same_weights else "dim"
            yield _Line(row.method, row.values, remark, style)
