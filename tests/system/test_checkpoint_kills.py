"""Killed at any moment, damaged in any way: right values or an error, never others."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent


def run(script, *argv):
    """The JSON that a script prints."""
    command = [sys.executable, str(HERE / script), *argv]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout), done.stderr


@pytest.mark.long
def test_a_run_killed_at_any_file_event_ends_with_the_same_bits():
    result, _ = run("kill_points.py", "--arrays", "2")
    assert result["wrong"] == []
    assert result["right"] == result["trials"] == result["events"]
    # A run that lives had no such event: threads race, and the last few may not come.
    # The enumeration has not shrunk, and reaches into every save.
    assert result["killed"] >= 120
    assert all(result["resumed"][step] >= 20 for step in "0123")


def test_no_damaged_file_gives_other_values():
    result, stderr = run("damage_table.py", "--arrays", "2")
    assert result["wrong"] == []
    assert result["right"] == result["trials"]
    assert result["files"] >= 10
    assert result["trials"] >= 6 * (result["files"] - 1)  # one file is empty
    assert stderr == ""  # but the one line that the trials look for


def test_damage_before_the_files_were_hashed_gives_no_other_values():
    result, _ = run("damage_table.py", "--arrays", "2", "--unhashed", "1")
    assert result["wrong"] == []
    assert result["right"] == result["trials"] >= 50
    flips = [result["outcomes"][f"bit flip {i}"] for i in (1, 2, 3)]
    assert sum(flip.get("before", 0) for flip in flips) > 0  # arrays were compared
