"""The low-quality copy of a data set: right pixels, all or nothing, resumable."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from fractions import Fraction
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from clip_trees import png, write_clip
from media_files import pictures, write_video
from PIL import Image

from bvsrpp_jax.data import degraded_clip
from bvsrpp_jax.data.compression import compress_h264, compress_hevc
from bvsrpp_jax.data.degradations import (
    bicubic_downsample,
    bicubic_shrink,
    blur_downsample,
    to_uint8,
)
from bvsrpp_jax.data.degrade import degrade, main
from bvsrpp_jax.data.degraded_folder import RECORD
from bvsrpp_jax.data.folder_layout import pairs
from bvsrpp_jax.data.sources import source_of
from bvsrpp_jax.data.workers import run_jobs
from bvsrpp_jax.errors import InputError
from bvsrpp_jax.locking import hold
from bvsrpp_jax.media.reader import VideoReader

LINUX = pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="reads /proc")
NAMES = ("a/001", "a/002", "b/001")


@pytest.fixture
def gt(tmp_path):
    """Three clips of three frames, in two groups."""
    for clip, name in enumerate(NAMES):
        write_clip(tmp_path / "gt" / name, num_frames=3, clip=clip)
    return tmp_path / "gt"


def quiet(_):
    pass


def make(source, output=None, degradations=("bicubic",), **options):
    output = output or source.parent / "lq"
    return degrade(source, output, degradations=degradations, say=quiet, **options)


def frames_of(folder):
    """Pillow's, so that ours is not both writer and reader."""
    return np.stack([np.asarray(Image.open(f)) for f in sorted(folder.iterdir())])


def contents(folder):
    """Path inside -> bytes, of everything."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def fixed(low, high=None):
    return {"crf": (low, high or low)}


# Pixels


@pytest.mark.parametrize(
    ("degradations", "scale", "expected"),
    [
        (("bicubic",), None, bicubic_downsample),
        (("blur",), None, blur_downsample),
        (("bicubic",), 2, lambda x: bicubic_downsample(x, 2)),
        (
            ("bicubic",),
            Fraction(8, 3),
            lambda x: np.stack([bicubic_shrink(y, Fraction(8, 3)) for y in x]),
        ),
        (("crop",), 5, lambda x: x[:, :15, :20]),
    ],
)
def test_every_frame_is_degraded_under_its_own_name(gt, degradations, scale, expected):
    lq = make(gt, degradations=degradations, scale=scale)
    for name in NAMES:
        np.testing.assert_array_equal(
            frames_of(lq / name), expected(frames_of(gt / name))
        )
        assert sorted(os.listdir(lq / name)) == sorted(os.listdir(gt / name))
    assert sorted(os.listdir(lq)) == ["a", "b", RECORD]


def test_the_copy_is_the_input_of_a_data_set(gt):
    source = source_of(pairs(gt, make(gt)))
    assert [clip.name for clip in source.clips] == list(NAMES)
    assert source.size(0) == ((16, 24), 4)


@pytest.mark.parametrize("name", ["im1.jpg", "clip_0001.bmp"])
def test_pictures_of_other_kinds_keep_their_names(tmp_path, name):
    (tmp_path / "gt").mkdir()
    Image.fromarray(np.full((16, 16, 3), 90, np.uint8)).save(tmp_path / "gt" / name)
    lq = make(tmp_path / "gt")
    (folder,) = (path for path in lq.iterdir() if path.is_dir())
    assert folder.name == tmp_path.name  # as everywhere, gt names no clip
    assert os.listdir(folder) == [f"{Path(name).stem}.png"]


def test_a_video_becomes_numbered_pictures(tmp_path):
    video = write_video(tmp_path / "street.mp4", pictures(5))
    lq = make(video, degradations=("bicubic",))
    with VideoReader(video) as reader:
        expected = np.stack([bicubic_downsample(frame.pixels) for frame in reader])
    np.testing.assert_array_equal(frames_of(lq / "street"), expected)
    assert sorted(os.listdir(lq / "street")) == [f"{i:08d}.png" for i in range(5)]


@pytest.mark.parametrize(
    ("name", "compress"), [("h264", compress_h264), ("hevc", compress_hevc)]
)
def test_degradations_follow_one_another(tmp_path, name, compress):
    write_clip(tmp_path / "gt" / "x", num_frames=4, height=256, width=256)
    lq = make(tmp_path / "gt", degradations=("bicubic", (name, fixed(28))))
    small = bicubic_downsample(frames_of(tmp_path / "gt" / "x"))
    expected = list(compress(small, np.random.default_rng(0), crf=(28, 28)))
    np.testing.assert_array_equal(frames_of(lq / "x"), expected)


def test_noise_has_its_strength_and_is_rounded_and_clipped(tmp_path):
    folder = tmp_path / "gt" / "x"
    folder.mkdir(parents=True)
    for number, level in enumerate((128, 255)):
        grey = np.full((64, 64, 3), level, np.uint8)
        (folder / f"{number}.png").write_bytes(png(grey))
    noisy = frames_of(make(tmp_path / "gt", degradations=[noise(20)]) / "x").astype(int)
    assert (noisy[0] - 128).std() == pytest.approx(20, rel=0.03)
    assert (noisy[1] == 255).mean() == pytest.approx(0.5, abs=0.03)
    correlation = np.corrcoef(noisy[0].ravel(), noisy[1].ravel())[0, 1]
    assert abs(correlation) < 0.05  # each frame has its own


def noise(low, high=None):
    return ("noise", {"sigma": (low, high or low)})


def test_the_noise_of_a_clip_depends_on_its_name_and_the_seed_alone(gt, tmp_path):
    def noisy(output, source=gt, seed=0):
        return make(source, tmp_path / output, [noise(20)], seed=seed)

    every = contents(noisy("all") / "b")
    for name in NAMES[:2]:
        for file in (gt / name).iterdir():
            file.unlink()
        (gt / name).rmdir()
    (gt / "a").rmdir()
    assert contents(noisy("one") / "b") == every
    assert contents(noisy("seed", seed=1) / "b") != every
    (gt / "b" / "001").rename(gt / "b" / "009")
    renamed = contents(noisy("name") / "b")
    assert set(renamed.values()).isdisjoint(every.values())


def test_processes_do_not_change_the_bytes(gt, tmp_path):
    recipe = ["bicubic", noise(0, 50)]
    one = make(gt, tmp_path / "1", recipe)
    two = make(gt, tmp_path / "2", recipe, processes=2)
    assert contents(one) == contents(two)


def test_a_frame_is_written_before_the_next_is_read(gt, monkeypatch):
    read, written = [], []
    reading = degraded_clip._read_pictures

    def counted(clip):
        for pixels in reading(clip):
            read.append(len(written))
            yield pixels

    monkeypatch.setattr(degraded_clip, "_read_pictures", counted)
    monkeypatch.setattr(
        degraded_clip, "encode_png", lambda x: written.append(x) or png(x)
    )
    make(gt, degradations=("bicubic", noise(3)))
    assert read == list(range(9))


def test_noise_that_is_rounded_is_the_recipe_s(gt):
    """Frame by frame it is what `damage_one_by_one` makes, of eight bits."""
    lq = make(gt, degradations=[noise(30)])
    rng = np.random.default_rng([0, *b"a/001"])
    frames = frames_of(gt / "a/001")
    made = degraded_clip.damage_one_by_one([noise(30)], frames, rng)
    np.testing.assert_array_equal(
        frames_of(lq / "a/001"), [to_uint8(frame) for frame in made]
    )


# All or nothing


def damage(file):
    """Returns what repairs it."""
    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) // 2])
    return lambda: file.write_bytes(whole)


@pytest.mark.parametrize("processes", [1, 2])
def test_a_damaged_frame_is_named_and_the_same_command_goes_on(gt, tmp_path, processes):
    expected = contents(make(gt, tmp_path / "whole"))
    repair = damage(gt / "a/002/00000002.png")
    with pytest.raises(InputError, match=r"a/002/00000002.png: is damaged"):
        make(gt, processes=processes)
    lq = gt.parent / "lq"
    assert not (lq / "a/002").exists()
    assert not list(lq.rglob(".*"))
    repair()
    done = {path: path.stat().st_mtime_ns for path in lq.glob("*/*")}
    assert lq / "a/001" in done or processes == 2
    make(gt)
    assert contents(lq) == expected
    assert {path: path.stat().st_mtime_ns for path in done} == done


def test_what_a_killed_run_left_goes_away(gt, tmp_path):
    expected = contents(make(gt, tmp_path / "whole"))
    lq = make(gt)
    shutil.rmtree(lq / "a" / "001")
    for place in (lq / ".002.host.77.partial", lq / "a" / ".001.host.77.partial"):
        place.mkdir(parents=True)
        (place / "00000000.png").write_bytes(b"half")
    (lq / f".{RECORD}.host.77.partial").write_bytes(b"{")
    make(gt)
    assert contents(lq) == expected


def test_a_full_disk_is_told_and_leaves_nothing_half(gt, monkeypatch):
    def full(self, data):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(Path, "write_bytes", full)
        with pytest.raises(InputError, match=r"lq/a/001: .*No space left.*Make room"):
            make(gt)
    assert sorted(os.listdir(gt.parent / "lq" / "a")) == []
    make(gt)


def test_a_clip_that_is_not_finished_leaves_nothing(gt):
    def interrupt():
        raise KeyboardInterrupt

    recipe = degraded_clip.Recipe(("blur",), Fraction(4), 0)
    (clip, *_) = pairs(gt, None)
    with pytest.raises(KeyboardInterrupt):
        degraded_clip.degrade_clip(clip, gt.parent / "lq" / "001", recipe, interrupt)
    assert os.listdir(gt.parent / "lq") == []


def test_the_source_is_not_touched(gt):
    before = contents(gt)
    make(gt, degradations=("blur",))
    assert contents(gt) == before


def end_at_once(job, on_frame):
    os._exit(9)


def check_deaf(job, on_frame):
    if signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, ()):
        raise InputError("worker: would die of Ctrl-C.")


def fail_or_wait(job, on_frame):
    if job == "fail":
        time.sleep(0.3)
        raise InputError("job: failed.")
    for _ in range(2000):
        time.sleep(0.01)
        on_frame()


def test_a_worker_that_dies_is_an_error():
    with pytest.raises(InputError, match="one of them died"):
        run_jobs(end_at_once, "ab", processes=2, report=lambda *_: None)


def test_workers_leave_ctrl_c_to_their_parent():
    before = signal.getsignal(signal.SIGINT)
    run_jobs(check_deaf, "ab", processes=2, report=lambda *_: None)
    assert signal.getsignal(signal.SIGINT) is before
    assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, ())


def test_one_failure_ends_all_workers():
    begin = time.monotonic()
    with pytest.raises(InputError, match=r"job: failed\."):
        run_jobs(fail_or_wait, ["wait", "fail"], processes=2, report=lambda *_: None)
    assert time.monotonic() - begin < 15  # waiting takes 20 s


# Interrupted


def start(gt, output, *options):
    command = [sys.executable, "-m", "bvsrpp_jax.data.degrade", "--input", str(gt)]
    return subprocess.Popen(
        [*command, "--output", str(output), "--processes", "2", *options],
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        # Where the tests run in the background, Ctrl-C is ignored.
        preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),
    )


def wait_until(condition):
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


@pytest.fixture
def long_clips(tmp_path):
    """Two clips that take many seconds."""
    frame = png(pictures(1, width=800, height=800)[0])
    for name in "ab":
        folder = tmp_path / "gt" / name
        folder.mkdir(parents=True)
        (folder / "00000000.png").write_bytes(frame)
        for number in range(1, 1000):
            os.link(folder / "00000000.png", folder / f"{number:08d}.png")
    return tmp_path / "gt"


def leftovers(lq):
    return list(lq.glob(".*.partial"))


def is_starting(lq, process):
    listed = Path(f"/proc/{process}/task/{process}/children")
    return (lq / RECORD).exists() and len(listed.read_text().split()) >= 2


def is_working(lq, process):
    return len(leftovers(lq)) == 2


@LINUX
@pytest.mark.parametrize("moment", [is_starting, is_working])
def test_ctrl_c_reaches_all_processes_and_leaves_nothing_half(
    long_clips, tmp_path, moment
):
    lq = tmp_path / "lq"
    process = start(long_clips, lq)
    wait_until(lambda: moment(lq, process.pid))
    os.killpg(process.pid, signal.SIGINT)
    _, told = process.communicate(timeout=20)
    assert process.returncode == 130
    assert told == "degrade: stopped; the same command goes on\n"
    assert os.listdir(lq) == [RECORD]


@LINUX
def test_workers_go_with_a_parent_that_is_killed(long_clips, tmp_path):
    lq = tmp_path / "lq"
    process = start(long_clips, lq)
    wait_until(lambda: len(leftovers(lq)) == 2)
    listed = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text()
    process.kill()
    process.communicate(timeout=20)
    wait_until(lambda: not any(Path(f"/proc/{n}/exe").exists() for n in listed.split()))
    assert len(listed.split()) >= 2


def test_ctrl_c_in_one_process_is_told(gt, monkeypatch, capsys):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(degraded_clip, "encode_png", interrupt)
    code = main(["--input", str(gt), "--output", str(gt.parent / "lq")])
    assert code == 130
    assert capsys.readouterr().err == "degrade: stopped; the same command goes on\n"
    assert not leftovers(gt.parent / "lq" / "a")


# Refused


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"scale": 2}, "with scale 4, not 2. Choose"),
        ({"seed": 3}, "with seed 0, not 3"),
        (
            {"degradations": ("blur",)},
            r"with degradation \['bicubic'\], not \['blur'\]",
        ),
    ],
)
def test_clips_of_other_settings_are_not_mixed(gt, changes, told):
    make(gt)
    make(gt)
    with pytest.raises(InputError, match=rf"{RECORD}: the clips there .*{told}"):
        make(gt, **changes)


def test_clips_of_other_frames_are_not_taken_for_done(gt):
    lq = make(gt)
    write_clip(gt / "a/001", num_frames=4)
    with pytest.raises(InputError, match="lq/a/001: has other frames than the input"):
        make(gt)
    (gt.parent / "other").mkdir()
    (gt / "a").rename(gt.parent / "other" / "a")
    with pytest.raises(InputError, match="were made with input"):
        make(gt.parent / "other", lq)


def test_an_output_of_someone_else_is_refused(gt):
    lq = gt.parent / "lq"
    lq.mkdir()
    make(gt)  # empty: fine
    (lq / RECORD).unlink()
    with pytest.raises(InputError, match="lq: holds 'a', and no degradation.json"):
        make(gt)
    (lq / RECORD).write_text("[")
    with pytest.raises(InputError, match=r"degradation.json: is damaged"):
        make(gt)
    (gt.parent / "file").touch()
    with pytest.raises(InputError, match=r"file: cannot be written"):
        make(gt, gt.parent / "file")


def test_an_output_within_the_input_is_refused(gt):
    (gt.parent / "link").symlink_to(gt)
    for output in (gt, gt / "lq", gt / "a" / "001", gt.parent / "link" / "lq"):
        with pytest.raises(InputError, match="lies in the input"):
            make(gt, output)
    with pytest.raises(InputError, match="the input lies in it"):
        make(gt, gt.parent)


def test_two_runs_do_not_write_into_one_folder(gt):
    lq = make(gt)
    with (
        hold(lq / ".degrade.lock"),
        pytest.raises(InputError, match=f"lq: process {os.getpid()} .*Wait for it"),
    ):
        make(gt)


def test_frames_that_would_share_a_name_are_refused(tmp_path):
    write_clip(tmp_path / "gt", num_frames=1, template="x.png")
    write_clip(tmp_path / "gt", num_frames=1, template="x.bmp")
    with pytest.raises(InputError, match=r"x\.(png|bmp): its result .* Rename one"):
        make(tmp_path / "gt")
    assert not (tmp_path / "lq").exists()


@pytest.mark.parametrize(
    ("size", "options", "told"),
    [
        ((18, 24), {}, r"00000000.png: is 24x18, no multiple of 4. Cut .*--scale 4,"),
        ((16, 24), {"scale": 2.5}, "no multiple of 5"),
        ((16, 24), {"scale": 30}, "too small for a scale of 30"),
        (
            (20, 24),
            {"degradations": ["bicubic", ("h264", fixed(20))]},
            r"input frames are 6x5; yuv420p .*--scale 8,",
        ),
        (
            (62, 64),
            {"degradations": [("hevc", fixed(20))]},
            "64x62; HEVC needs 64 a side",
        ),
    ],
)
def test_sizes_that_cannot_be_are_told_before_any_work(tmp_path, size, options, told):
    height, width = size
    write_clip(tmp_path / "gt" / "x", height=height, width=width)
    with pytest.raises(InputError, match=told):
        make(tmp_path / "gt", **options)
    assert not (tmp_path / "lq").exists()


def test_more_than_eight_bits_are_refused(tmp_path):
    deep = np.full((16, 16), 9000, np.uint16)
    (tmp_path / "gt").mkdir()
    Image.fromarray(deep).save(tmp_path / "gt" / "0.png")
    with pytest.raises(InputError, match=r"0\.png: has 16 bits a sample"):
        make(tmp_path / "gt")
    video = write_video(
        tmp_path / "deep.mkv", pictures(2), codec="ffv1", pix_fmt="yuv420p10le"
    )
    with pytest.raises(InputError, match=r"deep\.mkv: has more than 8 bits"):
        make(video, tmp_path / "other")


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ("--scale 1/3", "--scale: is 1/3; it says how many times smaller"),
        ("--scale x", "--scale: 'x' is no number"),
        ("--scale 1/0", "--scale: '1/0' is no number"),
        ("--scale 1", "bicubic does not make an input of 1/1"),
        ("--degradation blur --scale 2", "blur does not make an input of 1/2"),
        ("--degradation noise --sigma 9 --scale 4", "noise does not make"),
        ("--degradation fog", "'fog' is unknown. Use bicubic, blur, noise, h264, hevc"),
        ("--degradation crop,bicubic", "crop, which cuts ground truth, goes alone"),
        ("--degradation h264,blur --crf 3", "blur comes first"),
        ("--degradation noise", "--sigma: is missing. noise needs it"),
        ("--degradation bicubic,hevc", "--crf: is missing. hevc needs it"),
        ("--crf 20", "--crf: bicubic has none. Leave it out"),
        ("--degradation hevc --crf 20.5", "--crf: '20.5' is no number"),
        ("--degradation hevc --crf 30-20", "crf is (30, 20); need 0 <= best"),
        ("--degradation noise --sigma inf", "--sigma: 'inf' is no number"),
        ("--seed -1", "--seed: is -1"),
        ("--processes 0", "--processes: is 0"),
        ("--input nowhere", "nowhere: no such file or folder"),
    ],
)
def test_mistakes_are_one_line_and_code_2(gt, capsys, options, told):
    lq = gt.parent / "lq"
    code = main(["--input", str(gt), "--output", str(lq), *options.split()])
    (line,) = capsys.readouterr().err.splitlines()
    assert code == 2
    assert line.startswith("degrade: error: ")
    assert told in line
    assert not lq.exists()


def test_the_command_prints_its_output_and_how_far_it_is(gt, capsys):
    lq = gt.parent / "lq"
    options = "--degradation bicubic,noise --sigma 5-10.5 --scale 8/2 --seed 7"
    argv = ["--input", str(gt), "--output", str(lq), *options.split()]
    assert main(argv) == 0
    told = capsys.readouterr()
    assert told.out == f"{lq}\n"
    assert told.err == "3 of 3 clips, 9 frames\n"
    assert main(argv) == 0
    assert capsys.readouterr().err == "3 of 3 clips are done already\n"
    record = json.loads((lq / RECORD).read_text())
    assert record["degradation"] == ["bicubic", ["noise", {"sigma": [5.0, 10.5]}]]
    assert (record["scale"], record["seed"]) == ("4", 7)
