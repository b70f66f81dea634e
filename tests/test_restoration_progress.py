"""What is said on the way: plain lines to files, a bar on terminals."""

from dataclasses import replace
from fractions import Fraction
from io import StringIO

import pytest

from bvsrpp_jax.media.clip import ClipInfo
from bvsrpp_jax.media.color import Color
from bvsrpp_jax.restoration import progress
from bvsrpp_jax.restoration.plan import Memory, Plan
from bvsrpp_jax.restoration.progress import Reporter, clock
from bvsrpp_jax.restoration.video import Job

INFO = ClipInfo("in.mp4", 64, 48, False, Fraction(25), Fraction(1, 25), 9, Color(1))
RESULT = ClipInfo("in.mp4", 256, 192, False, Fraction(25), Fraction(1, 25), 9, Color(1))
PLAN = Plan(8, 2, 4, needed=Memory(2**30, 2**29), available=Memory(2**31, 2**31))
JOB = Job(INFO, RESULT, PLAN)


class Terminal(StringIO):
    def isatty(self):
        return True


def run(stream, monkeypatch, step, job=JOB):
    times = iter(range(0, 1000, step))
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(times))
    with Reporter(weights="lite", target="out.mp4", stream=stream) as reporter:
        reporter.on_start(job)
        for _ in range(18):
            reporter.on_work(0.5)
        reporter.on_end(9)
    return stream.getvalue()


def test_the_first_line_says_what_will_happen(monkeypatch):
    first = run(StringIO(), monkeypatch, 1).splitlines()[0]
    assert first == (
        "in.mp4 (64x48, 9 frames) -> out.mp4 (256x192), weights lite, windows of 8"
        " frames overlapping by 2, 4 frames at a time in about 1.0 GiB, 512 MiB waiting"
    )


def test_names_stay_on_one_line(monkeypatch):
    job = replace(JOB, source=replace(INFO, name="two\nlines\x1b[31m\udcff.mp4"))
    first = run(StringIO(), monkeypatch, 1, job).splitlines()[0]
    assert first.startswith(r"two\nlines\x1b[31m\udcff.mp4 (64x48")


def test_a_clip_of_one_window_has_no_overlap(monkeypatch):
    job = replace(JOB, plan=replace(JOB.plan, window=9))
    first = run(StringIO(), monkeypatch, 1, job).splitlines()[0]
    assert "weights lite, as a whole, 4 frames at a time in about 1.0 GiB" in first


def test_files_get_a_line_now_and_then(monkeypatch):
    """Every 10 seconds; each call of the clock is 4 seconds after the one before."""
    lines = run(StringIO(), monkeypatch, 4).splitlines()
    assert lines[1] == "2 of 9 frames, 0.12 frames/s, 1:00 left"
    assert lines[-1].startswith("out.mp4: 9 frames in ")
    assert len(lines) == 1 + 18 // 3 + 1
    assert not any("\r" in line or "\x1b" in line for line in lines)


def test_terminals_get_a_bar(monkeypatch):
    stream = Terminal()
    with Reporter(weights="lite", target="out.mp4", stream=stream) as reporter:
        reporter.on_start(JOB)
        for _ in range(18):
            reporter.on_work(0.5)
        reporter.on_end(9)
    assert "9 of 9 frames" in stream.getvalue()


def test_more_frames_than_expected_are_no_trouble(monkeypatch):
    stream = StringIO()
    times = iter(range(0, 1000, 20))
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(times))
    reporter = Reporter(weights="lite", target="out.mp4", stream=stream)
    reporter.on_start(JOB)
    reporter.on_work(12)
    assert stream.getvalue().endswith("12 of 12 frames, 0.60 frames/s, 0:00 left\n")


def test_a_length_that_is_not_known_is_not_told(monkeypatch):
    stream = StringIO()
    times = iter(range(0, 1000, 20))
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(times))
    reporter = Reporter(weights="lite", target="out.mp4", stream=stream)
    reporter.on_start(replace(JOB, source=replace(INFO, num_frames=None)))
    reporter.on_work(13)
    assert stream.getvalue().endswith("\n13 frames, 0.65 frames/s\n")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0:00"), (59.6, "1:00"), (3599, "59:59"), (3661, "1:01:01")],
)
def test_clock(seconds, text):
    assert clock(seconds) == text
