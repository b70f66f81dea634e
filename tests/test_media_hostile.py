"""Malformed media: exit code 2, one line, nothing left behind, no hang."""

import os
import signal
from contextlib import suppress
from pathlib import Path

import jax.numpy as jnp
import pytest
from malformed_media import malformed, survivable
from media_files import pictures, read_frames, write_video
from stand_in import StandIn

import bvsrpp_jax.weights
from bvsrpp_jax import cli
from bvsrpp_jax.media.child_reader import ChildReader

pytestmark = pytest.mark.usefixtures("no_hang")
MALFORMED, SURVIVABLE = malformed(), survivable()


@pytest.fixture
def restore(tmp_path, monkeypatch, capsys):
    """Runs the command on an input; gives its exit code, last line and output files."""
    monkeypatch.setattr(
        bvsrpp_jax.weights, "load", lambda source: (StandIn(), jnp.float32(1))
    )

    def run(make):
        for folder in ("in", "out"):
            (tmp_path / folder).mkdir()
        path, before = make(tmp_path / "in"), children()
        code = cli.main(["restore", str(path), str(tmp_path / "out" / "out.mp4")])
        lines = capsys.readouterr().err.splitlines()
        said = [line for line in lines if not line.startswith("bvsrpp: note: ")]
        assert children() <= before
        return code, said, [*(tmp_path / "out").iterdir()]

    return run


def children() -> set[str]:
    """This process's children, those that nobody has waited for among them.

    Other tests of the same process may have left some of their own.
    """
    found = set()
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # it has ended meanwhile
            _, parent = path.read_text().rpartition(")")[2].split()[:2]
            if int(parent) == os.getpid():
                found.add(path.parent.name)
    return found


def test_the_table_is_as_long_as_promised():
    assert len(MALFORMED) >= 30


@pytest.mark.parametrize("name", MALFORMED)
def test_malformed_media_is_one_line_and_exit_code_2(restore, tmp_path, name):
    make, message = MALFORMED[name]
    code, said, left = restore(make)
    assert (code, left) == (2, [])
    # What goes wrong behind the first frame is said below the line about the job.
    errors = [line for line in said if not line.startswith(str(tmp_path / "in"))]
    assert len(errors) == 1, said
    assert errors[0].startswith(f"bvsrpp: error: {tmp_path / 'in'}")
    assert message in errors[0]


@pytest.mark.long
@pytest.mark.parametrize("name", SURVIVABLE)
def test_other_damage_is_refused_or_survived(restore, name):
    code, said, left = restore(SURVIVABLE[name])
    assert code in (0, 2), said
    # What was restored before the damage stays beside, for a better copy.
    named = [path for path in left if path.name != ".out.mp4.job"]
    assert [path.name for path in named] == ([] if code else ["out.mp4"])
    assert code or left == named
    assert code or read_frames(named[0])


def test_a_decoder_that_dies_in_the_middle_is_one_line(restore, monkeypatch):
    read = ChildReader._next

    def dying(self, last):
        if last is not None:
            os.kill(self._child.pid, signal.SIGSEGV)
        return read(self, last)

    monkeypatch.setattr(ChildReader, "_next", dying)
    code, said, left = restore(large_clip)
    assert (code, left) == (2, [])
    assert "the decoder crashed (SIGSEGV), after " in said[-1]


def large_clip(folder: Path) -> Path:
    """More than fits between the two processes."""
    return write_video(folder / "a.mp4", pictures(30, width=320, height=240))
