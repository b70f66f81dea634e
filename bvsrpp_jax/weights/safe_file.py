"""Files of safetensors: a header of JSON, then the elements of all tensors in a row.

The library checks that the tensors fill the file without gap or overlap; it runs
nothing and allocates no more than the file has bytes.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass

import ml_dtypes
import numpy as np
import safetensors
import safetensors.numpy

from bvsrpp_jax.weights.description import KEY
from bvsrpp_jax.weights.messages import Refused, listed, printable
from bvsrpp_jax.weights.torch_tensor import MAX_RANK

TORCH = (b"PK\x03\x04", b"\x80\x02")  # how its files begin: zip, legacy
# Bytes; c128n25 has 0.1 MB. A header is read into thirty times its size.
MAX_HEADER = 1 << 20
DTYPES = {
    "F64": np.dtype("<f8"),
    "F32": np.dtype("<f4"),
    "F16": np.dtype("<f2"),
    "BF16": np.dtype(ml_dtypes.bfloat16),
    "I64": np.dtype("<i8"),
    "I32": np.dtype("<i4"),
    "I16": np.dtype("<i2"),
    "I8": np.dtype("i1"),
    "U8": np.dtype("u1"),
    "BOOL": np.dtype("?"),
}


@dataclass(frozen=True)
class SafeFile:
    """The contents of a file.

    Attributes:
      metadata: texts by name.
      entries: name -> {"dtype", "shape", "data"}, as the library checked them.
    """

    metadata: dict[str, str]
    entries: dict[str, dict]

    @property
    def description(self) -> str | None:
        """Our own entry, None if there is none."""
        return self.metadata.get(KEY)

    def arrays(self) -> dict[str, np.ndarray]:
        """The tensors by name, not copied.

        Raises:
          Refused: one has elements or axes that weights do not have.
        """
        deep = [name for name, e in self.entries.items() if len(e["shape"]) > MAX_RANK]
        if deep:
            raise Refused(
                f"has {len(deep)} tensors of over {MAX_RANK} axes ({listed(deep)})."
                " Check where it comes from."
            )
        strange = [
            f"{printable(name)}: {printable(entry['dtype'])}"
            for name, entry in self.entries.items()
            if entry["dtype"] not in DTYPES
        ]
        if strange:
            raise Refused(
                f"has {len(strange)} tensors of a type that weights do not come in"
                f" ({listed(strange)}). Save them as float32, float16 or bfloat16."
            )
        return {
            name: np.frombuffer(entry["data"], DTYPES[entry["dtype"]]).reshape(
                entry["shape"]
            )
            for name, entry in self.entries.items()
        }


def opened(data: bytes) -> SafeFile:
    """The contents of a file.

    Raises:
      Refused: it is none, or damaged.
    """
    if data.startswith(TORCH):
        raise Refused("is a PyTorch file. Give it the suffix .pth.")
    length = int.from_bytes(data[:8], "little")
    if len(data) < 8 or not 2 <= length <= min(len(data) - 8, MAX_HEADER):
        raise Refused("is no safetensors file, or cut short. Copy it again.")
    try:
        entries = dict(sorted(safetensors.deserialize(data)))  # it gives any order
    except safetensors.SafetensorError as error:
        raise Refused(f"is damaged ({printable(error)}). Copy it again.") from error
    header = json.loads(data[8 : 8 + length])  # the library gives no metadata
    return SafeFile(header.get("__metadata__") or {}, entries)


def packed(tensors: Mapping[str, np.ndarray], description: str) -> bytes:
    """A file with these tensors and our description."""
    whole = {name: np.ascontiguousarray(array) for name, array in tensors.items()}
    return safetensors.numpy.save(whole, {KEY: description})
