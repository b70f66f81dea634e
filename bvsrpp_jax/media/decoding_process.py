"""The process that reads an untrusted file, so that it alone dies of it.

    python -m bvsrpp_jax.media.decoding_process REQUEST

Started by `ChildReader`. Opens what the request, a JSON object, names and sends what it
is, its frames and the end to the socket of that number. Standard input is a pipe that
is held open for as long as somebody wants the frames.
"""

import socket
from fractions import Fraction
from pathlib import Path

import numpy as np
from PIL import Image

from bvsrpp_jax.media.frames import PictureReader
from bvsrpp_jax.media.limits import limit_resources
from bvsrpp_jax.media.messages import send
from bvsrpp_jax.media.reader import VideoReader
from bvsrpp_jax.media.serving import answer, begin, pulse

_OUT_OF_MEMORY = (
    "{}: needs more memory than a decoder may have. The file may be damaged or hostile;"
    " if not, raise --max-pixels."
)


def main(request: dict) -> None:
    """Answers a request; whatever goes wrong is told as a message."""
    out_of_memory = _OUT_OF_MEMORY.format(request["path"])
    answer(request, _send_clip, out_of_memory=out_of_memory)


def _send_clip(connection: socket.socket, request: dict) -> None:
    with _open(connection, request) as source:
        send(connection, "clip", source.info)
        send(connection, "excerpt", source.excerpt)
        for frame in source:
            pixels = np.ascontiguousarray(frame.pixels)
            moment = frame.pts, frame.duration
            send(connection, "frame", moment, memoryview(pixels).cast("B"))
    send(connection, "end")


def _open(connection: socket.socket, request: dict) -> VideoReader | PictureReader:
    path, max_pixels = Path(request["path"]), request["max_pixels"]
    start, duration, rate = (
        None if request[name] is None else Fraction(*request[name])
        for name in ("start", "duration", "rate")
    )
    part = {"start": start, "duration": duration, "max_pixels": max_pixels}
    part["deep"] = request["deep"]
    if rate is not None:
        Image.MAX_IMAGE_PIXELS = None  # the limit is ours
        return PictureReader(path, rate=rate, **part)
    part["deinterlace"] = request["deinterlace"]
    return VideoReader(path, on_packet=pulse(connection), **part)


if __name__ == "__main__":
    REQUEST = begin()
    limit_resources(REQUEST["max_pixels"])
    main(REQUEST)
