"""The other end of a `Child`: what every process for an untrusted file does."""

import json
import os
import socket
import sys
import time
import traceback
import warnings
from collections.abc import Callable

from bvsrpp_jax.errors import InputError
from bvsrpp_jax.media.limits import die_before_others, end_with
from bvsrpp_jax.media.messages import Ended, send

_PULSE = 1.0  # seconds between signs of life
_LONGEST_TEXT = 10_000


def begin() -> dict:
    """The request that the process was started with, which lives with its parent.

    The importing is done, and what failed of it is on stderr; FFmpeg's own libraries
    have nothing to say there.
    """
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())
    end_with(sys.stdin.fileno())
    die_before_others()
    return json.loads(sys.argv[1])


def answer(
    request: dict,
    work: Callable[[socket.socket, dict], None],
    *,
    out_of_memory: str,
) -> None:
    """Works on a request; notes and whatever goes wrong are told as messages.

    Args:
      request: has the number of the socket as "connection".
      work: what is to be done, given the socket and the request.
      out_of_memory: what is told when the memory does not suffice.
    """
    with socket.socket(fileno=request["connection"]) as connection:
        warnings.showwarning = lambda text, category, *_: (
            send(connection, "note", _short(text)) if category is UserWarning else None
        )
        try:
            work(connection, request)
        except (ConnectionError, Ended):
            return  # nobody listens
        except InputError as error:
            send(connection, "refusal", _short(error))
        except MemoryError:
            send(connection, "refusal", out_of_memory)
        except Exception:
            send(connection, "bug", traceback.format_exc()[-_LONGEST_TEXT:])


def pulse(connection: socket.socket) -> Callable[[], None]:
    """Tells now and then that packets are being read, though nothing came of them."""
    last = time.monotonic()

    def on_packet() -> None:
        nonlocal last
        if time.monotonic() - last > _PULSE:
            send(connection, "busy")
            last = time.monotonic()

    return on_packet


def _short(text: object) -> str:
    return str(text)[:_LONGEST_TEXT]
