"""What a container can hold, found out by trying.

FFmpeg's list of codecs is wider than the truth: some are refused when the header is
written, some only with the index at the very end, which would be hours later.
"""

from collections.abc import Collection
from io import BytesIO
from pathlib import Path

import av

from bvsrpp_jax.media.container import open_container
from bvsrpp_jax.media.failures import told_as

_SEARCHED = 1000  # packets in which each stream's first one is looked for


def held(muxer: str, source: Path, indices: Collection[int]) -> set[int]:
    """Which streams of a file can be copied into a container.

    Writes one in memory for each of them, that has only this stream and its first
    packet. The file is read once, however many there are.

    Raises:
      InputError: the file cannot be read.
    """
    with open_container(source) as given:
        wanted = {i for i in indices if given.streams[i].type != "attachment"}
        with told_as(source, "its streams cannot be read", "The file may be damaged."):
            first = _first_packets(given, wanted)
        return {i for i in indices if _holds(muxer, given.streams[i], first.get(i))}


def _holds(muxer: str, stream, packet: av.Packet | None) -> bool:
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


def _first_packets(
    container: av.container.InputContainer, wanted: set[int]
) -> dict[int, av.Packet]:
    first = {}
    for _, packet in zip(range(_SEARCHED), container.demux(), strict=False):
        if packet.size:
            first.setdefault(packet.stream.index, packet)
        if wanted <= first.keys():
            break
    return first
