"""What fits into a container is known before the work begins."""

from fractions import Fraction

import av
import pytest
from av.stream import Disposition
from odd_media import both, colours, flat_frame, sound, text, write_patches
from test_media_odd import restored

from bvsrpp_jax.errors import InputError
from bvsrpp_jax.media import holding
from bvsrpp_jax.media.holding import held


@pytest.mark.parametrize(
    ("codec", "fits", "does_not"),
    [
        ("libopus", ["mp4", "webm", "matroska"], ["mov"]),  # known with the header
        ("flac", ["mp4", "matroska"], ["mov", "webm"]),
        ("pcm_s16le", ["mov", "matroska"], ["mp4", "webm"]),  # known with the index
        ("aac", ["mp4", "mov", "matroska"], ["webm"]),
    ],
)
def test_sound_is_tried(tmp_path, codec, fits, does_not):
    path = write_patches(tmp_path / "in.mkv", colours(2), add=sound(codec))
    found = [muxer for muxer in fits + does_not if held(muxer, path, [1])]
    assert found == fits


def test_the_file_is_opened_once_for_all_its_streams(tmp_path, monkeypatch):
    add = both(*(sound("aac") for _ in range(5)))
    path = write_patches(tmp_path / "in.mkv", colours(2), add=add)
    opened, opening = [], holding.open_container
    monkeypatch.setattr(
        holding, "open_container", lambda path: opened.append(path) or opening(path)
    )
    assert held("matroska", path, range(1, 6)) == {1, 2, 3, 4, 5}
    assert opened == [path]


def test_damage_met_while_trying_is_one_line(tmp_path, monkeypatch):
    def broken(*_):
        raise av.error.InvalidDataError(1, "Invalid data")

    path = write_patches(tmp_path / "in.mkv", colours(2), add=sound("aac"))
    monkeypatch.setattr(holding, "_first_packets", broken)
    with pytest.raises(InputError, match="in.mkv: its streams cannot be read"):
        held("matroska", path, [1])


@pytest.mark.parametrize(
    ("codec", "suffix"), [("libopus", "mov"), ("pcm_s16le", "mp4")]
)
def test_sound_that_does_not_fit_is_told_at_once(tmp_path, codec, suffix):
    path = write_patches(tmp_path / "in.mkv", colours(2), add=sound(codec))
    with pytest.raises(InputError, match=f".{suffix} cannot hold the input's .* sound"):
        restored(path, tmp_path / f"out.{suffix}")


def font(output):
    output.add_attachment("font.ttf", "font/ttf", b"\0\1\0\0" * 30)
    return list


def described(path):
    """Language, title and flags of every track but the video."""
    with av.open(str(path)) as container:
        return [
            (
                stream.type,
                stream.language,
                stream.metadata.get("title", stream.metadata.get("name")),
                int(stream.disposition),
            )
            for stream in container.streams
            if stream.type in ("audio", "subtitle")
        ]


FLAGS = Disposition.forced | Disposition.comment
TRACKS = [
    sound("aac", language="eng", disposition=Disposition.default),
    sound("ac3", language="ger", disposition=FLAGS, title="Kommentar"),
]


@pytest.mark.parametrize("source", ["in.mp4", "in.mkv"])
@pytest.mark.parametrize("target", ["out.mp4", "out.mkv"])
def test_tracks_keep_language_title_and_flags(tmp_path, source, target):
    path = write_patches(tmp_path / source, colours(3), add=both(*TRACKS))
    assert restored(path, tmp_path / target) == []
    told = described(tmp_path / target)
    assert told == [
        ("audio", "eng", None, int(Disposition.default)),
        ("audio", "ger", "Kommentar", int(FLAGS)),
    ]


def test_subtitles_and_fonts_stay_in_matroska(tmp_path):
    forced = text("subrip", b"uno", language="spa", disposition=Disposition.forced)
    add = both(text("subrip", b"one", b"two"), forced, font)
    path = write_patches(tmp_path / "in.mkv", colours(3), add=add)
    assert restored(path, tmp_path / "out.mkv") == []
    assert described(tmp_path / "out.mkv") == described(path)
    with av.open(str(tmp_path / "out.mkv")) as container:
        assert container.streams.attachments[0].data == b"\0\1\0\0" * 30


def test_what_mp4_cannot_hold_is_left_out_with_a_note(tmp_path):
    add = both(text("subrip", b"one"), font, *TRACKS)
    path = write_patches(tmp_path / "in.mkv", colours(3), add=add)
    notes = restored(path, tmp_path / "out.mp4")
    assert len(notes) == 2
    assert all("is left out: .mp4 cannot hold it" in note for note in notes)
    assert [track[:2] for track in described(tmp_path / "out.mp4")] == [
        ("audio", "eng"),
        ("audio", "ger"),
    ]


def test_subtitles_of_mp4_stay_and_its_chapters_are_no_stream(tmp_path):
    def chapters(output):
        ends = {"start": 0, "end": 80, "time_base": Fraction(1, 1000)}
        output.set_chapters([{"id": 1, **ends, "metadata": {"title": "one"}}])
        return list

    add = both(text("mov_text", b"\0\3one", b"\0\3two"), chapters)
    path = write_patches(tmp_path / "in.mp4", colours(3), add=add)
    assert restored(path, tmp_path / "out.mp4") == []
    with av.open(str(tmp_path / "out.mp4")) as container:
        assert [c["metadata"]["title"] for c in container.chapters()] == ["one"]
        lines = [bytes(p) for p in container.demux(subtitles=0) if p.size]
    assert [line for line in lines if len(line) > 2] == [b"\0\3one", b"\0\3two"]


def test_time_codes_and_covers_are_left_out_with_a_note(tmp_path):
    path = write_patches(tmp_path / "a.mov", colours(3), timecode="01:00:00:00")
    (note,) = restored(path, tmp_path / "out.mov")
    assert "a.mov: stream 1 (data, " in note

    def cover(output):
        stream = output.add_stream("png", rate=1)
        (stream.width, stream.height), stream.pix_fmt = (64, 48), "rgb24"
        stream.disposition = Disposition.attached_pic
        frame = flat_frame(colours(1)[0], "rgb24")
        frame.pts = 0
        return lambda: stream.encode(frame) + stream.encode(None)

    path = write_patches(tmp_path / "b.mp4", colours(3), add=cover)
    (note,) = restored(path, tmp_path / "out.mp4")
    assert "b.mp4: stream 1 (video, png) is left out" in note
