"""The text that `bvsrpp convert` and `bvsrpp models` print."""

from collections.abc import Sequence

from bvsrpp_jax.weights.architecture import variant_of
from bvsrpp_jax.weights.bundled import Bundled
from bvsrpp_jax.weights.catalogue import Official
from bvsrpp_jax.weights.convert import Conversion
from bvsrpp_jax.weights.layout import num_parameters
from bvsrpp_jax.weights.messages import listed, printable


def conversion_text(conversion: Conversion) -> str:
    """The summary of a conversion, a line for each thing to know."""
    wrapper = f", its {conversion.wrapper}" if conversion.wrapper else ""
    rows = (
        (
            "read",
            f"{printable(conversion.source, 400)} ({conversion.dialect}{wrapper})",
        ),
        ("verified by", conversion.verified),
        ("network", conversion.variant),
        ("parameters", f"{conversion.parameters:,}"),
        ("keys mapped", str(conversion.keys)),
        ("keys ignored", _ignored(conversion.ignored)),
        ("wrote", printable(conversion.target, 400)),
        ("digest", f"sha256 {conversion.digest}"),
    )
    return "\n".join(f"{title:<13}{text}" for title, text in rows)


def models_text(bundled: Sequence[Bundled], official: Sequence[Official]) -> str:
    """What there is to restore with: what is here, then what can be downloaded."""
    lines = ["In this package (--weights NAME):", ""]
    lines += [_head(entry) for entry in bundled]
    lines += ["", "Published by the authors (download FILE, then --weights FILE):"]
    for source in dict.fromkeys(entry.source for entry in official):
        lines += ["", f"from {source}", ""]
        for entry in official:
            if entry.source == source:
                lines += _entry(entry)
    return "\n".join(lines)


def _head(entry: Bundled | Official) -> str:
    parameters = f"{num_parameters(entry.model):,} parameters"
    return f"  {entry.name:<25}{variant_of(entry.model):<18}{parameters:>21}"


def _entry(entry: Official) -> list[str]:
    scores = "; ".join(
        f"{score.dataset} {score.psnr:.4f} dB, {score.ssim:.4f}"
        for score in entry.published
    )
    return [
        _head(entry),
        f"    {entry.file}",
        f"    for {entry.trained_for}",
        f"    published: {scores or entry.figures_in}",
    ]


def _ignored(keys: Sequence[str]) -> str:
    return f"{len(keys)} ({listed(keys)})" if keys else "0"
