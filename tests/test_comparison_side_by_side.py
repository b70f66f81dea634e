"""Two clips beside one another in a video."""

from fractions import Fraction
from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pytest
from command import run
from comparison_clips import folder, plain
from media_files import packets, pictures, read_frames, seconds, write_video
from odd_media import colours, write_patches
from stand_in import StandIn

import bvsrpp_jax.weights
from bvsrpp_jax.comparison import open_both, write_side_by_side
from bvsrpp_jax.media import open_clip

RED, BLUE = (200, 30, 30), (30, 30, 200)


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_is_left_b_is_right_and_a_line_between(here):
    times = [0, 1, 4]
    small = plain(RED, RED, RED, width=16, height=12)
    write_video(here / "a.mp4", small, pts=times)
    write_video(here / "b.mp4", plain(BLUE, BLUE, BLUE), pts=times, tracks=1)
    with open_both("a.mp4", "b.mp4") as (a, b):
        assert write_side_by_side(a, b, "out.mp4") == (3, [])
    with open_clip("out.mp4") as out:
        frames = np.array([frame.pixels for frame in out]).astype(int)
    assert frames.shape == (3, 48, 130, 3)
    # Three codes: 4:2:0 twice. The eight pixels at the line share chroma with it.
    assert np.abs(frames[:, :, :60] - RED).max() <= 3
    assert np.abs(frames[:, :, 70:] - BLUE).max() <= 3
    assert frames[:, :, 64:66].mean() > 180
    assert seconds(here / "out.mp4") == seconds(here / "b.mp4")
    assert packets(here / "out.mp4", "audio") == packets(here / "b.mp4", "audio")
    assert sorted(p.name for p in here.iterdir()) == ["a.mp4", "b.mp4", "out.mp4"]


def test_more_than_eight_bits_are_kept(here):
    deep = pictures(2).astype(np.uint16) * 257 + 40
    folder(here / "a", pictures(2, width=32, height=24))
    folder(here / "b", deep)
    with open_both("a", "b") as (a, b):
        write_side_by_side(a, b, "out.mkv")
    assert read_frames(here / "out.mkv")[0].format.name == "yuv420p10le"


@pytest.fixture
def weights(monkeypatch):
    """Any `--weights` is the stand-in."""
    monkeypatch.setattr(
        bvsrpp_jax.weights, "load", lambda source: (StandIn(), jnp.float32(1))
    )


def test_pictures_that_are_restored_are_shown_at_their_rate(here, weights, capsys):
    folder(here / "in", pictures(3))
    options = ("--fps", "10", "--side-by-side", "both.mp4")
    assert run(capsys, "restore", "in", "out/", *options)[0] == 0
    assert seconds(here / "both.mp4") == [Fraction(i, 10) for i in range(3)]


def test_restore_writes_input_and_result(here, weights, capsys):
    write_video(here / "in.mp4", pictures(8), tracks=1)
    part = ("--start", "0.08", "--duration", "0.2")
    options = ("--side-by-side", "both.mp4", *part)
    code, _, _ = run(capsys, "restore", "in.mp4", "out.mp4", *options)
    assert code == 0
    with open_clip("both.mp4") as both:
        frames = np.array([frame.pixels for frame in both]).astype(int)
    assert frames.shape == (5, 192, 514, 3)
    # The stand-in repeats pixels, bicubic does not: the same but for edges.
    assert np.abs(frames[:, :, :256] - frames[:, :, 258:]).mean() < 4
    assert seconds(here / "both.mp4") == [Fraction(i, 25) for i in range(5)]
    assert packets(here / "both.mp4", "audio") == packets(here / "out.mp4", "audio")


def test_the_limit_of_pixels_is_the_inputs(here, weights, capsys):
    write_video(here / "in.mp4", pictures(2))
    options = ("--side-by-side", "both.mp4", "--max-pixels", "10000")
    assert run(capsys, "restore", "in.mp4", "out.mp4", *options)[0] == 0
    with open_clip("out.mp4") as result:
        assert result.info.width * result.info.height > 10000


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("both.png", "both.png: is no video by its suffix"),
        ("out.mp4", "out.mp4: is the other output"),
        ("in.mp4", "in.mp4: is the input"),
        ("there.mp4", "there.mp4: exists"),
        ("no/both.mp4", "no/both.mp4: there is no folder no"),
    ],
)
def test_nothing_is_restored_when_it_could_not_be_shown(here, capsys, name, message):
    write_video(here / "in.mp4", pictures(2))
    Path("there.mp4").touch()
    options = ("--side-by-side", name)
    code, _, err = run(capsys, "restore", "in.mp4", "out.mp4", *options)
    assert code == 2
    assert err.startswith(f"bvsrpp: error: {message}")
    assert sorted(p.name for p in here.iterdir()) == ["in.mp4", "there.mp4"]


@pytest.mark.parametrize("quiet", [(), ("--quiet",)])
def test_two_pictures_too_wide_for_the_encoder_are_refused_before_any_work(
    here, weights, capsys, monkeypatch, quiet
):
    """x264 takes 16384 pixels."""
    write_video(here / "in.mp4", pictures(2))
    monkeypatch.setattr(StandIn, "features", None)  # nothing is compiled
    options = ("--side-by-side", "both.mp4", "--size", "8192x48", *quiet)
    code, _, err = run(capsys, "restore", "in.mp4", "out.mp4", *options)
    assert code == 2
    (line,) = [line for line in err.splitlines() if "note" not in line]
    assert line.startswith("bvsrpp: error: both.mp4: 16386x48, both pictures beside")
    assert sorted(p.name for p in here.iterdir()) == ["in.mp4"]


def test_an_interlaced_input_is_read_as_it_was_restored(here, capsys, monkeypatch):
    monkeypatch.setattr(
        bvsrpp_jax.weights, "load", lambda source: (StandIn(), jnp.float32(1))
    )
    options = {"qscale": "1", "flags": "+ilme+ildct"}
    write_patches(
        here / "in.mkv", colours(3), codec="mpeg2video", field="tff", options=options
    )
    argv = ("restore", "in.mkv", "out.mp4", "--side-by-side", "both.mp4", "--quiet")
    code, _, told = run(capsys, *argv, "--deinterlace")
    assert (code, told) == (0, "")
    assert len(read_frames(here / "both.mp4")) == 3
