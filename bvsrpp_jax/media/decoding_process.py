"""The process that reads an untrusted file, so that it alone dies of it.

    python -m bvsrpp_jax.media.decoding_process REQUEST

Started by `ChildReader`. Opens what the request, a JSON object, names and sends what it
is, its frames and the end to the socket of that number. Standard input is a pipe that
is held open for as long as somebody wants the frames.
"""

import json
import os
import socket
import sys
import time
import traceback
import warnings
from fractions import Fraction
from pathlib import Path

import numpy as np
from PIL import Image

from bvsrpp_jax.errors import InputError
from bvsrpp_jax.media.frames import PictureReader
from bvsrpp_jax.media.limits import die_before_others, end_with, limit_resources
from bvsrpp_jax.media.messages import send
from bvsrpp_jax.media.reader import VideoReader

_PULSE = 1.0  # seconds between signs of life while frames are skipped
_LONGEST_TEXT = 10_000
_OUT_OF_MEMORY = (
    "{}: needs more memory than a decoder may have. The file may be damaged or hostile;"
    " if not, raise --max-pixels."
)


def main(request: dict) -> None:
    """Answers a request; whatever goes wrong is told as a message."""
    with socket.socket(fileno=request["connection"]) as connection:
        warnings.showwarning = lambda text, category, *_: (
            send(connection, "note", _short(text)) if category is UserWarning else None
        )
        try:
            _send_clip(connection, request)
        except ConnectionError:
            return  # nobody listens
        except InputError as error:
            send(connection, "refusal", _short(error))
        except MemoryError:
            send(connection, "refusal", _OUT_OF_MEMORY.format(request["path"]))
        except Exception:
            send(connection, "bug", traceback.format_exc()[-_LONGEST_TEXT:])


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
    return VideoReader(path, on_packet=_pulse(connection), **part)


def _pulse(connection: socket.socket):
    """Says now and then that packets are being read, though no frame is wanted yet."""
    last = time.monotonic()

    def on_packet() -> None:
        nonlocal last
        if time.monotonic() - last > _PULSE:
            send(connection, "busy")
            last = time.monotonic()

    return on_packet


def _short(text: object) -> str:
    return str(text)[:_LONGEST_TEXT]


if __name__ == "__main__":
    # The importing is done, and what failed of it is on stderr; FFmpeg's own libraries
    # have nothing to say there.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())
    REQUEST = json.loads(sys.argv[1])
    end_with(sys.stdin.fileno())
    die_before_others()
    limit_resources(REQUEST["max_pixels"])
    main(REQUEST)
