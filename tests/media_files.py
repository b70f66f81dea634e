"""Small clips, made with PyAV when a test asks for them."""

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from bvsrpp_jax.media.clip import ClipInfo
from bvsrpp_jax.media.color import BT709, Color

LIMITED, FULL = 1, 2
# What a writer is told of `pictures()`.
INFO = ClipInfo(
    name="in",
    width=64,
    height=48,
    deep=False,
    rate=Fraction(25),
    time_base=Fraction(1, 25),
    num_frames=5,
    color=Color(BT709, False, BT709, BT709),
)


def pictures(count: int = 5, *, width: int = 64, height: int = 48) -> np.ndarray:
    """[count, height, width, 3] uint8: a smooth pattern that moves to the right."""
    t, y, x = np.mgrid[:count, :height, :width]
    red = 120 + 80 * np.sin((x - 2 * t) / 7)
    green = 120 + 80 * np.cos((y + x - 2 * t) / 9)
    blue = 60 + 2 * y + t
    return np.stack([red, green, blue], -1).clip(0, 255).astype(np.uint8)


def write_video(
    path: Path,
    frames: np.ndarray | None = None,
    *,
    pts: Sequence[int] | None = None,
    time_base: Fraction = Fraction(1, 25),
    codec: str = "libx264",
    pix_fmt: str = "yuv420p",
    tracks: int = 0,
    audio_codec: str = "aac",
    audio_offset: float = 0.0,
    audio_seconds: float = 0.2,
    rotation: tuple | None = None,
    aspect: Fraction | None = None,
    color: tuple[int, int, int, int] | None = None,
    subtitles: bool = False,
    muxer_options: dict[str, str] | None = None,
    codec_options: dict[str, str] | None = None,
) -> Path:
    """Writes a clip.

    Args:
      path: its suffix decides the container.
      frames: [t, h, w, 3] uint8 or uint16 RGB.
      pts, time_base: when each is shown.
      tracks: sound tracks of that codec, each a tone of its own.
      audio_offset, audio_seconds: when the sound starts, and how long it is.
      rotation: arguments of PyAV's `set_display_rotation`.
      color: matrix, range, primaries and transfer to tag and encode with.
    """
    frames = pictures() if frames is None else frames
    pts = range(len(frames)) if pts is None else pts
    with av.open(str(path), "w", options=muxer_options or {}) as output:
        fast = {"preset": "ultrafast"} if codec in ("libx264", "libx265") else {}
        quiet = {"x265-params": "log-level=none"} if codec == "libx265" else {}
        options = {**fast, **quiet, **(codec_options or {})}
        video = output.add_stream(codec, rate=25, options=options)
        _, video.height, video.width, _ = frames.shape
        video.pix_fmt = pix_fmt
        video.codec_context.time_base = time_base
        if rotation:
            video.set_display_rotation(*rotation)
        if aspect:
            video.codec_context.sample_aspect_ratio = aspect
        if color:
            context = video.codec_context
            context.colorspace, context.color_range = color[:2]
            context.color_primaries, context.color_trc = color[2:]
        sounds = [output.add_stream(audio_codec, rate=48000) for _ in range(tracks)]
        text = output.add_mux_stream("subrip") if subtitles else None
        for picture, time in zip(frames, pts, strict=True):
            frame = _frame(picture, pix_fmt, color)
            frame.pts, frame.time_base = int(time), time_base
            output.mux(video.encode(frame))
        output.mux(video.encode(None))
        for index, sound in enumerate(sounds):
            length = round(48000 * audio_seconds)
            _write_tone(output, sound, 300 + 200 * index, audio_offset, length)
        if text is not None:
            packet = av.Packet(b"a line of text")
            packet.stream, packet.time_base = text, Fraction(1, 1000)
            packet.pts = packet.dts = 40
            packet.duration = 80
            output.mux(packet)
    return path


def read_frames(path: Path) -> list[av.VideoFrame]:
    with av.open(str(path)) as container:
        return list(container.decode(video=0))


def seconds(path: Path) -> list[Fraction]:
    """When each frame is shown."""
    return [frame.pts * _fraction(frame.time_base) for frame in read_frames(path)]


def packets(path: Path, kind: str, index: int = 0) -> list[tuple[Fraction, bytes]]:
    """(time, bytes) of every packet of a stream."""
    with av.open(str(path)) as container:
        stream = container.streams.get({kind: index})[0]
        return [
            (packet.pts * _fraction(packet.time_base), bytes(packet))
            for packet in container.demux(stream)
            if packet.size
        ]


def _frame(picture: np.ndarray, pix_fmt: str, color) -> av.VideoFrame:
    given = "rgb24" if picture.dtype == np.uint8 else "rgb48le"
    frame = av.VideoFrame.from_ndarray(picture, given)
    if color is None:
        return frame.reformat(format=pix_fmt)
    matrix, range_, primaries, transfer = color
    frame = frame.reformat(
        format=pix_fmt,
        dst_colorspace=5 if matrix == 6 else matrix,
        src_color_range=FULL,
        dst_color_range=range_,
        interpolation=0x46004,
    )
    frame.colorspace, frame.color_range = matrix, range_
    frame.color_primaries, frame.color_trc = primaries, transfer
    return frame


def _write_tone(output, stream, hertz: int, offset: float, length: int) -> None:
    wave = 0.3 * np.sin(2 * np.pi * hertz * np.arange(length) / 48000)
    format = stream.codec_context.format.name
    for first in range(0, length, 960):  # 20 ms a frame
        _write_sound(output, stream, wave[first : first + 960], format, first, offset)
    output.mux(stream.encode(None))


def _write_sound(output, stream, wave, format: str, first: int, offset: float) -> None:
    if format.startswith("s16"):
        wave = np.round(32767 * wave).astype(np.int16)
    wave = np.stack([wave, wave]).astype(np.int16 if "s16" in format else np.float32)
    if not format.endswith("p"):
        wave = wave.T.reshape(1, -1)
    frame = av.AudioFrame.from_ndarray(wave, format=format, layout="stereo")
    frame.sample_rate, frame.time_base = 48000, Fraction(1, 48000)
    frame.pts = first + round(offset * 48000)
    output.mux(stream.encode(frame))


def _fraction(rational) -> Fraction:
    return Fraction(rational.numerator, rational.denominator)
