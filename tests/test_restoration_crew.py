"""Processes that are not where the others are say so (tests/system has real ones)."""

import pytest

from bvsrpp_jax.errors import InputError
from bvsrpp_jax.restoration import crew as module
from bvsrpp_jax.restoration.crew import Crew


def test_one_process_alone_waits_for_nobody(tmp_path):
    with Crew(multihost=False) as crew:
        crew.wait("here")
        crew.say("x")
        assert crew.hear("x", 0) == ""
        crew.check()
        crew.await_files(lambda: False)
        with crew.watching(on_loss=None):
            pass
        assert crew.of_all(print) is print


def test_a_folder_that_is_not_shared_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_DELAY", 0.3)
    first, second = tmp_path / "a", tmp_path / "b"
    first.mkdir()
    second.mkdir()
    crew = Crew(multihost=False)
    token = crew.share_token(first)
    crew.check_shared(first, token)
    with pytest.raises(InputError, match="b: process 0 does not see .* all hosts"):
        crew.check_shared(second, token)
