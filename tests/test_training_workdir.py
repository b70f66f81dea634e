"""One run a folder, one experiment a folder."""

import json
import subprocess
import sys

import pytest

from bvsrpp_jax.differences import changed_entries
from bvsrpp_jax.errors import InputError
from bvsrpp_jax.training.workdir import locked, write_config

HOLD = """
import sys
from pathlib import Path
from bvsrpp_jax.training.workdir import locked
with locked(Path(sys.argv[1])):
    print("locked", flush=True)
    sys.stdin.read()
"""


def test_a_second_run_is_refused_until_the_first_has_ended_however(tmp_path):
    pipe = subprocess.PIPE
    command = [sys.executable, "-c", HOLD, tmp_path]
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as other:
        assert other.stdout.readline() == "locked\n"
        with (
            pytest.raises(InputError, match=f"another run.*process {other.pid} on"),
            locked(tmp_path),
        ):
            pass
        other.kill()
        other.wait()
        with locked(tmp_path):
            pass


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").touch()
    for path in (tmp_path / "file", tmp_path / "file" / "below"):
        message = f"{path}: cannot be written"
        with pytest.raises(InputError, match=message), locked(path):
            pass


def test_changed_entries_are_named_and_free_ones_are_not():
    before = {"rates": {"rate": 1e-4, "low": 0.0}, "data": {"root": "a"}, "gone": 1}
    now = {"rates": {"rate": 2e-4, "low": 0.0}, "data": {"root": "b"}, "new": None}
    assert changed_entries(before, now, free=("data.root",)) == [
        "gone was 1, is None",
        "rates.rate was 0.0001, is 0.0002",
    ]
    assert changed_entries(before, now, free=("data", "gone", "rates")) == []


def test_an_entry_is_free_by_its_whole_name_only():
    before, now = {"log_every": 1, "log_every_day": 1}, {"log_every": 2}
    assert changed_entries(before, now, free=("log_every",)) == [
        "log_every_day was 1, is None"
    ]


def test_the_configuration_is_written_for_people(tmp_path):
    write_config(tmp_path, {"b": 1, "a": {"c": [1, 2]}})
    text = (tmp_path / "config.json").read_text()
    assert json.loads(text) == {"a": {"c": [1, 2]}, "b": 1}
    assert text.index('"a"') < text.index('"b"')
