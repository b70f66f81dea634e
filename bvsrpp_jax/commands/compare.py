"""`bvsrpp compare`: two clips in one page to look at, or side by side in a video."""

import argparse
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from bvsrpp_jax.commands.numbers import seconds
from bvsrpp_jax.errors import InputError

_PAGES = (".html", ".htm")


def add(commands: argparse._SubParsersAction) -> None:
    """Adds the command to the parser."""
    command = commands.add_parser("compare", help="show two clips side by side")
    command.set_defaults(run=run)
    add = command.add_argument
    add("a", metavar="A", help="video, folder of pictures, or picture")
    add("b", metavar="B", help="another one; the smaller is scaled to the larger")
    add("-o", "--output", required=True, help="page (.html) or video by its suffix")
    add("--start", type=seconds, help="seconds or h:mm:ss after the first frame")
    add("--duration", type=seconds, help="how much to show, seconds or h:mm:ss")
    add(
        "--deinterlace",
        action="store_true",
        help="make each interlaced frame of a video one of a single moment",
    )
    add("--max-pixels", type=int, help="of a frame of either (default: 67108864)")
    add("--max-frames", type=int, help="frames in a page at most (default: 120)")
    add("--quality", type=int, help="of a page's WebP, 1 to 100 (default: lossless)")
    add("--names", metavar="A,B", help="what a page calls the clips (default: files)")
    add("--overwrite", action="store_true", help="replace an existing output")


def run(arguments: argparse.Namespace) -> None:
    """Compares."""
    from bvsrpp_jax.media.codecs import CONTAINERS

    suffix = Path(arguments.output).suffix.lower()
    if suffix in _PAGES:
        _write_page(arguments)
    elif suffix in CONTAINERS:
        _write_video(arguments)
    else:
        raise InputError(
            f"{arguments.output}: is neither a page nor a video by its suffix. Use"
            f" .html, or for a side-by-side video {' '.join(CONTAINERS)}."
        )


def _write_page(arguments: argparse.Namespace) -> None:
    from bvsrpp_jax.comparison import write_page

    names = _names(arguments)
    with _counter() as count, _opened(arguments) as (a, b):
        page = write_page(
            a,
            b,
            arguments.output,
            names=names,
            start=arguments.start,
            max_frames=arguments.max_frames,
            quality=arguments.quality,
            overwrite=arguments.overwrite,
            on_frame=count,
        )
    _tell(arguments.output, page.num_frames, page.notes)


def _write_video(arguments: argparse.Namespace) -> None:
    from bvsrpp_jax.comparison import write_side_by_side

    _refuse_options_of_pages(arguments)
    with _counter() as count, _opened(arguments) as (a, b):
        num_frames, notes = write_side_by_side(
            a, b, arguments.output, overwrite=arguments.overwrite, on_frame=count
        )
    _tell(arguments.output, num_frames, notes)


@contextmanager
def _counter() -> Iterator[Callable[[], None]]:
    """Counts frames on a terminal; nothing elsewhere."""
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn

    columns = SpinnerColumn(), TextColumn("{task.completed} frames")
    terminal = Console(file=sys.stderr)
    hidden = not sys.stderr.isatty()
    with Progress(*columns, console=terminal, transient=True, disable=hidden) as bar:
        task = bar.add_task("", total=None)
        yield lambda: bar.advance(task)


def _opened(arguments: argparse.Namespace):
    from bvsrpp_jax.comparison import open_both

    names = ("start", "duration", "deinterlace")
    reading = {name: getattr(arguments, name) for name in names}
    if arguments.max_pixels is not None:
        reading["max_pixels"] = arguments.max_pixels
    return open_both(arguments.a, arguments.b, **reading)


def _refuse_options_of_pages(arguments: argparse.Namespace) -> None:
    for name in ("max_frames", "quality", "names"):
        if getattr(arguments, name) is not None:
            raise InputError(
                f"{arguments.output}: --{name.replace('_', '-')} is for pages. Leave it"
                " out, or name the output page.html."
            )


def _names(arguments: argparse.Namespace) -> tuple[str, str]:
    """As given, or the files' own, with their folders if they are called the same."""
    if arguments.names is None:
        a, b = Path(arguments.a).resolve(), Path(arguments.b).resolve()
        return (a.name, b.name) if a.name != b.name else (arguments.a, arguments.b)
    a, comma, b = arguments.names.partition(",")
    if not (comma and a.strip() and b.strip()):
        raise InputError(
            f"names: {arguments.names!r} are not two. Give them as input,restored."
        )
    return a.strip(), b.strip()


def _tell(output: str, count: int, notes: list[str]) -> None:
    """Notes on stderr through `cli`, like every other one."""
    for note in notes:
        warnings.warn(note, stacklevel=2)
    line = f"{output}: {count} {'frame' if count == 1 else 'frames'}"
    print("".join(c if c.isprintable() else ascii(c)[1:-1] for c in line))
