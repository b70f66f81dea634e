"""What a container can hold, found out by trying.

FFmpeg's list of codecs is wider than the truth: some are refused when the header is
written, some only with the index at the very end, which would be hours later.
"""

from io import BytesIO
from pathlib import Path

import av

from bvsrpp_jax.media.container import open_container

_SEARCHED = 1000  # packets in which a stream's first one is looked for


def can_hold(muxer: str, source: Path, index: int) -> bool:
    """Whether a stream of a file can be copied into a container.

    Writes one in memory that has only this stream and its first packet.
    """
    with open_container(source) as given:
        stream = given.streams[index]
        packet = None if stream.type == "attachment" else _first_packet(given, index)
        try:
            with av.open(BytesIO(), "w", format=muxer) as trial:
                copy = trial.add_stream_from_template(stream)
                trial.start_encoding()
                if packet is not None:
                    packet.stream = copy
                    trial.mux(packet)
        except (ValueError, av.error.FFmpegError):
            return False
    return True


def _first_packet(container: av.container.InputContainer, index: int):
    for _, packet in zip(range(_SEARCHED), container.demux(), strict=False):
        if packet.stream.index == index and packet.size:
            return packet
    return None
