"""A restorer from weights, and its network into a folder, as the Hub has it."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar, Unpack

from bvsrpp_jax.restoration.options import Options
from bvsrpp_jax.weights import load
from bvsrpp_jax.weights.folder import save_folder

if TYPE_CHECKING:
    from bvsrpp_jax.restoration.restorer import Restorer

Kind = TypeVar("Kind", bound="Restorer")


def from_pretrained(
    cls: type[Kind], source: str | os.PathLike[str], **options: Unpack[Options]
) -> Kind:
    """Makes the restorer of a network from its weights.

    Args:
      source: as for `load`: a preset, a weights file, or a folder of
        `save_pretrained`, of the Hugging Face Hub or of a finished training.
      options: those of `Restorer`.

    Raises:
      InputError: as `load` and `Restorer`.

    Example:
      >>> bvsrpp.Restorer.from_pretrained("lite", chunk=4)
      Restorer(c24n2 x4, 688,463 parameters, chunk=4)
    """
    return cls(*load(source), **options)


def save_pretrained(restorer: "Restorer", folder: str | os.PathLike[str]) -> Path:
    """Writes the network into a folder that `from_pretrained` and `load` take.

    In the manner of the Hugging Face Hub: `model.safetensors` and, for people,
    `config.json`. Options are not kept: they are about a machine and a clip.

    Args:
      folder: made if need be. Other files in it stay.

    Returns:
      The folder.

    Raises:
      InputError: it holds a training or the model of something else, or cannot be
        written.

    Example:
      >>> restorer = bvsrpp.Restorer.from_pretrained("lite")
      >>> folder = restorer.save_pretrained("my-lite")
      >>> sorted(path.name for path in folder.iterdir())
      ['config.json', 'model.safetensors']
      >>> bvsrpp.Restorer.from_pretrained(folder)
      Restorer(c24n2 x4, 688,463 parameters)
    """
    save_folder(Path(folder), restorer.model, restorer.params)
    return Path(folder)
