"""What waits on disk goes when its window is done, and is never more than planned."""

import os
from dataclasses import replace
from functools import partial

import jax.numpy as jnp
import numpy as np
import pytest
from media_files import pictures
from stand_in import StandIn

from bvsrpp_jax.restoration import Restorer, cutting
from bvsrpp_jax.restoration.memory import memory_of
from bvsrpp_jax.restoration.spool import Spool

SIZE, ONE = (80, 140), jnp.float32(1)


FRAME = 80 * 140 * 3
FEATURES = 80 * 140 * (4 * 4 + 16)  # the stand-in's have one channel; beside flows


def on_disk_in(folder):
    """Bytes and number of the open files without a name in a folder."""
    sizes = []
    for number in os.listdir("/proc/self/fd"):
        try:
            if os.readlink(f"/proc/self/fd/{number}").startswith(f"{folder}/"):
                sizes.append(os.fstat(int(number)).st_size)
        except OSError:  # it is that of listdir
            continue
    return sum(sizes), len(sizes)


@pytest.fixture
def used(tmp_path, monkeypatch):
    """Bytes of frames, bytes of features and files, whenever something was written."""
    hold, found = Spool.hold, []
    folders = [tmp_path / name for name in ("frames", "features")]
    for folder in folders:
        folder.mkdir()

    def hold_and_look(self, array):
        held = hold(self, array)
        (frames, n), (features, m) = map(on_disk_in, folders)
        found.append((frames, features, n + m))
        return held

    monkeypatch.setattr(Spool, "hold", hold_and_look)
    monkeypatch.setattr(cutting, "Spool", lambda _: Spool(folders[0]))
    return found


def restorer_on(tmp_path, **options):
    return Restorer(StandIn(), ONE, scratch=tmp_path / "features", **options)


@pytest.mark.parametrize("tile", [0, 100])
def test_used_disk_is_bounded_over_many_windows(tmp_path, used, tile):
    options = {"window": 8, "overlap": 1, "chunk": 4, "tile": tile, "shots": False}
    restorer = restorer_on(tmp_path, **options)
    plan = replace(restorer.plan(SIZE), on_disk=True, devices=1)
    frames = pictures(80, width=140, height=80)
    output = list(restorer.stream(frames, plan=plan))
    np.testing.assert_array_equal(output, frames.repeat(4, 1).repeat(4, 2))
    kept, features, files = map(max, zip(*used, strict=True))
    planned = partial(memory_of, restorer.model, SIZE, 8, 4, dtype=np.uint8)
    assert kept <= (4 if tile else 3) * 8 * FRAME
    assert kept + features <= planned(tile=plan.tile, on_disk=True).disk
    assert features <= 1.01 * 8 * FEATURES
    assert files < 20
    assert on_disk_in(tmp_path) == (0, 0)


def test_a_shot_that_is_done_waits_no_longer(tmp_path, used):
    """Whole shots, however many."""
    night = np.full((5, *SIZE, 3), 20, np.uint8)
    stripes = (np.arange(80) % 7 * 35).astype(np.uint8)[None, :, None, None]
    day = np.broadcast_to(stripes, night.shape)
    restorer = restorer_on(tmp_path, exact=True)
    assert len(list(restorer.stream(np.concatenate([night, day] * 4)))) == 40
    kept, features, _ = map(max, zip(*used, strict=True))
    assert kept <= 15 * FRAME  # of 40
    assert features <= 1.01 * 8 * FEATURES  # a whole chunk


@pytest.mark.parametrize("count", [2, 8])
def test_an_ensemble_has_one_result_on_disk_at_a_time(tmp_path, used, count):
    restorer = restorer_on(tmp_path, exact=True, ensemble=count)
    list(restorer.stream(pictures(6, width=140, height=80)))
    _, features, _ = map(max, zip(*used, strict=True))
    assert features <= 1.01 * 8 * FEATURES  # a whole chunk
