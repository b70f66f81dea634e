"""Opens video files that nobody vouches for."""

import stat
from fractions import Fraction
from pathlib import Path

import av

from bvsrpp_jax.errors import InputError
from bvsrpp_jax.media.allowed import (
    MAX_CHAPTERS,
    MAX_PIXELS,
    MAX_STREAMS,
    MAX_TAGS,
    VIDEO_DECODERS,
    opening_options,
)
from bvsrpp_jax.media.failures import told_as
from bvsrpp_jax.media.integrity import check_whole

_ADVICE = "Give a video file or a folder of pictures."


def open_container(
    path: Path, *, max_pixels: int = MAX_PIXELS
) -> av.container.InputContainer:
    """Opens a video file for reading; the name is never taken for a URL or a pattern.

    Raises:
      InputError: it is missing, no ordinary file, empty, truncated or not a video, or
        it has more streams, chapters or tags than any honest file.
    """
    check_ordinary(path, _ADVICE)
    with told_as(path, "cannot be read", _ADVICE):
        check_whole(path)
    options = opening_options(max_pixels)
    with told_as(path, "is not a video that can be read", _ADVICE):
        try:
            container = av.open(f"file:{path}", options=options)
            _check_extent(container, path)
        except UnicodeDecodeError as error:  # PyAV 19 takes any bytes
            raise InputError(
                f"{path}: its tags are not UTF-8. Remux the file without them."
            ) from error
    return container


def check_ordinary(path: Path, advice: str) -> None:
    """Raises an `InputError` unless it is a file with something in it.

    Opening a named pipe would wait for ever, and a device may never end.
    """
    with told_as(path, "cannot be read", advice):
        status = path.stat()
    if not stat.S_ISREG(status.st_mode):
        raise InputError(f"{path}: is not an ordinary file. {advice}")
    if not status.st_size:
        raise InputError(f"{path}: is empty. {advice}")


def seek_before(container: av.container.InputContainer, seconds: Fraction) -> None:
    """Skips most of what lies before a moment of the input's clock, where that is safe.

    Aims a second early, as an index may list decoding times. Containers without an
    index are read from their beginning.
    """
    if {"mov", "matroska"} & set(container.format.name.split(",")):
        container.seek(max(0, int((seconds - 1) * av.time_base)))


def main_video(container: av.container.InputContainer, path: Path):
    """The first video stream that is not a cover picture.

    Raises:
      InputError: there is none.
    """
    cover = av.stream.Disposition.attached_pic
    streams = [s for s in container.streams.video if not s.disposition & cover]
    if not streams:
        raise InputError(
            f"{path}: has no video stream, only sound or a cover picture. Give a video."
        )
    return streams[0]


def decodable_video(
    container: av.container.InputContainer, path: Path, *, max_pixels: int = MAX_PIXELS
):
    """The `main_video`, fit to be decoded.

    Raises:
      InputError: there is none, no decoder is let near it, or its frames have
        more than `max_pixels`.
    """
    stream = main_video(container, path)
    if stream.codec_context is None:
        raise InputError(
            f"{path}: there is no decoder for its video. Convert it to H.264 first."
        )
    decoder = stream.codec_context.codec.name
    if decoder not in VIDEO_DECODERS:
        raise InputError(
            f"{path}: its video needs the decoder {decoder}, which is not among those"
            " that read untrusted files. Convert it to H.264 first."
        )
    size = stream.width, stream.height
    if not all(size):  # some decoders forget the size that they refuse
        size = _stated_size(path, stream.index)
    if any(size):  # else the first frame tells
        check_size(path, *size, max_pixels=max_pixels)
    return stream


def check_size(path: Path, width: int, height: int, *, max_pixels: int) -> None:
    """Raises an `InputError` unless frames of this size may be decoded."""
    if width < 1 or height < 1:
        raise InputError(
            f"{path}: has no frame size. The file is damaged; get another copy."
        )
    if width * height > max_pixels:
        raise InputError(
            f"{path}: has {width}x{height} pixels, more than {max_pixels}. If that is"
            " meant, raise --max-pixels."
        )


def _stated_size(path: Path, index: int) -> tuple[int, int]:
    """What the container says of the size of a stream's frames, no decoder asked."""
    options = opening_options(1) | {"codec_whitelist": "-"}
    with av.open(f"file:{path}", options=options) as container:
        stream = container.streams[index]
        return stream.width, stream.height


def _check_extent(container: av.container.InputContainer, path: Path) -> None:
    """What is copied to the output is held in memory, twice."""
    tagged = [container, *container.streams]
    texts = [text for part in tagged for item in part.metadata.items() for text in item]
    for count, limit, what in (
        (len(container.streams), MAX_STREAMS, "streams"),
        (len(container.chapters()), MAX_CHAPTERS, "chapters"),
        (sum(map(len, texts)), MAX_TAGS, "characters of tags"),
    ):
        if count > limit:
            raise InputError(
                f"{path}: has {count} {what}, more than {limit}. Remux the file"
                " without them."
            )
