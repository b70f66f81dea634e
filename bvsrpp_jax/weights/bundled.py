"""The networks that come with this package."""

from dataclasses import dataclass

from bvsrpp_jax.models.basicvsrpp import BasicVSRPlusPlus
from bvsrpp_jax.weights.store import PRESETS, read_weights


@dataclass(frozen=True)
class Bundled:
    """A network of this package: its preset's name, and what its file says."""

    name: str
    model: BasicVSRPlusPlus


def bundled() -> tuple[Bundled, ...]:
    """The networks that are in the package, read and verified.

    Raises:
      InputError: a file of the package is missing or damaged.
    """
    return tuple(Bundled(name, read_weights(name).model) for name in PRESETS)
