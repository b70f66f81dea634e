"""The process that copies of an untrusted file, so that it alone dies of it.

    python -m bvsrpp_jax.media.assembly_process REQUEST

Started by `ChildAssembly`, whose open file it writes. The request, a JSON object, says
how the video is coded and what is copied beside it; the packets come through the socket
of that number, and each is answered.
"""

import os
import socket
from pathlib import Path

import av

from bvsrpp_jax.media.allowed import MAX_PIXELS
from bvsrpp_jax.media.assembly import Assembly
from bvsrpp_jax.media.coding import Coding
from bvsrpp_jax.media.decoding import Excerpt
from bvsrpp_jax.media.limits import limit_resources
from bvsrpp_jax.media.messages import receive, receive_bytes, send, unpack
from bvsrpp_jax.media.serving import answer, begin, pulse

_OUT_OF_MEMORY = (
    "{}: its sound, subtitles or chapters need more memory than their copier may have."
    " The file may be damaged or hostile; get another copy."
)


def main(request: dict) -> None:
    """Answers a request; whatever goes wrong is told as a message."""
    out_of_memory = _OUT_OF_MEMORY.format(request["source"])
    answer(request, _assemble, out_of_memory=out_of_memory)


def _assemble(connection: socket.socket, request: dict) -> None:
    """Closes nothing when it fails: the parent discards the file and ends all this."""
    coding = unpack(request["coding"], Coding)
    file = os.fdopen(request["file"], "r+b")
    assembly = Assembly(file, Path(request["target"]), coding)
    # The encoder is open now: what it takes depends on the output, not on the source.
    limit_resources(MAX_PIXELS, writes=True)
    excerpt = unpack(request["excerpt"], Excerpt)
    assembly.copy_from(Path(request["source"]), excerpt, on_packet=pulse(connection))
    assembly.start()
    send(connection, "started", assembly.extradata)
    while True:
        kind, value = receive(connection)
        if kind == "finish":
            break
        assembly.mux(_packet(connection, coding, *value))
        send(connection, "written")
    assembly.finish()
    send(connection, "finished")


def _packet(
    connection: socket.socket,
    coding: Coding,
    pts: int,
    dts: int,
    duration: int,
    is_keyframe: bool,
    size: int,
) -> av.Packet:
    packet = av.Packet(size)
    receive_bytes(connection, packet)
    packet.pts, packet.dts, packet.duration = pts, dts, duration
    packet.time_base, packet.is_keyframe = coding.info.time_base, is_keyframe
    return packet


if __name__ == "__main__":
    main(begin())
