"""What `bvsrpp convert` does: any weights file in, one of any dialect out."""

from dataclasses import dataclass
from pathlib import Path

from bvsrpp_jax.weights.architecture import variant_of
from bvsrpp_jax.weights.files import check_replaceable
from bvsrpp_jax.weights.layout import num_parameters
from bvsrpp_jax.weights.saving import check_target, save, unusual_sizes
from bvsrpp_jax.weights.store import Weights, read_weights


@dataclass(frozen=True)
class Conversion:
    """What was read and written.

    Attributes:
      source, target: the files.
      read: what `source` holds.
      dialect: of the target: one of `saving.DIALECTS`, None for the suffix's own.
      variant: the network, as "c64n7 x4".
      parameters: how many numbers it has learnt.
      digest: hexadecimal sha256 of the result (`native.digest`).
      unusual: sizes that only this package and plain PyTorch have.
    """

    source: str
    target: str
    read: Weights
    dialect: str | None
    variant: str
    parameters: int
    digest: str
    unusual: tuple[str, ...]


def convert(
    source: str | Path,
    target: str | Path,
    *,
    dialect: str | None = None,
    overwrite: bool = False,
) -> Conversion:
    """Writes the weights of `source` to `target`.

    Args:
      source: a weights file, a training's workdir or a preset, as of `store.load`.
      target: a path with suffix `.safetensors`, `.pth` or `.pt`.
      dialect: as of `saving.save`.
      overwrite: replace a `target` that is there.

    Raises:
      InputError: `source` is no weights file, or `target` has another suffix, is the
        source, is there already, or cannot be written. Nothing has been written then.
    """
    check_target(target)
    check_replaceable(target, source, overwrite=overwrite)
    weights = read_weights(source)
    return Conversion(
        source=str(source),
        target=str(target),
        read=weights,
        dialect=dialect,
        variant=variant_of(weights.model),
        parameters=num_parameters(weights.model),
        digest=save(target, weights.model, weights.params, dialect=dialect),
        unusual=unusual_sizes(weights.model),
    )
