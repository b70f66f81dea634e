"""The page that compares two clips, as a parser sees it."""

import itertools
import re
import tracemalloc
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from comparison_clips import folder, page_of, plain
from media_files import pictures, write_video
from odd_media import colours, write_patches
from parsed_page import Parsed, assert_sealed

from bvsrpp_jax import cli
from bvsrpp_jax.comparison import write_page
from bvsrpp_jax.comparison.facts import cut_note
from bvsrpp_jax.errors import InputError
from bvsrpp_jax.evaluation.metrics import psnr, ssim
from bvsrpp_jax.media import Frame, open_clip

HOSTILE = ("<script>alert(1)</script>.mp4", "\"'>&amp;<img src=x onerror=alert(1)>")


@pytest.fixture
def clips(tmp_path):
    """Two folders of six frames that differ."""
    brighter = pictures(6) + np.arange(6, dtype=np.uint8)[:, None, None, None]
    a = folder(tmp_path / "a", np.maximum(brighter, pictures(6)))
    return a, folder(tmp_path / "b", pictures(6))


def test_the_page_holds_every_frame_without_loss(clips, tmp_path):
    counted = []
    written = page_of(
        *clips, tmp_path / "page.html", on_frame=lambda: counted.append(1)
    )
    page = Parsed(tmp_path / "page.html")
    assert written.num_frames == len(counted) == 6
    assert written.num_bytes == (tmp_path / "page.html").stat().st_size
    for side, clip in zip("ab", clips, strict=True):
        with open_clip(clip) as source:
            for index, frame in enumerate(source):
                shown = page.picture(f"{side}{index}")
                np.testing.assert_array_equal(shown, frame.pixels)
    assert "a6" not in page.texts


def test_the_curves_are_those_of_the_metrics(clips, tmp_path):
    page_of(*clips, tmp_path / "page.html")
    facts = Parsed(tmp_path / "page.html").facts
    a, b = (np.array([f.pixels for f in open_clip(clip)]) for clip in clips)
    assert facts["psnr"][0] is None  # equal frames
    np.testing.assert_allclose(
        facts["psnr"][1:], psnr(a, b, channel="y")[1:], atol=0.0005
    )
    np.testing.assert_allclose(facts["ssim"], ssim(a, b, channel="y"), atol=0.000005)
    assert facts["times"] == [0, 0.04, 0.08, 0.12, 0.16, 0.2]


def test_frames_smaller_than_the_window_of_ssim_have_none(tmp_path):
    a = folder(tmp_path / "a", plain((9, 9, 9), width=8, height=8))
    page_of(a, a, tmp_path / "page.html")
    facts = Parsed(tmp_path / "page.html").facts
    assert (facts["psnr"], facts["ssim"]) == ([None], [None])


def test_the_page_is_sealed(clips, tmp_path):
    page_of(*clips, tmp_path / "page.html")
    assert_sealed(Parsed(tmp_path / "page.html"))


def test_the_page_names_no_address(clips, tmp_path):
    page_of(*clips, tmp_path / "page.html")
    text = (tmp_path / "page.html").read_text()
    namespace = "http://www.w3.org/2000/svg"  # a name, nothing that is fetched
    assert set(re.findall(r"\w+://[^\"' ]*", text)) == {namespace}


def test_a_name_is_text_whatever_it_holds(clips, tmp_path):
    page_of(*clips, tmp_path / "plain.html")
    page_of(*clips, tmp_path / "hostile.html", names=HOSTILE)
    expected, found = Parsed(tmp_path / "plain.html"), Parsed(tmp_path / "hostile.html")
    assert found.tags == expected.tags
    assert found.texts["title"] == " / ".join(HOSTILE)
    assert [clip["name"] for clip in found.facts["clips"]] == list(HOSTILE)


def test_names_that_are_no_unicode_do_not_stop_the_page(clips, tmp_path):
    page_of(*clips, tmp_path / "page.html", names=("caf\udce9.mp4", "\u202egnp.exe"))
    assert Parsed(tmp_path / "page.html").texts["title"].startswith("caf?.mp4")


def test_the_advice_of_a_page_that_was_cut_shows_the_next_frame(clips, tmp_path):
    written = page_of(*clips, tmp_path / "1.html", max_frames=4)
    assert written.num_frames == 4
    (note,) = written.notes
    assert Parsed(tmp_path / "1.html").facts["notes"] == [note]
    assert note.startswith("The clips go on after these 4 frames: --start 0.16 shows")
    start = Fraction(re.search(r"--start (\S+)", note)[1])
    page_of(*clips, tmp_path / "2.html", start=start)
    page = Parsed(tmp_path / "2.html")
    np.testing.assert_array_equal(page.picture("b0"), pictures(6)[4])
    assert page.facts["times"] == [0.16, 0.2]


@pytest.mark.parametrize(
    ("seconds", "told"),
    [(Fraction(36000) + Fraction(2, 3), "36000.666"), (Fraction(10), "10")],
)
def test_the_advice_is_never_later_than_the_frame(seconds, told):
    assert f" --start {told} shows" in cut_note(5, seconds)


def test_a_page_that_was_cut_does_not_tell_of_an_end_it_does_not_reach(tmp_path):
    a, b = folder(tmp_path / "a", pictures(3)), folder(tmp_path / "b", pictures(4))
    (note,) = page_of(a, b, tmp_path / "page.html", max_frames=2).notes
    assert note.startswith("The clips go on after these 2 frames")
    (note,) = page_of(a, b, tmp_path / "whole.html", max_frames=3).notes
    assert note.startswith("A ends after 3 frames")


def test_a_page_does_not_outgrow_its_limit(clips, tmp_path):
    whole = page_of(*clips, tmp_path / "whole.html").num_bytes
    rest = page_of(*clips, tmp_path / "none.html", max_bytes=1)
    assert rest.num_frames == 1
    written = page_of(*clips, tmp_path / "page.html", max_bytes=whole // 2)
    assert 1 <= written.num_frames < 6
    assert "which fill the" in written.notes[0]
    assert "--quality 90 makes room" in written.notes[0]


def test_quality_makes_the_page_smaller_and_says_so(clips, tmp_path):
    lossless = page_of(*clips, tmp_path / "lossless.html")
    lossy = page_of(*clips, tmp_path / "lossy.html", quality=50)
    assert lossy.num_bytes < lossless.num_bytes
    assert Parsed(tmp_path / "lossy.html").facts["quality"] == 50


def test_memory_does_not_grow_with_the_clip(tmp_path):
    """Noise of 128x96 is 100 kB a pair in the page; forty more would be 4 MB."""
    random, numbers = np.random.default_rng(0), itertools.count()

    def source(count):
        pixels = random.integers(0, 256, (96, 128, 3), np.uint8)
        frames = (Frame(pixels + np.uint8(i), i) for i in range(count))
        return Clip(tmp_path / "clip", frames)

    class Clip(SimpleNamespace):
        def __init__(self, path, frames):
            with open_clip(
                folder(tmp_path / str(next(numbers)), plain((0, 0, 0)))
            ) as like:
                info = replace(like.info, width=128, height=96)
            super().__init__(path=path, info=info, frames=frames)

        def __iter__(self):
            return self.frames

    def peak(count):
        tracemalloc.start()
        path = tmp_path / f"{count}.html"
        write_page(source(count), source(count), path, names=("A", "B"))
        try:
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    peak(2)  # imports
    assert peak(45) - peak(5) < 1e6


def test_nothing_is_left_of_a_page_whose_clip_is_damaged(clips, tmp_path):
    (clips[1] / "5.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    with pytest.raises(InputError, match=r"5\.png: is not a picture"):
        page_of(*clips, tmp_path / "page.html")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a", "b"]


def test_a_page_never_replaces_a_clip(clips, tmp_path):
    a, b = clips[0] / "0.png", clips[1] / "0.png"
    for path in (a, b):
        with pytest.raises(InputError, match=r"0\.png: is the input"):
            page_of(a, b, path, overwrite=True)


def test_a_page_is_not_replaced_unasked(clips, tmp_path):
    path = tmp_path / "page.html"
    path.write_text("mine")
    with pytest.raises(InputError, match=r"page\.html: exists"):
        page_of(*clips, path)
    assert path.read_text() == "mine"
    page_of(*clips, path, overwrite=True)
    assert Parsed(path).facts


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"max_frames": 0}, "max-frames: 0 is too few"),
        ({"quality": 0}, "quality: 0 is out of range"),
        ({"quality": 101}, "quality: 101 is out of range"),
    ],
)
def test_numbers_out_of_range_are_told(clips, tmp_path, options, message):
    with pytest.raises(InputError, match=message):
        page_of(*clips, tmp_path / "page.html", **options)


def test_frames_that_no_page_can_hold_are_told(tmp_path):
    a = folder(tmp_path / "a", plain((0, 0, 0), width=16384, height=1))
    with pytest.raises(InputError, match=r"16384x1 pixels .* Write a video"):
        page_of(a, a, tmp_path / "page.html")


def run(*argv):
    try:
        return cli.main(argv)
    except SystemExit as ended:
        return ended.code


def test_the_command_writes_a_page(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    write_video(Path("in.mp4"), pictures(6, width=16, height=16))
    write_video(Path("out.mp4"), pictures(4, width=64, height=64))
    assert run("compare", "in.mp4", "out.mp4", "-o", "page.html") == 0
    out, err = capsys.readouterr()
    assert out == "page.html: 4 frames\n"
    assert err == (
        "bvsrpp: note: B ends after 4 frames, A goes on: compared up to there.\n"
    )
    facts = Parsed(Path("page.html")).facts
    assert [clip["name"] for clip in facts["clips"]] == ["in.mp4", "out.mp4"]
    assert [clip["size"] for clip in facts["clips"]] == [[16, 16], [64, 64]]
    assert facts["size"] == [64, 64]


def test_clips_of_one_name_are_told_apart_by_their_folders(clips, monkeypatch):
    monkeypatch.chdir(clips[0].parent)
    assert run("compare", "a/1.png", "b/1.png", "-o", "page.html") == 0
    facts = Parsed(Path("page.html")).facts
    assert [clip["name"] for clip in facts["clips"]] == ["a/1.png", "b/1.png"]


def test_every_option_arrives(clips, monkeypatch):
    monkeypatch.chdir(clips[0].parent)
    options = ("--start=0.04", "--duration=0.16", "--max-frames=3", "--quality=80")
    names = ("--names", "low, <restored>")
    assert run("compare", "a", "b", "-o", "page.html", *options, *names) == 0
    assert run("compare", "a", "b", "-o", "page.html") == 2
    assert run("compare", "a", "b", "-o", "page.html", "--overwrite", *options) == 0
    facts = Parsed(Path("page.html")).facts
    assert facts["times"] == [0.04, 0.08, 0.12]
    assert facts["quality"] == 80


def test_an_interlaced_tape_is_compared_with_what_was_made_of_it(
    tmp_path, monkeypatch, capsys
):
    """A is interlaced; B are pictures, which cannot be."""
    monkeypatch.chdir(tmp_path)
    options = {"flags": "+ilme+ildct"}
    kind = {"codec": "mpeg2video", "field": "tff", "options": options}
    write_patches(tmp_path / "a.mkv", colours(2), **kind)
    folder(tmp_path / "b", pictures(2))
    command = ("compare", "a.mkv", "b", "-o", "page.html")
    assert run(*command) == 2
    assert "--deinterlace" in capsys.readouterr().err
    assert run(*command, "--deinterlace") == 0
    assert capsys.readouterr().out == "page.html: 2 frames\n"
    assert run("compare", "b", "b", "-o", "b.html", "--deinterlace") == 2
    assert "pictures are not interlaced" in capsys.readouterr().err


def test_the_limit_of_pixels_is_that_of_both(clips, monkeypatch, capsys):
    monkeypatch.chdir(clips[0].parent)
    command = ("compare", "a", "b", "-o", "page.html")
    assert run(*command, "--max-pixels=1") == 2
    assert re.search("pixels, more than 1.*--max-pixels", capsys.readouterr().err)
    assert run(*command, f"--max-pixels={64 * 48}") == 0


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["a", "b", "-o", "page.pdf"], "page.pdf: is neither a page nor a video"),
        (["a", "b", "-o", "p.html", "--names", "one"], "names: 'one' are not two"),
        (["a", "none", "-o", "p.html"], "none: cannot be read"),
        (["a", "b", "-o", "p.mp4", "--names", "x,y"], "p.mp4: --names is for pages"),
        (["a", "b", "-o", "no/p.html"], "no/p.html: there is no folder no"),
    ],
)
def test_what_cannot_be_is_told_in_one_line(clips, monkeypatch, capsys, argv, message):
    monkeypatch.chdir(clips[0].parent)
    assert run("compare", *argv) == 2
    err = capsys.readouterr().err
    assert err.startswith(f"bvsrpp: error: {message}")
    assert err.count("\n") == 1
    assert sorted(p.name for p in Path().iterdir()) == ["a", "b"]
