"""The text that `bvsrpp export` prints."""

from bvsrpp_jax.export.exporting import Export
from bvsrpp_jax.weights.messages import printable


def export_text(export: Export) -> str:
    """What was written, a line for each thing to know."""
    about = export.about
    rows = [
        ("read", printable(export.source, 400)),
        ("network", f"{about['network']}, {about['dtype']}"),
        ("platforms", ", ".join(about["platforms"])),
        *((name, _signature(entry)) for name, entry in about["functions"].items()),
        (
            "written by",
            f"JAX {about['jax']} (calling convention {about['calling_convention']});"
            " JAX of up to six months later runs it",
        ),
        ("wrote", f"{printable(export.target, 400)} ({export.size / 1e6:.1f} MB)"),
        ("digest", f"sha256 {export.digest}"),
    ]
    return "\n".join(f"{title:<13}{text}" for title, text in rows)


def _signature(entry: dict) -> str:
    """What goes in and what comes out; a carry is known by name alone."""
    arguments, results = (
        ", ".join(_named(name, shapes) for name, shapes in entry[side].items())
        for side in ("arguments", "results")
    )
    return f"{arguments} -> {results}"


def _named(name: str, shapes: str | list) -> str:
    if name in ("params", "carry"):
        return name
    if isinstance(shapes, str):
        return f"{name} {shapes}"
    return f"{name} ({len(shapes)} x {shapes[-1]})"
