"""Opens video files that nobody vouches for."""

import stat
from fractions import Fraction
from pathlib import Path

import av

from bvsrpp_jax.errors import InputError
from bvsrpp_jax.media.failures import told_as
from bvsrpp_jax.media.integrity import check_whole

# Containers that hold their streams themselves. Playlists and scripts (concat, HLS,
# DASH, image sequences ...), which make FFmpeg open other files, are not among them.
_FORMATS = (
    "mov,matroska,webm,avi,mpeg,mpegts,mpegvideo,flv,asf,ogg,mxf,nut,ivf,gif,apng,"
    "webp_anim,h264,hevc,m4v,av1,obu,yuv4mpegpipe,dv,rm,wtv,mp3,wav,flac,aac"
)


def open_container(path: Path) -> av.container.InputContainer:
    """Opens a video file for reading; the name is never taken for a URL or a pattern.

    Raises:
      InputError: it is missing, no ordinary file, empty, truncated or not a video.
    """
    advice = "Give a video file or a folder of pictures."
    with told_as(path, "cannot be read", advice):
        status = path.stat()
    if not stat.S_ISREG(status.st_mode):
        raise InputError(f"{path}: is not an ordinary file. {advice}")
    if not status.st_size:
        raise InputError(f"{path}: is empty. {advice}")
    check_whole(path)
    options = {"format_whitelist": _FORMATS, "protocol_whitelist": "file"}
    with told_as(path, "is not a video that can be read", advice):
        return av.open(f"file:{path}", options=options)


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
      InputError: there is none, or FFmpeg has no decoder for it.
    """
    cover = av.stream.Disposition.attached_pic
    streams = [s for s in container.streams.video if not s.disposition & cover]
    if not streams:
        raise InputError(
            f"{path}: has no video stream, only sound or a cover picture. Give a video."
        )
    if streams[0].codec_context is None:
        raise InputError(
            f"{path}: there is no decoder for its video. Convert it to H.264 first."
        )
    return streams[0]
