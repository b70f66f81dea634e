"""Every frame comes with its timestamp, or an error says which one does not."""

from fractions import Fraction

import av
import numpy as np
import pytest
from media_files import pictures, write_video

from bvsrpp_jax.errors import InputError
from bvsrpp_jax.media.decoding import Decoder, Excerpt

WHOLE = Excerpt()


def times(path, excerpt=WHOLE):
    decoder = Decoder(path)
    return [pts * decoder.time_base for _, pts in decoder.frames(excerpt)]


def test_variable_timestamps_are_kept(tmp_path):
    pts = [0, 40, 90, 400, 960]
    path = write_video(tmp_path / "vfr.mp4", pts=pts, time_base=Fraction(1, 1000))
    assert times(path) == [Fraction(p, 1000) for p in pts]


def test_raw_streams_get_times_from_their_rate(tmp_path):
    path = write_video(tmp_path / "raw.h264")
    with av.open(str(path)) as container:
        assert next(container.decode(video=0)).pts is None  # or it proves nothing
    assert times(path) == [Fraction(i, 25) for i in range(5)]


def test_excerpts_begin_and_end_where_they_say(tmp_path):
    path = write_video(tmp_path / "clip.mp4", pictures(100))
    found = times(path, Excerpt(Fraction(3), Fraction(16, 5)))
    assert found == [Fraction(i, 25) for i in range(75, 80)]


@pytest.mark.parametrize("kind", ["mp4", "mkv", "avi", "ts"])
def test_promised_counts_are_about_right(tmp_path, kind):
    path = write_video(tmp_path / f"clip.{kind}", pictures(30))
    assert abs(Decoder(path).num_frames - 30) <= 1


def damage(path, positions):
    data = bytearray(path.read_bytes())
    for position in positions:
        data[position] ^= 0xFF
    path.write_bytes(data)


def tenth_packet(path):
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        packet = list(container.demux(stream))[10]
        return packet.pos, packet.size


@pytest.mark.parametrize("codec", ["libx264", "libx265", "mpeg4"])
def test_a_packet_of_noise_is_an_error_that_counts(tmp_path, codec):
    path = write_video(tmp_path / "clip.mp4", pictures(24), codec=codec)
    start, size = tenth_packet(path)
    damage(path, range(start, start + size))
    message = r"clip.mp4: (decoded \d+ of 24 frames|frame \d+ of 24 is damaged)"
    with pytest.raises(InputError, match=message):
        times(path)


def test_a_frame_that_the_decoder_mends_is_an_error(tmp_path):
    path = write_video(tmp_path / "clip.mp4", pictures(24), codec="mpeg4")
    start, size = tenth_packet(path)
    damage(path, [start + size // 2])
    with av.open(str(path)) as container:
        assert len(list(container.decode(video=0))) == 24  # or it proves nothing
    with pytest.raises(InputError, match="frame 10 of 24 is damaged"):
        times(path)


def test_a_frame_that_the_decoder_drops_is_an_error(tmp_path):
    """HEVC frames with a damaged header vanish, and others with them."""
    path = write_video(tmp_path / "clip.mp4", pictures(24), codec="libx265")
    start, _ = tenth_packet(path)
    damage(path, [start + 4, start + 5])
    with av.open(str(path)) as container:
        assert len(list(container.decode(video=0))) < 24  # or it proves nothing
    message = r"decoded \d+ of 24 frames, the one at 0\.\d+ s is missing"
    with pytest.raises(InputError, match=message):
        times(path)


def test_a_missing_end_is_noticed_without_a_decoder_error(tmp_path, monkeypatch):
    decoder = Decoder(write_video(tmp_path / "clip.mp4", pictures(10)))
    packets = list(decoder._container.demux(decoder.stream))
    few = iter([*packets[:6], packets[-1]])  # the last one ends the stream
    monkeypatch.setattr(decoder, "_container", type("", (), {"demux": lambda *_: few}))
    with pytest.raises(InputError, match=r"decoded \d+ of 10 frames, those at the end"):
        list(decoder.frames(WHOLE))


def test_times_that_run_backwards_are_an_error(tmp_path):
    with av.open(str(tmp_path / "clip.mkv"), "w") as output:
        video = output.add_stream("mjpeg", rate=25, width=16, height=16)
        video.pix_fmt = "yuvj420p"
        for index, pts in enumerate([0, 1, 2, 2]):
            grey = np.full((16, 16, 3), 99, np.uint8)
            frame = av.VideoFrame.from_ndarray(grey, "rgb24")
            frame.pts, frame.time_base = index, Fraction(1, 25)
            for packet in video.encode(frame):
                packet.pts, packet.dts = pts, None
                output.mux(packet)
    with pytest.raises(InputError, match="frame 3 is not later"):
        times(tmp_path / "clip.mkv")
