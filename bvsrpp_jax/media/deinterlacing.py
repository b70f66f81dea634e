"""Interlaced frames, of two moments, made into frames of one.

FFmpeg's bwdif predicts the lines of the second field from their neighbours in space and
time. One frame comes out for every frame, shown at the moment of its first field: twice
as many would be smoother, but then the number of frames is no longer the input's.
"""

import warnings
from collections import deque
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
from av.filter import Graph

from bvsrpp_jax.media.failures import told_as

# Which field comes first is read from each frame; frames that are not flagged as
# interlaced pass as they are.
_SETTINGS = "mode=send_frame:parity=auto:deint=interlaced"


def deinterlaced(
    frames: Iterator[tuple[av.VideoFrame, int]], path: Path
) -> Iterator[tuple[av.VideoFrame, int]]:
    """As many frames as go in, with their timestamps; one is read ahead.

    Warns at the end when not one of them was flagged as interlaced.

    Args:
      frames: decoded frames and their timestamps.
      path: their file, for messages.

    Raises:
      InputError: frames are too small for the filter.
    """
    any_flagged, kind, graph, moments = False, None, None, deque()
    for frame, pts in frames:
        any_flagged |= frame.interlaced_frame
        if kind != (kind := (frame.width, frame.height, frame.format.name)):
            yield from _filtered(graph, None, moments)
            graph = _graph(frame, path)
        moments.append((pts, frame.duration))
        frame.pts, frame.time_base = pts, Fraction(1)
        yield from _filtered(graph, frame, moments)
    yield from _filtered(graph, None, moments)
    if not any_flagged:
        warnings.warn(
            f"{path}: no frame is flagged as interlaced, so none was deinterlaced",
            stacklevel=2,
        )


def _filtered(
    graph: Graph | None, frame: av.VideoFrame | None, moments: deque
) -> Iterator[tuple[av.VideoFrame, int]]:
    """What comes out after a frame, or after the last one (None)."""
    if graph is None:
        return
    graph.push(frame)
    while True:
        try:
            done = graph.pull()
        except (av.BlockingIOError, av.EOFError):
            return
        pts, done.duration = moments.popleft()
        yield done, pts


def _graph(frame: av.VideoFrame, path: Path) -> Graph:
    graph = Graph()
    source = graph.add_buffer(
        width=frame.width,
        height=frame.height,
        format=frame.format,
        time_base=Fraction(1),
    )
    with told_as(path, "cannot be deinterlaced", "Leave out --deinterlace."):
        bwdif = graph.add("bwdif", _SETTINGS)
        graph.link_nodes(source, bwdif, graph.add("buffersink")).configure()
    return graph
