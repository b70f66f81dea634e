"""What a file says of the network whose weights it holds: our own entry in it.

A text of JSON, {"format": 1, "sizes": {...}, "digest": "..."}, called `bvsrpp`: among
the metadata of a safetensors file, in `meta` of MMEditing's and MMagic's files, beside
`params` in BasicSR's. Shapes tell most of the sizes, but not, for one, how far the
alignment may reach (`max_residue_magnitude`).
"""

import json
from collections.abc import Mapping

from bvsrpp_jax.models.basicvsrpp import BasicVSRPlusPlus
from bvsrpp_jax.weights.architecture import model_of, sizes_of
from bvsrpp_jax.weights.messages import Refused, printable

KEY = "bvsrpp"
FORMAT = 1
LONGEST = 1 << 16  # characters; a description has some four hundred


def describe(model: BasicVSRPlusPlus, digest: str = "") -> str:
    """The description of a network, with the digest of its weights or without."""
    about = {"format": FORMAT, "sizes": sizes_of(model)}
    return json.dumps({**about, "digest": digest} if digest else about)


def described(text: object) -> tuple[BasicVSRPlusPlus, str]:
    """The network of a description, and the digest in it ("" if none).

    Raises:
      Refused: it is damaged, or of a later version of this package.
    """
    try:
        about = json.loads(text[:LONGEST])  # a cut one is no JSON
        model, digest = model_of(about["sizes"]), about.get("digest", "")
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise Refused(
            f"has a damaged description ({printable(error)}). Convert or copy it again."
        ) from error
    if about.get("format") != FORMAT:
        raise Refused("has an unknown format. Use a newer version of bvsrpp.")
    return model, digest


def description_in(saved: Mapping[str, object]) -> object:
    """Our entry in what a PyTorch file holds, whatever it is; None if there is none."""
    meta = saved.get("meta")
    return saved.get(KEY, meta.get(KEY) if isinstance(meta, Mapping) else None)
