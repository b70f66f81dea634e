"""Reads the `.pth` files of PyTorch, of both formats, without PyTorch.

No code of the file runs (`torch_pickle`), and reading takes no more memory than a few
times the file's size (`torch_tensor`, `torch_zip`).
"""

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bvsrpp_jax.errors import InputError
from bvsrpp_jax.weights.files import name_of, read_file
from bvsrpp_jax.weights.messages import Refused
from bvsrpp_jax.weights.torch_legacy import read_legacy
from bvsrpp_jax.weights.torch_tensor import Tensor
from bvsrpp_jax.weights.torch_zip import read_zip

# The end of a published file name, also as a browser renames a second download:
# the first eight digits of the file's sha256.
PUBLISHED = re.compile(r"-([0-9a-f]{8})(?: ?\(\d+\))?\.(?:pth|pt)$")
DATE = re.compile(r"(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])")
# How a file starts -> what it is then, and what to do.
MISTAKEN = (
    (b"<", "is a web page, not weights. Download the file behind the link."),
    (b"version https://git-lfs", "is a pointer of Git LFS. Run git lfs pull."),
    (b"\x1f\x8b", "is compressed (gzip). Unpack it first."),
    (b"\xfd7zXZ", "is compressed (xz). Unpack it first."),
)


@dataclass(frozen=True)
class TorchFile:
    """A checkpoint: plain values with `Tensor`s among them.

    Attributes:
      value: what was saved: dicts, lists, tuples, numbers, texts, None, `Tensor`s. It
        may contain itself, so it is looked into by key and never walked.
      buffers: the storages that tensors are views of, by key.
      format: "zip" or "legacy".
      verified: what vouches for the bytes: the sha256 in the file's name, the checksums
        of the archive, or nothing.
    """

    value: object
    buffers: dict[str, np.ndarray]
    format: str
    verified: str

    def array(self, tensor: Tensor) -> np.ndarray:
        """The elements of a tensor of this file, read-only, not copied."""
        return tensor.view(self.buffers[tensor.storage.key])


def read_torch(path: str | Path) -> TorchFile:
    """Reads a `.pth` file.

    Args:
      path: a file written by `torch.save`, in the zip or in the legacy format.

    Raises:
      InputError: it is no such file, damaged, or holds more than plain data. No code of
        the file has been run.
    """
    data, digits = read_file(path), digits_in_name(path)
    try:
        kind, read = _format(data)
        if digits and not hashlib.sha256(data).hexdigest().startswith(digits):
            raise Refused(
                f"its sha256 does not start with {digits}, as its name says."
                " Download it again."
            )
        value, buffers = read(data)
    except Refused as refusal:
        raise InputError(f"{name_of(path)}: {refusal}") from refusal
    if digits:
        verified = f"sha256 starts with {digits}, as the file name says"
    elif kind == "zip":
        verified = "checksums of the archive"
    else:
        verified = "nothing: the file name has no sha256"
    return TorchFile(value, buffers, kind, verified)


def digits_in_name(path: str | Path) -> str | None:
    """The eight digits of the sha256 in a published file's name; a date is none."""
    match = PUBLISHED.search(Path(path).name)
    if match is None or DATE.fullmatch(match[1]):
        return None
    return match[1]


def _format(data: bytes) -> tuple[str, Callable]:
    if data.startswith(b"PK\x03\x04"):
        return "zip", read_zip
    if data.startswith(b"\x80"):
        return "legacy", read_legacy
    raise Refused(_mistaken(data))


def _mistaken(data: bytes) -> str:
    if not data:
        return "is empty. Download it again."
    start = data[:64].lstrip(b"\xef\xbb\xbf \t\r\n")  # byte-order mark, blanks
    for prefix, verdict in MISTAKEN:
        if start.startswith(prefix):
            return verdict
    if data[8:9] == b"{":
        return "is a safetensors file. Give it the suffix .safetensors."
    return "is not a PyTorch checkpoint. Download it again or check the path."
