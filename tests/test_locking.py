"""A lock keeps one process at a time, and never two because a file was replaced."""

import fcntl

import pytest

from bvsrpp_jax.locking import Busy, hold


def test_one_at_a_time(tmp_path):
    with (
        hold(tmp_path / "lock"),
        pytest.raises(Busy, match=r"process \d+ on "),
        hold(tmp_path / "lock"),
    ):
        pass
    with hold(tmp_path / "lock"):
        pass


@pytest.mark.parametrize("anew", [False, True])
def test_a_file_that_its_holder_has_just_removed_is_no_lock(
    tmp_path, monkeypatch, anew
):
    path = tmp_path / "lock"

    def late(*_):
        path.unlink()
        if anew:  # a third process was quicker
            path.touch()

    monkeypatch.setattr(fcntl, "flock", late)
    with pytest.raises(Busy, match="just ended"), hold(path):
        pass
