"""What `bvsrpp convert` does: any weights file in, one `.safetensors` file out."""

from dataclasses import dataclass
from pathlib import Path

from bvsrpp_jax.errors import InputError
from bvsrpp_jax.weights.architecture import variant_of
from bvsrpp_jax.weights.files import exists, name_of
from bvsrpp_jax.weights.layout import num_parameters
from bvsrpp_jax.weights.native import save
from bvsrpp_jax.weights.store import read_weights


@dataclass(frozen=True)
class Conversion:
    """What was read and written.

    Attributes:
      source, target: the files.
      dialect: whose names the source has: "official", "BasicSR", "bvsrpp".
      wrapper: the entry of the source that was taken; "" if there was no choice.
      variant: the network, as "c64n7 x4".
      parameters: how many numbers it has learnt.
      keys: how many keys of the source were taken.
      ignored: those that were not.
      verified: what vouches for the bytes of the source; "nothing" for a legacy file
        whose name has no sha256.
      digest: hexadecimal sha256 of the result (`native.digest`).
    """

    source: str
    target: str
    dialect: str
    wrapper: str
    variant: str
    parameters: int
    keys: int
    ignored: tuple[str, ...]
    verified: str
    digest: str


def convert(
    source: str | Path, target: str | Path, *, overwrite: bool = False
) -> Conversion:
    """Writes the weights of `source` to `target`.

    Args:
      source: a weights file or preset, as of `store.load`.
      target: a path with suffix `.safetensors`.
      overwrite: replace a `target` that is there.

    Raises:
      InputError: `source` is no weights file, or `target` has another suffix, is there
        already, or cannot be written. Nothing has been written then.
    """
    if Path(target).suffix != ".safetensors":
        raise InputError(
            f"{name_of(target)}: has another suffix than .safetensors. Change it."
        )
    if exists(target) and not overwrite:
        raise InputError(
            f"{name_of(target)}: exists already. Add --overwrite to replace it."
        )
    weights = read_weights(source)
    return Conversion(
        source=str(source),
        target=str(target),
        dialect=weights.dialect,
        wrapper=weights.wrapper,
        variant=variant_of(weights.model),
        parameters=num_parameters(weights.model),
        keys=weights.keys,
        ignored=weights.ignored,
        verified=weights.verified,
        digest=save(target, weights.model, weights.params),
    )
