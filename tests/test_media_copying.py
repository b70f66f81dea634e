"""Sound, subtitles and chapters arrive untouched."""

import warnings
from fractions import Fraction

import av
import numpy as np
import pytest
from media_files import packets, pictures, write_video

from bvsrpp_jax.errors import InputError
from bvsrpp_jax.media.reader import VideoReader
from bvsrpp_jax.media.writer import VideoWriter


def rewrite(source, target, **part):
    with (
        VideoReader(source, **part) as reader,
        VideoWriter(
            target, reader.info, copy_from=reader.path, excerpt=reader.excerpt
        ) as writer,
    ):
        for frame in reader:
            writer.write(frame)
        writer.commit()
    return target


@pytest.mark.parametrize("suffix", ["mp4", "mov", "mkv"])
def test_every_sound_track_is_copied_byte_for_byte(tmp_path, suffix):
    source = write_video(tmp_path / "in.mkv", tracks=2, audio_offset=0.06)
    target = rewrite(source, tmp_path / f"out.{suffix}")
    for track in (0, 1):
        before = packets(source, "audio", track)
        after = packets(target, "audio", track)
        assert [data for _, data in after] == [data for _, data in before]
        for (was, _), (now, _) in zip(before, after, strict=True):
            assert abs(was - now) < Fraction(1, 1000)
    assert packets(source, "audio", 0) != packets(source, "audio", 1)


def test_sound_is_laid_beside_the_picture_as_it_grows(tmp_path):
    """A muxer that waits for sound holds every picture in memory."""
    noise = np.random.default_rng(0).integers(0, 256, (30, 48, 64, 3), np.uint8)
    source = write_video(tmp_path / "in.mp4", noise, tracks=1, audio_seconds=1.2)
    target = tmp_path / "out.mp4"
    with (
        VideoReader(source) as reader,
        VideoWriter(target, reader.info, codec="mpeg4", copy_from=source) as writer,
    ):
        for frame in reader:
            writer.write(frame)
        (partial,) = tmp_path.glob(".out.mp4.*")
        written = partial.stat().st_size
        writer.commit()
    assert written > 0.5 * target.stat().st_size


def test_no_sound_is_fine(tmp_path):
    target = rewrite(write_video(tmp_path / "in.mp4"), tmp_path / "out.mp4")
    with av.open(str(target)) as container:
        assert [stream.type for stream in container.streams] == ["video"]


def test_titles_and_languages_are_kept(tmp_path):
    plain = write_video(tmp_path / "plain.mkv", tracks=1)
    named = tmp_path / "named.mkv"
    with av.open(str(plain)) as source, av.open(str(named), "w") as output:
        output.metadata["title"] = "A Title"
        copies = {s: output.add_stream_from_template(s) for s in source.streams}
        copies[source.streams.audio[0]].metadata["language"] = "fre"
        for packet in source.demux():
            if packet.size:
                packet.stream = copies[packet.stream]
                output.mux(packet)
    with av.open(str(rewrite(named, tmp_path / "out.mp4"))) as container:
        assert container.metadata["title"] == "A Title"
        assert container.streams.audio[0].language == "fre"


def test_sound_is_cut_with_the_picture(tmp_path):
    """Of 0.2 s of sound, what lies between 0.08 s and 0.16 s, and moved to zero."""
    source = write_video(tmp_path / "in.mkv", tracks=1, audio_codec="pcm_s16le")
    part = {"start": Fraction("0.08"), "duration": Fraction("0.08")}
    target = rewrite(source, tmp_path / "out.mkv", **part)
    first, last = Fraction("0.08"), Fraction("0.16")
    kept = [(time, d) for time, d in packets(source, "audio") if first <= time < last]
    cut = packets(target, "audio")
    assert [data for _, data in cut] == [data for _, data in kept]
    assert len(cut) >= 1
    for (before, _), (after, _) in zip(kept, cut, strict=True):
        assert abs(before - first - after) <= Fraction(1, 1000)


def test_sound_that_does_not_fit_is_named_with_a_way_out(tmp_path):
    source = write_video(tmp_path / "in.mkv", tracks=1)
    message = r"out.webm: .webm cannot hold the input's aac sound. .*out.mkv"
    with pytest.raises(InputError, match=message):
        rewrite(source, tmp_path / "out.webm")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["in.mkv"]


def test_subtitles_are_copied_or_left_out_with_a_note(tmp_path):
    source = write_video(tmp_path / "in.mkv", subtitles=True)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        target = rewrite(source, tmp_path / "out.mkv")
    assert packets(target, "subtitles") == packets(source, "subtitles") != []
    with pytest.warns(UserWarning, match="subrip.* is left out: .mp4 cannot hold it"):
        rewrite(source, tmp_path / "out.mp4")


def test_chapters_are_cut_with_the_clip(tmp_path):
    source = write_video(tmp_path / "plain.mkv", pictures(25))
    chapters = [
        {"id": i, "start": 500 * i, "end": 500 * (i + 1), "metadata": {"title": title}}
        for i, title in enumerate(["one", "two"])
    ]
    for chapter in chapters:
        chapter["time_base"] = Fraction(1, 1000)
    named = tmp_path / "in.mkv"
    with av.open(str(source)) as given, av.open(str(named), "w") as output:
        output.set_chapters(chapters)
        copy = output.add_stream_from_template(given.streams.video[0])
        for packet in given.demux():
            if packet.size:
                packet.stream = copy
                output.mux(packet)
    whole = rewrite(named, tmp_path / "whole.mkv")
    part = rewrite(named, tmp_path / "part.mkv", start=Fraction("0.6"))

    def told(path):
        with av.open(str(path)) as container:
            return [
                (c["metadata"]["title"], float(c["start"] * c["time_base"]))
                for c in container.chapters()
            ]

    assert told(whole) == [("one", 0.0), ("two", 0.5)]
    assert told(part) == [("two", 0.0)]
