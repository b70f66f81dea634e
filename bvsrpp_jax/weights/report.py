"""The text that `bvsrpp convert` and `bvsrpp models` print."""

from collections.abc import Sequence

from bvsrpp_jax.weights.architecture import variant_of
from bvsrpp_jax.weights.bundled import Bundled
from bvsrpp_jax.weights.catalogue import Official
from bvsrpp_jax.weights.convert import Conversion
from bvsrpp_jax.weights.layout import num_parameters
from bvsrpp_jax.weights.messages import listed, printable
from bvsrpp_jax.weights.verify import Verification

# Dialect that was written -> what people call it.
WRITTEN = {
    "mmagic": "MMEditing / MMagic",
    "basicsr": "BasicSR",
    "bare": "bare state dict",
}


def conversion_text(conversion: Conversion) -> str:
    """The summary of a conversion, a line for each thing to know."""
    read = conversion.read
    found = [read.dialect, read.container]
    found += [f"its {read.wrapper}"] if read.wrapper else []
    found += [f"prefix {read.prefix}"] if read.prefix else []
    source, target = (printable(x, 400) for x in (conversion.source, conversion.target))
    rows = [
        ("read", f"{source} ({', '.join(found)})"),
        ("verified by", read.verified),
        ("network", conversion.variant),
        ("parameters", f"{conversion.parameters:,}"),
        ("keys mapped", str(read.keys)),
        ("keys ignored", _ignored(read.ignored)),
        ("wrote", f"{target} ({_written(conversion)})"),
        ("digest", f"sha256 {conversion.digest}"),
    ]
    dialect = _dialect(conversion)
    if conversion.unusual and dialect in ("mmagic", "basicsr"):
        rows.append(
            (
                "note",
                f"the classes of {WRITTEN[dialect]} are fixed in"
                f" {', '.join(conversion.unusual)}; plain PyTorch is not",
            )
        )
    return "\n".join(f"{title:<13}{text}" for title, text in rows)


def _written(conversion: Conversion) -> str:
    container = "safetensors" if _is_safe(conversion) else "zip"
    return f"{WRITTEN.get(_dialect(conversion), 'bvsrpp')}, {container}"


def _dialect(conversion: Conversion) -> str:
    return conversion.dialect or ("" if _is_safe(conversion) else "mmagic")


def _is_safe(conversion: Conversion) -> bool:
    return conversion.target.endswith(".safetensors")


def verification_text(found: Verification) -> str:
    """What comparing with PyTorch found, as another line of the summary."""
    _, t, h, w, _ = found.shape
    return (
        f"{'PyTorch':<13}has the same output but for {found.difference:.1e}"
        f" (bound {found.bound:.1e}, {t} random frames of {w}x{h},"
        f" outputs up to {found.largest:.3g})"
    )


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
