"""Compiled programs come back as they were written, from where only the user writes."""

import os
import subprocess
import sys
from pathlib import Path

import jax
import jax.lib
import pytest

from bvsrpp_jax.compilation_cache import entries, folder, use_compilation_cache
from bvsrpp_jax.compilation_cache.folder import Unusable, check_private, open_folder

# Prints what a program computes, how many were compiled, and how many came back.
PROGRAM = """
import warnings
from collections import Counter
from bvsrpp_jax.compilation_cache import use_compilation_cache
use_compilation_cache()
import jax, jax.numpy as jnp
events = Counter()
jax.monitoring.register_event_listener(lambda event, **_: events.update([event]))
x = jnp.arange(12.0).reshape(3, 4)
result = float(jax.jit(lambda x: jnp.sin(x @ x.T).sum())(x)).hex()
counts = (events[f"/jax/compilation_cache/cache_{name}"] for name in ("misses", "hits"))
print(result, *counts)
"""


def start(cache, **environment):
    """Starts the program above."""
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM],
        env={**os.environ, "BVSRPP_CACHE": str(cache), **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def end(process):
    """What it computed, and the numbers compiled and come back; stderr is empty."""
    out, err = process.communicate(timeout=120)
    assert (process.returncode, err) == (0, "")
    result, compiled, returned = out.split()
    return result, int(compiled), int(returned)


def run(cache, **environment):
    return end(start(cache, **environment))


def kept(cache: Path) -> list[Path]:
    return sorted(path for path, _ in entries.entries(cache / "compiled"))


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """A place for the cache, of which the environment says nothing but that."""
    for name in ("XDG_CACHE_HOME", "JAX_COMPILATION_CACHE_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("BVSRPP_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_a_second_run_compiles_nothing_and_damage_is_compiled_anew(cache):
    result, compiled, returned = run(cache)
    assert compiled > 0
    assert returned == 0
    count = compiled
    assert run(cache) == (result, 0, count)
    paths = kept(cache)
    assert len(paths) == count
    whole = [path.read_bytes() for path in paths]
    damages = [
        lambda data: b"",
        lambda data: data[: len(data) // 2],
        lambda data: bytes(len(data)),
        lambda data: data[:40] + bytes([data[40] ^ 1]) + data[41:],
    ]
    for i, (path, data) in enumerate(zip(paths, whole, strict=True)):
        path.write_bytes(damages[i % len(damages)](data))
    assert run(cache) == (result, count, 0)
    assert run(cache) == (result, 0, count)


def test_an_entry_that_was_vouched_for_too_early_is_compiled_anew_in_silence(cache):
    """As another process may, while it is being written; `run` reads stderr."""
    result, count, _ = run(cache)
    for path in kept(cache):
        path.write_bytes(path.read_bytes()[:-100])
        path.with_name(f"{path.name}.sha256").unlink()
        entries.seal(path.parent)
    assert run(cache)[::2] == (result, 0)


def test_processes_that_start_together_agree(cache):
    together = [start(cache) for _ in range(2)]
    results = {end(process)[0] for process in together}
    assert len(results) == 1
    assert run(cache)[0] in results


def test_jax_own_setting_wins(cache, tmp_path):
    own = tmp_path / "own"
    run(cache, JAX_COMPILATION_CACHE_DIR=str(own))
    assert not cache.exists()


def test_an_entry_is_removed_unless_it_is_what_its_digest_says(tmp_path):
    for name in ("whole", "changed", "unsealed", "orphan"):
        (tmp_path / name).write_bytes(name.encode())
    entries.seal(tmp_path)
    (tmp_path / "changed").write_bytes(b"Changed")
    (tmp_path / "unsealed.sha256").unlink()
    (tmp_path / "orphan").unlink()
    entries.remove_damaged(tmp_path)
    assert sorted(os.listdir(tmp_path)) == ["whole", "whole.sha256"]


def test_a_digest_is_written_once(tmp_path):
    """Or damage between two programs of one run would be vouched for."""
    (tmp_path / "entry").write_bytes(b"as written")
    entries.seal(tmp_path)
    (tmp_path / "entry").write_bytes(b"as damaged")
    entries.seal(tmp_path)
    entries.remove_damaged(tmp_path)
    assert os.listdir(tmp_path) == []


def test_what_was_used_last_stays(tmp_path):
    for age, name in enumerate(("new", "middle", "old")):
        of_a_machine = tmp_path / f"machine-{age % 2}"
        of_a_machine.mkdir(exist_ok=True)
        (of_a_machine / name).write_bytes(bytes(100))
        entries.seal(of_a_machine)
        os.utime(of_a_machine / name, (1e9 - age, 1e9 - age))
    entries.evict(tmp_path, limit=200)
    names = sorted(path.name for path in tmp_path.rglob("*") if path.is_file())
    assert names == ["middle", "middle.sha256", "new", "new.sha256"]


def test_to_verify_is_not_to_use(tmp_path):
    (tmp_path / "entry").write_bytes(b"data")
    entries.seal(tmp_path)
    os.utime(tmp_path / "entry", (1e9, 2e9))
    entries.remove_damaged(tmp_path)
    if hasattr(os, "O_NOATIME"):
        assert (tmp_path / "entry").stat().st_atime == 1e9


def test_the_folder_is_the_users_alone(cache):
    previous = os.umask(0)  # the least careful
    try:
        opened = open_folder()
    finally:
        os.umask(previous)
    assert opened == cache / "compiled" / folder.machine_key()
    for level in (opened, cache / "compiled", cache):
        assert level.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("mode", [0o720, 0o702, 0o1777])
@pytest.mark.parametrize("depth", [0, 1, 2])
def test_a_folder_that_others_can_write_is_refused(cache, mode, depth):
    level = [open_folder(), cache / "compiled", cache][depth]
    level.chmod(mode)
    if mode == 0o1777 and depth > 0:  # as /tmp: nobody can exchange what is in it
        assert open_folder() is not None
        return
    with pytest.raises(Unusable, match="can be written by others"):
        open_folder()


def test_a_link_is_judged_by_where_it_leads(cache, tmp_path):
    target = tmp_path / "target"
    target.mkdir(mode=0o700)
    cache.symlink_to(target)
    assert open_folder().is_relative_to(target)
    target.chmod(0o777)
    with pytest.raises(Unusable, match="target: can be written by others"):
        open_folder()
    cache.unlink()
    cache.symlink_to(cache)
    with pytest.raises(Unusable):
        open_folder()


def test_a_folder_of_somebody_else_is_refused(tmp_path, monkeypatch):
    check_private(tmp_path)
    monkeypatch.setattr(os, "geteuid", lambda: tmp_path.stat().st_uid + 1)
    monkeypatch.setattr(folder, "_ROOT", -1)
    with pytest.raises(Unusable, match="belongs to somebody else"):
        check_private(tmp_path)


def test_a_place_that_cannot_be_is_a_note_and_no_error(cache, tmp_path, monkeypatch):
    (tmp_path / "file").write_bytes(b"")
    for place in (tmp_path / "file", tmp_path / "file" / "below", "/proc/no/where"):
        monkeypatch.setenv("BVSRPP_CACHE", str(place))
        with pytest.warns(UserWarning, match="compiled programs are not kept: "):
            assert use_compilation_cache() is None


def test_a_folder_that_cannot_be_written_is_refused(cache, monkeypatch):
    open_folder()
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(Unusable, match="cannot be written"):
        open_folder()


def test_without_a_home_nothing_is_kept(cache, tmp_path, monkeypatch):
    monkeypatch.delenv("BVSRPP_CACHE")
    monkeypatch.setenv("HOME", str(tmp_path / "none"))
    with pytest.raises(Unusable, match="there is no home folder"):
        open_folder()


def test_where_it_is(cache, tmp_path, monkeypatch):
    key = folder.machine_key()
    monkeypatch.delenv("BVSRPP_CACHE")
    monkeypatch.setenv("HOME", str(tmp_path))
    usual = tmp_path / ".cache" / "bvsrpp" / "compiled" / key
    assert open_folder() == usual
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    assert open_folder() == usual
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert open_folder() == tmp_path / "xdg" / "bvsrpp" / "compiled" / key
    monkeypatch.setenv("BVSRPP_CACHE", "OFF")
    assert open_folder() is None
    assert use_compilation_cache() is None


def test_another_processor_or_jax_has_another_folder(monkeypatch):
    keys = {folder.machine_key()}
    with monkeypatch.context() as changed:
        changed.setattr(folder, "_processor", lambda: "flags: fpu sse2")
        keys.add(folder.machine_key())
    with monkeypatch.context() as changed:
        changed.setattr(jax.lib, "__version__", "0.0")
        keys.add(folder.machine_key())
    with monkeypatch.context() as changed:
        changed.setattr(jax, "__version__", "0.0")
        keys.add(folder.machine_key())
    assert len(keys) == 4


def test_the_processor_is_told_without_what_changes_by_the_minute(monkeypatch):
    text = folder._processor()
    assert "MHz" not in text
    if Path("/proc/cpuinfo").exists():
        assert "flags" in text.lower() or "features" in text.lower()


def test_restore_asks_for_it_before_anything_is_compiled(tmp_path, monkeypatch):
    import bvsrpp_jax.compilation_cache
    import bvsrpp_jax.weights
    from bvsrpp_jax import cli
    from bvsrpp_jax.errors import InputError

    called = []

    def load(source):
        called.append("load")  # the first to compile
        raise InputError("enough.")

    monkeypatch.setattr(bvsrpp_jax.weights, "load", load)
    monkeypatch.setattr(
        bvsrpp_jax.compilation_cache,
        "use_compilation_cache",
        lambda: called.append("cache"),
    )
    assert cli.main(["restore", "in.mp4", str(tmp_path / "out.mp4")]) == 2
    assert called == ["cache", "load"]
