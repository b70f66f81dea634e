"""Copying in a process of its own survives whatever a source does to it."""

import os
import signal
import sys
import time
from pathlib import Path

import pytest
from media_files import INFO, packets, pictures, write_video
from test_media_child_reader import alive, message, python

from bvsrpp_jax.errors import InputError
from bvsrpp_jax.media import child_assembly
from bvsrpp_jax.media.clip import Frame
from bvsrpp_jax.media.writer import VideoWriter

pytestmark = pytest.mark.usefixtures("no_hang")


@pytest.fixture
def source(tmp_path):
    return write_video(tmp_path / "in.mkv", tracks=1, audio_seconds=0.5)


def write(source, name="out.mp4", *, kill=None, **settings):
    """The output, and the process that wrote it; which may be killed meanwhile."""
    target = source.parent / name
    with VideoWriter(target, INFO, copy_from=source, **settings) as writer:
        for pts, pixels in enumerate(pictures()):
            writer.write(Frame(pixels, pts))
            if kill is not None:
                os.kill(writer._assembly._child.pid, kill)
        writer.commit()
    return target, writer._assembly._child.pid


@pytest.fixture
def odd(monkeypatch):
    """Chooses what happens to the copier, and how long somebody waits for it."""

    def choose(kind, patience=120.0):
        monkeypatch.setattr(child_assembly, "_MODULE", "odd_copier")
        monkeypatch.setitem(
            child_assembly.ChildAssembly.__init__.__kwdefaults__, "patience", patience
        )
        monkeypatch.setenv("ODD_COPIER", kind)

    return choose


def files(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("crash", r"in.mkv: the copier of its sound crashed \(SIGSEGV\), after all"),
        (
            "hang",
            r"in.mkv: the copier of its sound did nothing for 4 s, after all 5",
        ),
        pytest.param(
            "memory",
            "in.mkv: its sound, subtitles or chapters need more memory than",
            marks=pytest.mark.skipif(
                sys.platform != "linux", reason="memory is limited on Linux"
            ),
        ),
    ],
)
def test_whatever_happens_is_one_line_and_no_output(source, odd, kind, message):
    odd(kind, patience=4)  # enough to start
    with pytest.raises(InputError, match=message) as caught:
        write(source)
    assert "\n" not in str(caught.value)
    assert files(source.parent) == ["in.mkv"]


def test_packets_that_are_skipped_are_signs_of_work(source, odd):
    odd("read on", patience=4)
    target, _ = write(source)
    assert packets(target, "audio") != []


def test_the_sound_is_that_of_a_copier_to_which_nothing_happens(source, odd):
    plain, _ = write(source)
    odd("nothing")
    again, _ = write(source, "again.mp4")
    assert again.read_bytes() == plain.read_bytes()


@pytest.mark.parametrize("number", [signal.SIGSEGV, signal.SIGKILL])
def test_a_crash_between_packets_names_file_signal_and_frames(source, number):
    message = rf"in.mkv: the copier .* \({number.name}\), after 1 frames"
    with pytest.raises(InputError, match=message):
        write(source, codec="mpeg4", kill=number)
    assert files(source.parent) == ["in.mkv"]


def test_a_source_that_is_refused_is_told_at_once(tmp_path):
    (tmp_path / "in.mkv").write_bytes(b"nothing of the kind")
    with pytest.raises(InputError, match="in.mkv: is not a video that can be read"):
        VideoWriter(tmp_path / "out.mp4", INFO, copy_from=tmp_path / "in.mkv")
    assert files(tmp_path) == ["in.mkv"]


@pytest.mark.skipif(not Path("/proc").exists(), reason="looks at /proc")
def test_nothing_is_left_of_it(source):
    before = set(os.listdir("/proc/self/fd"))
    _, pid = write(source)
    assert not alive(pid)
    with VideoWriter(source.parent / "no.mp4", INFO, copy_from=source) as writer:
        pass
    assert not alive(writer._assembly._child.pid)
    assert set(os.listdir("/proc/self/fd")) == before
    assert files(source.parent) == ["in.mkv", "out.mp4"]


STARTED = message("started", "00")


@pytest.mark.parametrize(
    "said",
    [
        message("started", 5),
        message("written"),
        STARTED + message("finished"),
        STARTED + message("frame", [0, 1]),
        STARTED + b"\0\0\0\4nope",
    ],
)
def test_what_a_copier_never_says_is_refused(tmp_path, monkeypatch, said):
    (tmp_path / "in.bin").write_bytes(said)
    monkeypatch.setattr(child_assembly, "_MODULE", "odd_child")
    message = "in.bin: the copier of its sound sent what it never sends"
    with pytest.raises(InputError, match=message):
        write(tmp_path / "in.bin", codec="mpeg4")
    assert files(tmp_path) == ["in.bin"]


def test_it_ends_with_its_parent_even_while_it_hangs(source):
    code = (
        "import os, signal, sys, time\n"
        "from pathlib import Path\n"
        f"sys.path.append({str(Path(__file__).parent)!r})\n"
        "from media_files import INFO\n"
        "from bvsrpp_jax.media import child_assembly\n"
        "from bvsrpp_jax.media.writer import VideoWriter\n"
        "child_assembly._MODULE = 'odd_copier'\n"
        "os.environ['ODD_COPIER'] = 'hang'\n"
        "source = Path(sys.argv[1])\n"
        "writer = VideoWriter(source.with_name('a.mp4'), INFO, copy_from=source)\n"
        "print(writer._assembly._child.pid, flush=True)\n"
        "writer._assembly._child.send('finish')\n"
        "time.sleep(1)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    child = int(python("-c", code, str(source)).stdout)
    deadline = time.monotonic() + 10
    while alive(child):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_it_needs_no_jax():
    code = (
        "import sys, bvsrpp_jax.media.assembly_process\n"
        "print(sorted({'jax', 'flax'} & {*sys.modules}))"
    )
    assert python("-c", code).stdout == "[]\n"
