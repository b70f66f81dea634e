"""A folder that is a network: where its weights lie, and how one is written.

model.safetensors     what `save` writes: all that is read
config.json           the same sizes, for people and for pages that list models
weights.safetensors   instead of both, in the workdir of a finished training

The first two names are those of the Hugging Face Hub: a folder of `save_pretrained` can
be uploaded, and what was downloaded from there, with whatever else it holds, is such a
folder. Nothing here needs the Hub or its library.
"""

import json
from collections.abc import Mapping
from pathlib import Path

from bvsrpp_jax.errors import InputError
from bvsrpp_jax.models.basicvsrpp import BasicVSRPlusPlus
from bvsrpp_jax.weights.architecture import sizes_of, variant_of
from bvsrpp_jax.weights.files import name_of, read_file, reason, write_file
from bvsrpp_jax.weights.layout import num_parameters
from bvsrpp_jax.weights.native import read_native, save

WEIGHTS, CONFIG, TRAINED = "model.safetensors", "config.json", "weights.safetensors"
TRAINING = ("lock", "checkpoints")  # what a training writes first
LIBRARY = "bvsrpp_jax"  # whose models these are, as the Hub has it


def weights_in(folder: Path) -> Path:
    """The file with the weights of a folder.

    Raises:
      InputError: there is none, or there are two.
    """
    found = [folder / name for name in (WEIGHTS, TRAINED) if (folder / name).exists()]
    if len(found) == 1:
        return found[0]
    if found:
        raise InputError(
            f"{name_of(folder)}: has both {WEIGHTS} and {TRAINED}. Name one of them."
        )
    if not any((folder / name).exists() for name in TRAINING):
        raise InputError(
            f"{name_of(folder)}: is a directory. Name a weights file in it."
        )
    raise InputError(
        f"{name_of(folder)}: the training is not finished, there is no {TRAINED} yet."
        f" The command that began it, python train.py --workdir={name_of(folder)} ...,"
        " resumes it."
    )


def save_folder(folder: Path, model: BasicVSRPlusPlus, params: Mapping) -> None:
    """Writes a network into a folder, made if need be; other files in it stay.

    What an earlier call wrote is replaced, each file in one step, the weights first:
    whatever happens meanwhile, the folder loads as the old network or as the new one.

    Raises:
      InputError: the folder belongs to something else, or cannot be written.
      ValueError: `params` are not those of `model`.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (OSError, ValueError) as error:
        raise InputError(
            f"{name_of(folder)}: is no folder and cannot be made ({reason(error)})."
            " Name another."
        ) from error
    if stranger := _stranger(folder):
        raise InputError(
            f"{name_of(folder)}: has a {stranger} of something else. Name another"
            " folder."
        )
    save(folder / WEIGHTS, model, params)
    write_file(folder / CONFIG, _description(model))


def _stranger(folder: Path) -> str:
    """What shows that a folder is not one for `save_folder`; "" if nothing does."""
    for name in (TRAINED, *TRAINING):
        if (folder / name).exists():
            return name
    if (folder / WEIGHTS).exists() and not _is_network(folder / WEIGHTS):
        return WEIGHTS
    if (folder / CONFIG).exists() and not _is_description(folder / CONFIG):
        return CONFIG
    return ""


def _is_network(path: Path) -> bool:
    try:
        read_native(path)
    except InputError:
        return False
    return True


def _is_description(path: Path) -> bool:
    try:
        return json.loads(read_file(path))["library_name"] == LIBRARY
    except (ValueError, KeyError, TypeError, RecursionError):
        return False


def _description(model: BasicVSRPlusPlus) -> bytes:
    about = {
        "library_name": LIBRARY,
        "architectures": [type(model).__name__],
        "variant": variant_of(model),
        "num_parameters": num_parameters(model),
        **sizes_of(model),
    }
    return f"{json.dumps(about, indent=2)}\n".encode()
