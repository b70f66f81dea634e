"""A reader in a process of its own gives the same, and survives whatever happens."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import warnings
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from media_files import pictures, write_video
from odd_media import colours, write_patches
from PIL import Image
from test_media_animations import animate
from test_media_hdr import hdr10

from bvsrpp_jax.errors import InputError
from bvsrpp_jax.media import child_reader, decoding_process
from bvsrpp_jax.media.child_reader import ChildReader
from bvsrpp_jax.media.frames import PictureReader
from bvsrpp_jax.media.hdr import Light
from bvsrpp_jax.media.messages import receive
from bvsrpp_jax.media.pictures import encode_png
from bvsrpp_jax.media.reader import VideoReader

pytestmark = pytest.mark.usefixtures("no_hang")
ROOT = Path(__file__).parents[1]
ENVIRONMENT = {
    **os.environ,
    # An empty entry would be the current folder.
    "PYTHONPATH": os.pathsep.join(
        filter(None, [str(ROOT), os.environ.get("PYTHONPATH")])
    ),
}


def everything(reader):
    with reader as source, warnings.catch_warnings(record=True) as notes:
        frames = list(source)
    return source.info, source.excerpt, frames, notes


def check_same(path, reader, **part):
    """Compares all that the two readers say; gives what the clip is."""
    info, excerpt, frames, _ = everything(reader(path, **part))
    found = everything(ChildReader(path, **part))
    assert found[:2] == (info, excerpt)
    assert [frame[1:] for frame in found[2]] == [frame[1:] for frame in frames]
    for ours, theirs in zip(found[2], frames, strict=True):
        assert ours.pixels.dtype == theirs.pixels.dtype
        np.testing.assert_array_equal(ours.pixels, theirs.pixels)
    return info


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    """A clip of more than fits between the two processes."""
    path = tmp_path_factory.mktemp("large") / "a.mp4"
    return write_video(path, pictures(20, width=320, height=240))


@pytest.mark.parametrize(
    ("kind", "part"),
    [
        ({"rotation": (90,), "aspect": Fraction(4, 3)}, {}),
        ({"codec": "libx265", "pix_fmt": "yuv420p10le"}, {}),
        ({"frames": pictures(50)}, {"start": Fraction(1), "duration": Fraction(1, 2)}),
        ({}, {"deep": True}),
    ],
)
def test_a_video_is_the_same_as_without_a_child(tmp_path, kind, part):
    check_same(write_video(tmp_path / "a.mp4", **kind), VideoReader, **part)


def test_interlaced_video_is_the_same_as_without_a_child(tmp_path):
    path, options = tmp_path / "a.mkv", {"flags": "+ilme+ildct"}
    kind = {"codec": "mpeg2video", "field": "tff", "options": options}
    write_patches(path, colours(4), **kind)
    check_same(path, VideoReader, deinterlace=True)
    with pytest.raises(InputError, match="a.mkv: frame 0 is interlaced. Pass --deint"):
        ChildReader(path)


def test_hdr_metadata_is_the_same_as_without_a_child(tmp_path):
    assert check_same(hdr10(tmp_path / "a.mp4"), VideoReader).light != Light()


@pytest.mark.parametrize("suffix", ["png", "gif", "webp"])
def test_animations_are_the_same_as_without_a_child(tmp_path, suffix):
    if suffix == "webp" and "webp_anim" not in av.formats_available:
        pytest.skip("this PyAV reads no animated WebP")
    check_same(animate(tmp_path / f"a.{suffix}"), VideoReader)


@pytest.mark.parametrize("deep", [False, True])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_pictures_are_the_same_as_without_a_child(tmp_path, dtype, deep):
    for i, pixels in enumerate(pictures(3).astype(dtype)):
        (tmp_path / f"{i}.png").write_bytes(encode_png(pixels))
    check_same(tmp_path, PictureReader, rate=Fraction(24), deep=deep)


def test_notes_come_along(tmp_path):
    path = tmp_path / "a.png"
    Image.new("RGBA", (32, 24), (9, 9, 9, 9)).save(path)
    with pytest.warns(UserWarning, match="a.png: its transparency is dropped"):
        ChildReader(path, rate=Fraction(25)).close()


def test_notes_come_along_behind_the_last_frame(tmp_path):
    path = write_video(tmp_path / "a.mp4")
    with (
        ChildReader(path, deinterlace=True) as source,
        pytest.warns(UserWarning, match="a.mp4: no frame is flagged as interlaced"),
    ):
        assert len(list(source)) == 5


def test_a_refusal_comes_along(tmp_path):
    with pytest.raises(InputError, match=r"no.mp4: cannot be read \(No such file"):
        ChildReader(tmp_path / "no.mp4")


@pytest.mark.parametrize("number", [signal.SIGSEGV, signal.SIGKILL, signal.SIGABRT])
def test_a_crash_names_file_signal_and_frames(large, number):
    with ChildReader(large) as source:
        frames = iter(source)
        next(frames)
        os.kill(source._child.pid, number)
        with pytest.raises(
            InputError, match=rf"a.mp4: the decoder crashed \({number.name}\), after "
        ):
            list(frames)


def test_a_child_that_hangs_is_ended(large):
    with ChildReader(large, patience=4) as source:  # enough to start
        os.kill(source._child.pid, signal.SIGSTOP)
        with pytest.raises(InputError, match=r"a.mp4: the decoder did nothing for 4 s"):
            list(source)
    assert not alive(source._child.pid)


def test_frames_that_are_skipped_are_signs_of_work(tmp_path):
    path = write_video(tmp_path / "a.mpg", pictures(50), codec="mpeg2video")
    packets = []
    VideoReader(path, start=Fraction(1), on_packet=lambda: packets.append(0)).close()
    assert len(packets) >= 25


def test_frames_larger_than_the_limit_are_refused(tmp_path):
    path = write_video(tmp_path / "a.mp4")
    assert len(everything(ChildReader(path, max_pixels=64 * 48))[2]) == 5
    with pytest.raises(InputError, match="has 64x48 pixels, more than 3071.*--max-pix"):
        ChildReader(path, max_pixels=64 * 48 - 1)
    narrow = write_video(tmp_path / "b.mp4", pictures(2, width=34, height=48))
    assert len(everything(ChildReader(narrow, max_pixels=34 * 48))[2]) == 2
    (tmp_path / "a.png").write_bytes(encode_png(pictures(1)[0]))
    with pytest.raises(InputError, match="has 64x48 pixels, more than 3071.*--max-pix"):
        ChildReader(tmp_path / "a.png", rate=Fraction(25), max_pixels=64 * 48 - 1)


INFO = {
    "name": "a",
    "width": 2,
    "height": 2,
    "deep": False,
    "rate": [25, 1],
    "time_base": [1, 25],
    "num_frames": None,
    "color": {"matrix": 1, "full_range": True, "primaries": 1, "transfer": 1},
    "sample_aspect_ratio": [1, 1],
    "is_counted": False,
    "light": {"display": None, "levels": None},
}


def message(kind, value=None, pixels=b""):
    text = json.dumps({"kind": kind, "value": value}).encode()
    return len(text).to_bytes(4, "big") + text + pixels


OPENED = message("clip", INFO) + message("excerpt")
FRAME = message("frame", [7, 1], bytes(12))


def hearing(tmp_path, monkeypatch, said, name="a.bin"):
    """What a reader makes of a child that says this."""
    monkeypatch.setattr(child_reader, "_MODULE", "odd_child")
    (tmp_path / name).write_bytes(said)
    with ChildReader(tmp_path / name) as source:
        return list(source)


def test_what_is_right_is_heard(tmp_path, monkeypatch):
    said = OPENED + FRAME + message("busy") + message("end")
    (frame,) = hearing(tmp_path, monkeypatch, said)
    assert (frame.pts, frame.duration, frame.pixels.shape) == (7, 1, (2, 2, 3))


@pytest.mark.parametrize(
    "said",
    [
        (1 << 17).to_bytes(4, "big") + bytes(100),
        b"\0\0\0\4nope",
        b"\0\0\0\2{}",
        b"\0\0\0\4\xff\xff\xff\xff",
        (60_000).to_bytes(4, "big") + 60_000 * b"[",
        message(["clip"], INFO),
        message("frame", [0, 1]),
        message("end"),
        *(
            message("clip", INFO | change)
            for change in (
                {"width": 0},
                {"height": -2},
                {"width": 1 << 20, "height": 1 << 20},
                {"width": 2.0},
                {"width": True},
                {"width": 10**4000},
                {"deep": 1},
                {"rate": [25, 0]},
                {"rate": [0, 1]},
                {"rate": float("nan")},
                {"time_base": "1/25"},
                {"time_base": [1, -25]},
                {"num_frames": 0},
                {"num_frames": "5"},
                {"color": None},
                {"color": INFO["color"] | {"matrix": 99}},
                {"light": None},
                {"light": {"display": None, "levels": [1]}},
                {"light": {"display": None, "levels": [1, "2"]}},
                {"light": {"display": [[1, 2]], "levels": None}},
                {"light": {"display": 10 * [[1, 0]], "levels": None}},
                {"light": {"display": {}, "levels": None}},
                {"more": 1},
            )
        ),
        message("clip", INFO) + message("excerpt", [0, 1]),
        OPENED + message("clip", INFO),
        OPENED + message("frame", "0"),
        OPENED + message("frame", [0]),
        OPENED + message("frame", [0, "1"]),
        OPENED + message("frame", [0, -1]),
        OPENED + message("frame", [1 << 63, 1]),
        OPENED + message("frame", [0, 1 << 63]),
        OPENED + FRAME + FRAME,
        OPENED + message("unheard of"),
        OPENED + message("note", 5),
    ],
)
def test_what_a_reader_never_says_is_refused(tmp_path, monkeypatch, said):
    with pytest.raises(InputError, match="a.bin: the decoder sent what it never sends"):
        hearing(tmp_path, monkeypatch, said)


def test_bugs_of_ours_are_no_refusals(tmp_path, monkeypatch):
    said = OPENED + message("bug", "ZeroDivisionError: ours")
    with pytest.raises(RuntimeError, match="ZeroDivisionError: ours"):
        hearing(tmp_path, monkeypatch, said)
    with pytest.raises(RuntimeError, match="ended with code 0"):
        hearing(tmp_path, monkeypatch, OPENED + FRAME[:-1])
    with pytest.raises(RuntimeError, match="code 3:\nImportError: av"):
        hearing(tmp_path, monkeypatch, b"ImportError: av", "exit.bin")


@pytest.mark.parametrize(
    ("error", "kind", "text"),
    [
        (InputError("a.mp4: is odd. Mend it."), "refusal", "a.mp4: is odd. Mend it."),
        (MemoryError(), "refusal", "a.mp4: needs more memory than a decoder may have"),
        (ZeroDivisionError("ours"), "bug", "Traceback (most recent call last)"),
    ],
)
def test_what_a_child_says_of_failures(monkeypatch, error, kind, text):
    def fail(*_):
        raise error

    monkeypatch.setattr(decoding_process, "_open", fail)
    monkeypatch.setattr(warnings, "showwarning", warnings.showwarning)
    ours, theirs = socket.socketpair()
    with ours:
        decoding_process.main({"connection": theirs.detach(), "path": "a.mp4"})
        found, said = receive(ours)
    assert (found, said[: len(text)]) == (kind, text)


def test_ctrl_c_is_for_the_parent(large):
    with ChildReader(large) as source:
        assert os.getpgid(source._child.pid) != os.getpgid(0)


@pytest.mark.skipif(not Path("/proc").exists(), reason="looks at /proc")
def test_closing_leaves_neither_process_nor_open_file(large):
    before = set(os.listdir("/proc/self/fd"))
    for _ in range(2):
        with ChildReader(large) as source:
            next(iter(source))
        assert not alive(source._child.pid)
    assert set(os.listdir("/proc/self/fd")) == before


def test_a_pipe_that_closes_ends_a_process_that_hangs():
    code = (
        "import time\n"
        "from bvsrpp_jax.media.limits import end_with\n"
        "end_with(0)\n"
        "print('hangs', flush=True)\n"
        "time.sleep(60)\n"
    )
    command, pipe = [sys.executable, "-c", code], subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, env=ENVIRONMENT) as hangs:
        assert hangs.stdout.readline() == b"hangs\n"
        hangs.stdin.close()
        assert hangs.wait() == -signal.SIGIO


def test_the_child_ends_with_its_parent_however_that_dies(large):
    code = (
        "import os, signal, sys\n"
        "from pathlib import Path\n"
        "from bvsrpp_jax.media.child_reader import ChildReader\n"
        "source = ChildReader(Path(sys.argv[1]))\n"
        "print(source._child.pid, flush=True)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    parent = python("-c", code, str(large))
    child = int(parent.stdout)
    deadline = time.monotonic() + 10
    while alive(child):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_scripts_need_no_guard_and_the_current_folder_is_not_trusted(tmp_path, large):
    script, folder = tmp_path / "script.py", tmp_path / "folder"
    folder.mkdir()
    for name in ("av", "numpy", "json", "bvsrpp_jax"):
        (folder / f"{name}.py").write_text("raise SystemExit('imported from here')")
    script.write_text(
        "import sys\n"
        "from bvsrpp_jax.media import open_clip\n"
        "with open_clip(sys.argv[1]) as source:\n"
        "    print(sum(1 for _ in source))\n"
    )
    done = python(str(script), str(large), cwd=folder)
    assert (done.stdout, done.stderr) == ("20\n", "")


def test_the_child_needs_no_jax():
    code = (
        "import sys, bvsrpp_jax.media.decoding_process\n"
        "print(sorted({'jax', 'flax'} & {*sys.modules}))"
    )
    assert python("-c", code).stdout == "[]\n"


@pytest.mark.skipif(sys.platform != "linux", reason="memory is limited on Linux")
@pytest.mark.parametrize(
    ("attempt", "result"),
    [
        ("np.empty(3 << 30, np.uint8)", "fine"),
        ("np.empty(6 << 30, np.uint8)", "MemoryError"),
        ("open('file', 'w').write('x')", "fine"),  # as long as it stays in the buffer
        ("os.write(os.open('file', os.O_WRONLY | os.O_CREAT), b'x')", "OSError"),
        ("[os.dup(0) for _ in range(40)]", "OSError"),
    ],
)
def test_what_a_child_may_use(tmp_path, attempt, result):
    code = (
        "import os, numpy as np\n"
        "from bvsrpp_jax.media.limits import limit_resources\n"
        "limit_resources(1 << 20)\n"
        f"try:\n    {attempt}\n    print('fine')\n"
        "except Exception as error:\n    print(type(error).__name__)\n"
    )
    assert python("-c", code, cwd=tmp_path).stdout == f"{result}\n"


def python(*arguments, cwd=None):
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=cwd,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        timeout=60,
    )


def alive(pid: int) -> bool:
    """Whether a process runs; a dead one that nobody has waited for does not."""
    status = Path(f"/proc/{pid}/stat")
    if Path("/proc").exists():
        return status.exists() and status.read_text().split()[2] != "Z"
    return subprocess.run(["ps", "-p", str(pid)], capture_output=True).returncode == 0
