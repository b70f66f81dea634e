"""A restorer's network into a folder, as the Hugging Face Hub has it."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

from bvsrpp_jax.weights.folder import save_folder

if TYPE_CHECKING:
    from bvsrpp_jax.restoration.restorer import Restorer


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
