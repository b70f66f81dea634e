"""A restoration that was interrupted goes on, as itself and as nothing else."""

import json
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import time
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
import pytest
from media_files import packets, pictures, write_video
from stand_in import StandIn

from bvsrpp_jax.errors import InputError
from bvsrpp_jax.media import child_assembly
from bvsrpp_jax.media.child_reader import ChildReader
from bvsrpp_jax.media.pictures import encode_png
from bvsrpp_jax.media.writer import VideoWriter
from bvsrpp_jax.restoration import Restorer
from bvsrpp_jax.restoration.job import JobFolder
from bvsrpp_jax.restoration.manifest import from_json, sealed, to_json
from bvsrpp_jax.restoration.plan import Memory, Plan

ONE = jnp.float32(1)


class Counting(Restorer):
    """Notes how many windows it restores."""

    _num_windows = 0

    def restore_windows(self, windows, plan, **options):
        for item in super().restore_windows(windows, plan, **options):
            self._num_windows += 1
            yield item

    @property
    def num_windows(self):
        return self._num_windows


def restorer(**settings):
    return Counting(StandIn(), ONE, **{"window": 4, "overlap": 1, **settings})


@pytest.fixture
def source(tmp_path):
    """14 frames: windows keep 3, 2, 2, 2, 2 and 3 of them."""
    return write_video(tmp_path / "in.mp4", pictures(14), tracks=1)


def files(folder):
    return sorted(path.name for path in folder.iterdir())


def interrupt(source, target, at=8, error=KeyboardInterrupt, **settings):
    """Restores until frame `at` is written, which is the first of its segment."""

    def stop(done, expected):
        if done == at:
            raise error

    with pytest.raises(error) as caught:
        restorer().restore_video(source, target, on_progress=stop, **settings)
    return caught.value


def segments(job):
    return sorted(path.name for path in job.glob("*.segment"))


@pytest.fixture
def interrupted(tmp_path, source):
    """A job with the segments 0, 3 and 5 done."""
    interrupt(source, tmp_path / "out.mp4")
    job = tmp_path / ".out.mp4.job"
    assert segments(job) == [f"{first:08d}.segment" for first in (0, 3, 5)]
    return job


def output(path):
    return packets(path, "video"), packets(path, "audio")


@pytest.mark.parametrize("name", ["out.mp4", "out.mkv"])
def test_the_same_call_goes_on_and_ends_the_same(tmp_path, source, name):
    restorer().restore_video(source, tmp_path / f"whole.{name}")
    error = interrupt(source, tmp_path / name)
    assert error.__notes__ == ["7 frames are done; the same command resumes"]
    assert files(tmp_path) == sorted([f".{name}.job", "in.mp4", f"whole.{name}"])
    progress, jobs, work, again = [], [], [], restorer()
    count = again.restore_video(
        source,
        tmp_path / name,
        on_start=jobs.append,
        on_progress=lambda *now: progress.append(now),
        on_work=work.append,
    )
    assert count == 14
    assert jobs[0].done == 7
    assert progress == [(i, 14) for i in range(8, 15)]
    assert sum(work) == pytest.approx(7)
    assert again.num_windows == 3
    assert output(tmp_path / name) == output(tmp_path / f"whole.{name}")
    assert files(tmp_path) == sorted(["in.mp4", name, f"whole.{name}"])


def test_pictures_go_on_too(tmp_path):
    (tmp_path / "in").mkdir()
    for index, pixels in enumerate(pictures(9)):
        (tmp_path / "in" / f"{index}.png").write_bytes(encode_png(pixels))
    restorer().restore_video(tmp_path / "in", tmp_path / "whole")
    interrupt(tmp_path / "in", f"{tmp_path}/out/")
    again = restorer()
    assert again.restore_video(tmp_path / "in", f"{tmp_path}/out/") == 9
    assert again.num_windows == 1
    for whole in (tmp_path / "whole").iterdir():
        assert (tmp_path / "out" / whole.name).read_bytes() == whole.read_bytes()
    assert files(tmp_path) == ["in", "out", "whole"]


def test_live_restorations_go_on_too(tmp_path, source, monkeypatch):
    """They have no windows: what is done is restored again, but not written again."""
    monkeypatch.setattr("bvsrpp_jax.restoration.making._LIVE_SEGMENT", 5)
    live, made = Restorer(StandIn(), ONE, lookahead=1), []
    live.restore_video(source, tmp_path / "whole.mp4", size=(None, 96))

    def stop(done, expected):
        if done == 11:
            raise KeyboardInterrupt

    settings = {"size": (None, 96)}
    with pytest.raises(KeyboardInterrupt) as caught:
        live.restore_video(source, tmp_path / "out.mp4", on_progress=stop, **settings)
    assert caught.value.__notes__ == ["10 frames are done; the same command resumes"]
    live.restore_video(
        source,
        tmp_path / "out.mp4",
        on_progress=lambda *now: made.append(now),
        **settings,
    )
    assert made == [(i, 14) for i in range(11, 15)]
    assert output(tmp_path / "out.mp4") == output(tmp_path / "whole.mp4")


def test_the_recorded_plan_is_used(tmp_path, source, monkeypatch):
    """Memory and processors may be others when a job is resumed."""
    memory = "bvsrpp_jax.restoration.machine.available_memory"
    threads = "bvsrpp_jax.restoration.video.encoder_threads"
    model, target = StandIn(), tmp_path / "out.mp4"

    def stop(done, expected):
        if done == 8:
            raise KeyboardInterrupt

    monkeypatch.setattr(memory, lambda *_, **__: Memory(0, 14 << 20))
    monkeypatch.setattr(threads, lambda: 3)
    jobs = []
    with pytest.raises(KeyboardInterrupt):
        Restorer(model, ONE).restore_video(
            source, target, on_start=jobs.append, on_progress=stop
        )
    monkeypatch.setattr(memory, lambda *_, **__: Memory(0, 1 << 40))
    monkeypatch.setattr(threads, lambda: 1)
    Restorer(model, ONE).restore_video(source, target, on_start=jobs.append)
    assert jobs[0].plan == jobs[1].plan
    assert jobs[0].plan.window < 14
    shown = b"".join(data for _, data in packets(target, "video"))  # x264 tells
    assert re.findall(rb" threads=(\d+)", shown) == 3 * [b"3"]


def test_a_recorded_plan_that_does_not_fit_any_more_is_refused(
    tmp_path, source, monkeypatch
):
    """Another plan's frames would not be of one piece with those that are done."""
    memory = "bvsrpp_jax.restoration.machine.available_memory"
    model, target = StandIn(), tmp_path / "out.mp4"

    def stop(done, expected):
        if done == 8:
            raise KeyboardInterrupt

    monkeypatch.setattr(memory, lambda *_, share=0.8: Memory(0, int(share * 20e6)))
    with pytest.raises(KeyboardInterrupt):
        Restorer(model, ONE).restore_video(source, target, on_progress=stop)
    monkeypatch.setattr(memory, lambda *_, share=0.8: Memory(0, int(share * 10e6)))
    with pytest.raises(InputError, match="memory: the plan .* --restart") as refused:
        Restorer(model, ONE).restore_video(source, target)
    assert "frames are done" in refused.value.__notes__[0]
    # A little less than yesterday is what the reserve is for.
    monkeypatch.setattr(memory, lambda *_, share=0.8: Memory(0, int(share * 17e6)))
    assert Restorer(model, ONE).restore_video(source, target) == 14


def test_where_nothing_is_done_a_plan_is_made_anew(tmp_path, source, monkeypatch):
    """A run that the system killed for its memory is begun again with less."""
    memory = "bvsrpp_jax.restoration.machine.available_memory"
    job, plans = tmp_path / ".out.mp4.job", []

    def die(begun):
        plans.append(begun.plan)
        shutil.copytree(job, tmp_path / "left")
        raise KeyboardInterrupt

    monkeypatch.setattr(memory, lambda *_, **__: Memory(0, 1 << 40))
    with pytest.raises(KeyboardInterrupt):
        Restorer(StandIn(), ONE).restore_video(
            source, tmp_path / "out.mp4", on_start=die
        )
    (tmp_path / "left").rename(job)  # as SIGKILL leaves it
    monkeypatch.setattr(memory, lambda *_, **__: Memory(0, 14 << 20))
    Restorer(StandIn(), ONE).restore_video(
        source, tmp_path / "out.mp4", on_start=lambda begun: plans.append(begun.plan)
    )
    assert plans[1].window < plans[0].window == 14


def test_nobody_waits_for_a_decoder_that_hangs(tmp_path, monkeypatch):
    """Ctrl-C must not last as long as its patience."""
    frames = pictures(30, width=320, height=240)  # more than lies between the two
    source = write_video(tmp_path / "large.mp4", frames)
    following = ChildReader._next

    def hang(self, last):
        if last is not None:
            os.kill(self._child.pid, signal.SIGSTOP)
        return following(self, last)

    def interrupted(self, windows, plan, *, on_work=None):
        time.sleep(1)  # the decoder hangs by now
        raise KeyboardInterrupt
        yield

    monkeypatch.setattr(ChildReader, "_next", hang)
    monkeypatch.setattr(Restorer, "restore_windows", interrupted)
    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        Restorer(StandIn(), ONE).restore_video(source, tmp_path / "out.mp4")
    assert time.monotonic() - began < 30


def test_no_more_is_read_than_the_missing_segments_need(tmp_path, monkeypatch):
    source = write_video(tmp_path / "in.mp4", pictures(40))

    def full(*_):
        raise InputError("out.mp4: the disk is full.")

    with monkeypatch.context() as patch:
        patch.setattr(VideoWriter, "join", full)
        with pytest.raises(InputError) as caught:
            restorer().restore_video(source, tmp_path / "out.mp4")
    assert caught.value.__notes__ == ["40 frames are done; the same command resumes"]
    job, read, frames = tmp_path / ".out.mp4.job", [], ChildReader.__iter__

    def reading(self):
        for frame in frames(self):
            read.append(frame.pts)
            yield frame

    monkeypatch.setattr(ChildReader, "__iter__", reading)
    (job / "00000000.segment").unlink()
    with monkeypatch.context() as patch:
        patch.setattr(VideoWriter, "join", full)
        with pytest.raises(InputError):
            restorer().restore_video(source, tmp_path / "out.mp4")
    assert 5 <= len(read) <= 20  # a window, and what is read ahead, also for cuts
    read.clear()
    assert restorer().restore_video(source, tmp_path / "out.mp4") == 40
    assert read == []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"crf": 3}, "settings.crf was None, is 3"),
        ({"start": 0.04}, "settings.start was None, is 0.04"),
        ({"window": 5}, "settings.window was 4, is 5"),
        ({"chunk": 1}, "settings.chunk was None, is 1"),
        ({"model": StandIn(mid_channels=9)}, "architecture.mid_channels was 8, is 9"),
        ({"params": ONE * 2}, r"weights.blake2b was '\w{12}', is '\w{12}'"),
        ({"params": np.float64(1)}, "weights.blake2b was"),
    ],
)
def test_other_settings_and_weights_are_refused(
    tmp_path, source, interrupted, change, message
):
    given = {"model": StandIn(), "params": ONE, "window": 4, "overlap": 1, **change}
    video = {name: given.pop(name) for name in ("crf", "start") if name in given}
    model, params = given.pop("model"), given.pop("params")
    with pytest.raises(InputError, match=message) as caught:
        Restorer(model, params, **given).restore_video(
            source, tmp_path / "out.mp4", **video
        )
    text = str(caught.value)
    assert text.startswith(f"{interrupted}: is of another restoration: ")
    assert "--restart" in text
    assert text.count("\n") == 0
    assert not hasattr(caught.value, "__notes__")
    assert len(segments(interrupted)) == 3


def test_another_input_is_refused_and_a_moved_one_is_not(tmp_path, source, interrupted):
    data = source.read_bytes()
    source.write_bytes(data + b"\0\0\0\x08free")
    message = r"input.blake2b was '\w+', is '\w+'; input.bytes was \d+, is \d+\."
    with pytest.raises(InputError, match=message):
        restorer().restore_video(source, tmp_path / "out.mp4")
    moved = tmp_path / "moved.mp4"
    moved.write_bytes(data)
    again = restorer()
    again.restore_video(moved, tmp_path / "out.mp4")
    assert again.num_windows == 3


def test_a_changed_picture_of_a_folder_is_seen(tmp_path):
    (tmp_path / "in").mkdir()
    for index, pixels in enumerate(pictures(9)):
        (tmp_path / "in" / f"{index}.png").write_bytes(encode_png(pixels))
    interrupt(tmp_path / "in", tmp_path / "out.mp4")
    os.rename(tmp_path / "in" / "7.png", tmp_path / "in" / "70.png")
    os.rename(tmp_path / "in" / "8.png", tmp_path / "in" / "7.png")
    with pytest.raises(InputError, match="input.blake2b was"):
        restorer().restore_video(tmp_path / "in", tmp_path / "out.mp4")


def test_restart_begins_anew(tmp_path, source, interrupted):
    again = restorer()
    again.restore_video(source, tmp_path / "out.mp4", crf=3, restart=True)
    assert again.num_windows == 6
    assert files(tmp_path) == ["in.mp4", "out.mp4"]


def test_a_damaged_segment_is_told_and_made_again(tmp_path, source, interrupted):
    restorer().restore_video(source, tmp_path / "whole.mp4")
    path = interrupted / "00000003.segment"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 4
    path.write_bytes(data)
    again = restorer()
    with pytest.warns(UserWarning, match="00000003.segment: it has changed .* again"):
        again.restore_video(source, tmp_path / "out.mp4")
    assert again.num_windows == 4
    assert output(tmp_path / "out.mp4") == output(tmp_path / "whole.mp4")


def test_a_segment_of_another_job_is_not_taken(tmp_path, source, interrupted):
    interrupt(source, tmp_path / "other.mp4", crf=3)
    other = tmp_path / ".other.mp4.job" / "00000003.segment"
    other.replace(interrupted / "00000003.segment")
    with pytest.warns(UserWarning, match="00000003.segment: it is of another rest"):
        restorer().restore_video(source, tmp_path / "out.mp4")


@pytest.mark.parametrize("kind", ["cut", "changed", "format", "list"])
def test_a_damaged_manifest_is_told_and_never_trusted(
    tmp_path, source, interrupted, kind
):
    path = interrupted / "job.json"
    text = path.read_text()
    bad = {
        "cut": text[:100],
        "changed": text.replace('"window": 4', '"window": 5'),
        "list": "[]",
        "format": json.dumps(sealed({**json.loads(text), "format": 2})),
    }[kind]
    path.write_text(bad)
    message = "format 2" if kind == "format" else "damaged|changed"
    with pytest.raises(InputError, match=rf"job.json: .*({message}).* --restart"):
        restorer().restore_video(source, tmp_path / "out.mp4")
    assert len(segments(interrupted)) == 3


@pytest.mark.parametrize("kind", ["cut", "changed", "other"])
def test_a_damaged_end_is_found_anew(tmp_path, source, kind):
    interrupt(source, tmp_path / "out.mp4", at=12)
    path = tmp_path / ".out.mp4.job" / "end.json"
    text = path.read_text()
    assert json.loads(text)["num_frames"] == 14
    bad = {
        "cut": text[:10],
        "changed": text.replace("14", "11"),
        "other": json.dumps(sealed({"job": "another", "num_frames": 11})),
    }[kind]
    path.write_text(bad)
    assert restorer().restore_video(source, tmp_path / "out.mp4") == 14


def test_segments_without_a_manifest_are_nothing(tmp_path, source, interrupted):
    (interrupted / "job.json").unlink()
    again = restorer()
    with warnings.catch_warnings(action="error"):  # there is nothing to tell
        again.restore_video(source, tmp_path / "out.mp4", crf=3)
    assert again.num_windows == 6


HOLD = """
import sys
import warnings
from pathlib import Path
from bvsrpp_jax.restoration.job import JobFolder
with JobFolder(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_second_process_is_refused(tmp_path, source):
    command = [sys.executable, "-c", HOLD, str(tmp_path / "out.mp4")]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as other:
        assert other.stdout.readline() == "held\n"
        message = f"out.mp4: is being restored by process {other.pid} on"
        with pytest.raises(InputError, match=message):
            restorer().restore_video(source, tmp_path / "out.mp4")
        other.stdin.close()
    assert files(tmp_path) == ["in.mp4"]
    restorer().restore_video(source, tmp_path / "out.mp4")


def test_sound_that_kills_its_copier_loses_nothing(tmp_path, source, monkeypatch):
    """Every segment stays, and the same call only joins them."""
    target = tmp_path / "out.mp4"
    restorer().restore_video(source, tmp_path / "whole.mp4")
    monkeypatch.setattr(child_assembly, "_MODULE", "odd_copier")
    monkeypatch.setenv("ODD_COPIER", "crash")
    message = (
        r"in.mp4: the copier of its sound crashed \(SIGSEGV\), after all 14 frames"
    )
    with pytest.raises(InputError, match=message) as caught:
        restorer().restore_video(source, target)
    assert caught.value.__notes__ == ["14 frames are done; the same command resumes"]
    assert files(tmp_path) == [".out.mp4.job", "in.mp4", "whole.mp4"]
    monkeypatch.setenv("ODD_COPIER", "nothing")
    again = restorer()
    again.restore_video(source, target)
    assert again.num_windows == 0
    assert target.read_bytes() == (tmp_path / "whole.mp4").read_bytes()


@pytest.mark.parametrize("left_with", [[], ["00000000.segment"]])
def test_a_process_that_slips_in_keeps_its_job(tmp_path, left_with):
    """It comes between the end of the lock and the end of the folder."""
    target, other = tmp_path / "out.mp4", JobFolder(tmp_path / "out.mp4")

    def slip_in():
        other.__enter__()
        other.begin({"input": "in.mp4"}, dict, restart=False)

    folder = JobFolder(target)
    folder._lock.callback(slip_in)  # called once the lock is let go
    with folder:
        folder.begin({"input": "in.mp4"}, dict, restart=False)
        for name in left_with:
            (folder.path / name).touch()
        folder.remove()
    assert files(other.path) == ["job.json", "lock"]
    with pytest.raises(InputError, match="is being restored by"), JobFolder(target):
        pass
    other.__exit__(None, None, None)
    assert files(tmp_path) == []


def test_a_folder_that_is_just_going_away_is_told(tmp_path, monkeypatch):
    """Between making it and opening the lock in it."""
    removing = JobFolder(tmp_path / "out.mp4")
    monkeypatch.setattr(Path, "mkdir", lambda *_, **__: None)
    with pytest.raises(InputError, match="restored by a process that has just ended"):
        removing.__enter__()


def test_a_full_disk_loses_nothing(tmp_path, source):
    """Segments fit; the whole does not."""
    target = tmp_path / "out.mp4"
    restorer().restore_video(source, tmp_path / "whole.mp4", crf=1)
    largest = 0.8 * (tmp_path / "whole.mp4").stat().st_size
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(largest), hard))
    try:
        with pytest.raises(InputError, match=r"out.mp4: .*too large\)") as caught:
            restorer().restore_video(source, target, crf=1)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert caught.value.__notes__ == ["14 frames are done; the same command resumes"]
    assert files(tmp_path) == [".out.mp4.job", "in.mp4", "whole.mp4"]
    again = restorer()
    again.restore_video(source, target, crf=1)
    assert output(target) == output(tmp_path / "whole.mp4")


def test_a_bad_frame_in_the_middle_keeps_what_is_done(tmp_path):
    parts = [
        write_video(tmp_path / f"{width}.h264", pictures(20, width=width)).read_bytes()
        for width in (64, 96)
    ]
    source = tmp_path / "in.h264"
    source.write_bytes(b"".join(parts))
    for _ in range(2):
        with pytest.raises(InputError, match="frame 20 has 96x48") as caught:
            restorer().restore_video(source, tmp_path / "out.mp4")
        (note,) = caught.value.__notes__
        assert int(note.split(" frames are done")[0]) >= 7


def test_an_earlier_output_stays_until_the_resumed_one_is_there(tmp_path, source):
    target = tmp_path / "out.mp4"
    target.write_bytes(b"earlier")
    interrupt(source, target, overwrite=True)
    assert target.read_bytes() == b"earlier"
    with pytest.raises(InputError, match=r"out.mp4: exists"):
        restorer().restore_video(source, target)
    again = restorer()
    again.restore_video(source, target, overwrite=True)
    assert again.num_windows == 3
    assert files(tmp_path) == ["in.mp4", "out.mp4"]


class Pair(NamedTuple):
    a: int
    b: int


@dataclass(frozen=True)
class Later:
    """What a plan may have one day."""

    pair: Pair
    tile: tuple[int, int] | None
    name: str
    inner: Plan
    kind: np.dtype
    maybe: int | None = None


def test_plans_survive_json_whatever_fields_they_have():
    plan = Plan(96, 6, 8, Memory(1, 2), Memory(3, 4))
    later = Later(Pair(1, 2), (3, 4), "x", plan, np.dtype("uint16"))
    for record in (plan, later, Later(Pair(0, 1), None, "", plan, np.dtype("u1"), 5)):
        again = from_json(type(record), json.loads(json.dumps(to_json(record))))
        assert again == record
        assert repr(again) == repr(record)


def held():
    """Open files, threads and bytes of memory."""
    files, threads = (len(os.listdir(f"/proc/self/{x}")) for x in ("fd", "task"))
    with open("/proc/self/statm") as file:
        pages = int(file.read().split()[1])
    return files, threads, pages * os.sysconf("SC_PAGE_SIZE")


def test_nothing_grows_with_the_number_of_windows(tmp_path):
    """Windows 20 to 100; benchmarks/restore_flatness.py has the slope over more."""
    source = write_video(tmp_path / "in.mp4", pictures(204))
    state = {}
    restorer().restore_video(
        source,
        tmp_path / "out.mp4",
        on_progress=lambda done, _: state.update({done: held()}),
    )
    files_before, threads_before, memory_before = state[42]
    files_after, threads_after, memory_after = state[200]
    assert files_after <= files_before
    assert threads_after <= threads_before + 4  # of an encoder that is just ending
    assert memory_after - memory_before < 10 << 20  # 80 encoders took 54 MiB
