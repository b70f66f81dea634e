"""The options of a `Restorer`, where they are passed on by name."""

import os
from collections.abc import Sequence
from typing import TypedDict

import jax
from jax.typing import DTypeLike


class Options(TypedDict, total=False):
    """What `Restorer` takes besides the network, documented there."""

    window: int | None
    overlap: int | None
    chunk: int | None
    exact: bool
    tile: int | None
    dtype: DTypeLike | None
    lookahead: int | None
    shots: bool
    ensemble: int
    memory: int | None
    scratch: str | os.PathLike[str] | None
    devices: Sequence[jax.Device] | None
