"""How a video is coded, and a stream of that kind in a container."""

import os
from dataclasses import dataclass
from pathlib import Path

import av

from bvsrpp_jax.errors import InputError
from bvsrpp_jax.media.clip import ClipInfo
from bvsrpp_jax.media.codecs import (
    choose_pixel_format,
    container_of,
    find_encoder,
    is_deep,
    quality_options,
)
from bvsrpp_jax.media.hdr import light_options

_MOST_THREADS = 16  # what x265 takes; more gain little within one picture


@dataclass(frozen=True)
class Coding:
    """Everything that a video's packets and its header depend on.

    Attributes:
      info: what the frames are.
      muxer: FFmpeg's name of the container.
      codec: FFmpeg's name of the encoder.
      options: of the encoder.
      pixel_format: FFmpeg's name of it.
      threads: of the encoder. The bytes of x264 and the header of x265 depend on it.
    """

    info: ClipInfo
    muxer: str
    codec: str
    options: dict
    pixel_format: str
    threads: int


def choose_coding(
    path: Path,
    info: ClipInfo,
    *,
    codec: str | None = None,
    crf: int | None = None,
    pixel_format: str | None = None,
    threads: int | None = None,
) -> Coding:
    """What an output is coded with, where not everything is said.

    Args:
      path: the output; its suffix decides the container.
      info: what the frames are.
      codec: FFmpeg's name of the encoder, None for the container's usual one.
      crf: constant quality, lower is better; None for `codecs.DEFAULT_CRF`.
      pixel_format: FFmpeg's name of it, None for what suits the frames.
      threads: of the encoder, None for one a processor.

    Raises:
      InputError: there is no such container, encoder or setting.
    """
    muxer, usual = container_of(path, deep=is_deep(pixel_format, deep=info.deep))
    encoder = find_encoder(codec or usual)
    options = _merged(
        quality_options(encoder.name, crf), light_options(encoder.name, info.light)
    )
    size = {"width": info.width, "height": info.height}
    format = choose_pixel_format(encoder, **size, deep=info.deep, asked=pixel_format)
    threads = threads or encoder_threads()
    return Coding(info, muxer, encoder.name, options, format, threads)


def encoder_threads() -> int:
    """One for every processor that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return min(len(os.sched_getaffinity(0)), _MOST_THREADS)
    return min(os.cpu_count() or 1, _MOST_THREADS)


def add_video(container: av.container.OutputContainer, path: Path, coding: Coding):
    """Adds the video stream, with every tag that players look at.

    Raises:
      InputError: the container cannot hold it; `path` is the output, for messages.
    """
    info, options = coding.info, dict(coding.options)
    try:
        stream = container.add_stream(coding.codec, rate=info.rate, options=options)
    except ValueError as error:
        raise InputError(
            f"{path}: {path.suffix} cannot hold what {coding.codec} encodes. Name the"
            f" output {path.with_suffix('.mkv').name} or choose another codec."
        ) from error
    stream.width, stream.height = info.width, info.height
    stream.pix_fmt = coding.pixel_format
    context, color = stream.codec_context, info.color.for_video(info.height)
    context.thread_count = coding.threads
    context.time_base = stream.time_base = info.time_base
    context.sample_aspect_ratio = info.sample_aspect_ratio
    context.colorspace, context.color_primaries = color.matrix, color.primaries
    context.color_trc = color.transfer
    context.color_range = 2 if color.full_range else 1
    if coding.codec == "libx265" and container.format.name in ("mp4", "mov"):
        context.codec_tag = "hvc1"  # the tag that QuickTime plays
    return stream


def _merged(options: dict[str, str], more: dict[str, str]) -> dict[str, str]:
    """Both; an encoder's own settings, which are one option, are joined."""
    shared = options.keys() & more.keys()
    return {**options, **more, **{k: f"{options[k]}:{more[k]}" for k in shared}}
