"""Pixels, colour, sound and timestamps: video files and folders of pictures.

A source is iterated over for `Frame`s and has an `info`; a sink takes them with `write`
and appears under its name at `commit`. Both are context managers. Parts of an output
can be written apart with a sink's `segments`, and joined with `join`.
"""

from bvsrpp_jax.media.allowed import MAX_PIXELS
from bvsrpp_jax.media.clip import ClipInfo, Frame
from bvsrpp_jax.media.opening import Segments, Sink, Source, create_clip, open_clip

__all__ = [
    "MAX_PIXELS",
    "ClipInfo",
    "Frame",
    "Segments",
    "Sink",
    "Source",
    "create_clip",
    "open_clip",
]
