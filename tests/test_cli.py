"""The command's face: what it accepts, what it says, how it ends."""

import os
import signal
from fractions import Fraction

import jax.numpy as jnp
import pytest
from command import run
from media_files import pictures, read_frames, write_video
from stand_in import StandIn

import bvsrpp_jax.weights
from bvsrpp_jax.errors import InputError, Stopped
from bvsrpp_jax.restoration import Restorer


@pytest.fixture
def weights(monkeypatch):
    """Any `--weights` is the stand-in."""
    monkeypatch.setattr(
        bvsrpp_jax.weights, "load", lambda source: (StandIn(), jnp.float32(1))
    )


@pytest.fixture
def clip(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_video(tmp_path / "in.mp4", pictures(6), tracks=1)
    return tmp_path


def test_restore_says_what_it_does_and_does_it(clip, weights, capsys):
    code, out, err = run(capsys, "restore", "in.mp4", "out.mp4", "--window", "4")
    assert (code, out) == (0, "")
    first, *_, last = err.splitlines()
    assert first.startswith("in.mp4 (64x48, 6 frames) -> out.mp4 (256x192), weights l")
    assert last.startswith("out.mp4: 6 frames in ")
    assert len(read_frames(clip / "out.mp4")) == 6


def test_quiet_is_quiet(clip, weights, capsys):
    assert run(capsys, "restore", "in.mp4", "out.mp4", "--quiet") == (0, "", "")


def test_every_option_arrives(clip, weights, capsys, monkeypatch):
    given = {}
    monkeypatch.setattr(
        Restorer, "restore_video", lambda self, *paths, **kw: given.update(kw) or 1
    )
    code, _, _ = run(
        capsys,
        *("restore", "in.mp4", "out.mp4", "--start", "1:02.5", "--duration", "0:00:03"),
        *("--crf", "9", "--codec", "libx265", "--fps", "30000/1001", "--overwrite"),
        "--restart",
        *("--pixel-format", "yuv444p", "--size", "x1080", "--deinterlace"),
        *("--max-pixels", "9"),
    )
    assert code == 0
    del given["on_start"], given["on_work"]
    assert given == {
        "start": Fraction("62.5"),
        "duration": 3,
        "crf": 9,
        "codec": "libx265",
        "fps": Fraction(30000, 1001),
        "pixel_format": "yuv444p",
        "size": (None, 1080),
        "deinterlace": True,
        "overwrite": True,
        "restart": True,
        "multihost": False,
        "max_pixels": 9,
    }


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (("restore", "no.mp4", "out.mp4"), "no.mp4: cannot be read"),
        (("restore", "in.mp4", "in.mp4"), "in.mp4: is the input"),
        (("restore", "in.mp4", "out.xyz"), "out.xyz: no output format"),
        (("restore", "in.mp4", "in.mp4/out.mp4"), "there is no folder in.mp4"),
        (("restore", ".", "out.mp4"), "the folder has no pictures"),
        (("restore", "in.mp4", "o.mp4", "--window", "4", "--overlap", "2"), "window:"),
        (("restore", "in.mp4", "o.mp4", "--crf", "x"), "invalid int value: 'x'"),
        (("restore", "in.mp4", "o.mp4", "--start", "-1"), "'-1' is not a number"),
        (
            ("restore", "in.mp4", "o.mp4", "--start", "1:2:3:4"),
            "give seconds, m:ss or h:mm:ss",
        ),
        (("restore", "in.mp4", "o.mp4", "--fps", "25/0"), "'25/0' is not a number"),
        (
            ("restore", "in.mp4", "o.mp4", "--size", "x"),
            "'x' is no size: give 1920x1080",
        ),
        (("restore", "in.mp4", "o.mp4", "--size", "0x9"), "'0x9' is no size"),
        (
            ("restore", "in.mp4", "o.mp4", "--size", "99999x9"),
            "size: 99999x9 is out of range",
        ),
        (
            ("restore", "in.mp4", "o.mp4", "--pixel-format", "yuv9"),
            "pixel format yuv9: there is none of that name",
        ),
        (("restore", "in.mp4"), "OUTPUT: is missing"),
        (
            ("restore", "in.mp4", "o.mp4", "--verify-seams", "--crf", "9"),
            "OUTPUT, --crf: would have no effect: --verify-seams writes nothing",
        ),
        (
            ("restore", "in.mp4", "--verify-seams", "--side-by-side", "b.mp4"),
            "--side-by-side: would have no effect: --verify-seams writes nothing",
        ),
        (
            (*("restore", "in.mp4", "--verify-seams", "--multihost"), "--overwrite"),
            "--overwrite, --multihost: would have no effect: --verify-seams",
        ),
        (
            ("restore", "in.mp4", "o.mp4", "--process_id", "0"),
            "--process_id: would have an effect only with --multihost",
        ),
        (
            ("restore", "in.mp4", "o.mp4", "--coordinator=a:1", "--num_processes=2"),
            "--coordinator, --num_processes: would have an effect only with",
        ),
        (
            ("restore", "in.mp4", "o.mp4", "--lookahead=2", "--scratch=."),
            "--scratch: would have no effect: --lookahead restores frame by frame",
        ),
        (
            ("restore", "in.mp4", "o.mp4", "--lookahead=2", "--multihost"),
            "--multihost: would have no effect: --lookahead restores frame by frame",
        ),
        (("restore", "in.mp4", "o.mp4", "--sharpen"), "unrecognized arguments"),
        ((), "required: COMMAND"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(clip, weights, capsys, argv, message):
    code, out, err = run(capsys, *argv)
    assert (code, out) == (2, "")
    assert err.startswith("bvsrpp: error: ")
    assert message in err
    assert err.count("\n") == 1
    assert os.listdir(clip) == ["in.mp4"]


def test_names_stay_on_one_line(clip, weights, capsys):
    code, _, err = run(capsys, "restore", "two\nlines\x1b[31m.mp4", "out.mp4")
    assert code == 2
    assert r"two\nlines\x1b[31m.mp4" in err
    assert err.count("\n") == 1


def test_names_that_look_like_options(clip, weights, capsys):
    os.rename("in.mp4", "-i.mp4")
    code, _, _ = run(capsys, "restore", "--quiet", "--", "-i.mp4", "-o.mp4")
    assert code == 0
    assert sorted(os.listdir(clip)) == ["-i.mp4", "-o.mp4"]


def test_debug_shows_where_an_error_comes_from(clip, weights, capsys):
    _, _, err = run(capsys, "restore", "no.mp4", "out.mp4", "--debug")
    assert "Traceback" in err
    assert err.splitlines()[-1].startswith("bvsrpp: error: no.mp4")


@pytest.mark.parametrize(
    ("error", "code", "text"),
    [
        (InputError("x: y."), 2, "bvsrpp: error: x: y.\n"),
        (KeyboardInterrupt(), 130, "bvsrpp: interrupted: nothing is left behind\n"),
        (ZeroDivisionError("a bug"), 1, "ZeroDivisionError: a bug\n"),
    ],
)
def test_exit_codes(clip, weights, capsys, monkeypatch, error, code, text):
    def fail(*_, **__):
        raise error

    monkeypatch.setattr(Restorer, "restore_video", fail)
    found, _, err = run(capsys, "restore", "in.mp4", "out.mp4")
    assert found == code
    assert err.endswith(text)


@pytest.mark.parametrize(
    ("error", "code", "text"),
    [
        (InputError("x: y."), 2, "bvsrpp: error: x: y. (3 frames are done)\n"),
        (KeyboardInterrupt(), 130, "bvsrpp: interrupted: 3 frames are done\n"),
        (Stopped(), 75, "bvsrpp: stopped: 3 frames are done\n"),
    ],
)
def test_what_is_kept_is_said(clip, weights, capsys, monkeypatch, error, code, text):
    def fail(*_, **__):
        error.add_note("3 frames are done")
        raise error

    monkeypatch.setattr(Restorer, "restore_video", fail)
    assert run(capsys, "restore", "in.mp4", "out.mp4") == (code, "", text)


def test_sigterm_cleans_up_and_the_old_handler_comes_back(
    clip, weights, capsys, monkeypatch
):
    before = signal.getsignal(signal.SIGTERM)
    monkeypatch.setattr(
        Restorer, "restore_video", lambda *_, **__: signal.raise_signal(signal.SIGTERM)
    )
    code, _, err = run(capsys, "restore", "in.mp4", "out.mp4")
    assert (code, err) == (75, "bvsrpp: stopped: nothing is left behind\n")
    assert signal.getsignal(signal.SIGTERM) == before


def test_notes_are_said_in_the_same_form(clip, weights, capsys):
    write_video(clip / "sub.mkv", subtitles=True)
    code, _, err = run(capsys, "restore", "sub.mkv", "out.mp4")
    assert code == 0
    notes = [line for line in err.splitlines() if line.startswith("bvsrpp: note: ")]
    assert len(notes) == 1
    assert "(subtitle, subrip) is left out" in notes[0]
    assert run(capsys, "restore", "sub.mkv", "o.mp4", "--quiet") == (0, "", "")


def test_version_and_help(capsys):
    code, out, _ = run(capsys, "--version")
    assert code == 0
    assert out.startswith("bvsrpp ")
    code, out, _ = run(capsys, "restore", "--help")
    assert code == 0
    assert "--overlap" in out


def test_convert_and_models(clip, capsys, monkeypatch):
    from stand_in import tiny_network

    from bvsrpp_jax.weights import bundled, save

    model, params = tiny_network()
    save(clip / "a.safetensors", model, params)
    code, out, _ = run(capsys, "convert", "a.safetensors", "b.safetensors")
    assert code == 0
    assert "parameters" in out
    assert (clip / "b.safetensors").exists()
    code, _, err = run(capsys, "convert", "a.safetensors", "b.safetensors")
    assert code == 2
    assert "b.safetensors" in err
    monkeypatch.setattr(bundled, "bundled", tuple)
    code, out, _ = run(capsys, "models")
    assert code == 0
    assert "basicvsr_plusplus_c64n7_8x1_600k_reds4_20210217-db622b2f.pth" in out
