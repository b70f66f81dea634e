"""No device is idle while there is work, and nobody runs far ahead."""

import threading

import numpy as np
import pytest

from bvsrpp_jax.restoration.memory import Memory
from bvsrpp_jax.restoration.plan import Plan
from bvsrpp_jax.restoration.window import Window
from bvsrpp_jax.restoration.work import WindowWork

DEVICES = ("one", "two")
PLAN = Plan(2, 0, 2, needed=Memory(0, 0), available=Memory(0, 0), devices=2)


class Repeating:
    """Stands for an engine whose results are its inputs; `before` is called first."""

    scale = feature_stride = 1
    branches = ("forward_1",)

    def __init__(self, before):
        self.model, self._before = self, before

    def restore(self, frames, *, device, **_):
        self._before(int(frames[0][0, 0, 0]), device)
        yield np.stack(frames), np.ones(len(frames), bool)


def windows(count, taken):
    """Windows of two frames that are as bright as the window's number."""
    for number in range(count):
        taken.append(number)
        frames = [np.full((8, 24, 3), number, np.uint8)] * 2
        yield Window(2 * number, frames, slice(0, 2))


TILED = PLAN.__class__(**{**vars(PLAN), "tile": (8, 8)})  # three in a frame


@pytest.mark.parametrize("plan", [PLAN, TILED], ids=["whole", "three tiles"])
def test_the_next_window_begins_before_the_last_tile_is_done(plan):
    began, lock, seen = threading.Event(), threading.Lock(), []

    def before(number, device):
        with lock:
            seen.append(number)
            is_last = seen.count(0) == (3 if plan.tile else 1) and number == 0
        if number == 1:
            began.set()
        if is_last:  # waits for the other device to go on
            assert began.wait(20)

    work = WindowWork(Repeating(before), plan, None, None)
    for number, (_, frames) in enumerate(work.spread(windows(3, []), DEVICES)):
        np.testing.assert_array_equal(np.unique(list(frames)), [number])
    assert number == 2


@pytest.mark.parametrize(("plan", "ahead"), [(PLAN, 3), (TILED, 2)])
def test_no_more_is_read_than_keeps_all_devices_at_work(plan, ahead):
    taken, work = [], WindowWork(Repeating(lambda *_: None), plan, None, None)
    for number, (_, frames) in enumerate(work.spread(windows(9, taken), DEVICES)):
        list(frames)
        assert len(taken) == min(number + ahead, 9)


def test_tiles_that_are_blended_do_not_wait_any_longer():
    work = WindowWork(Repeating(lambda *_: None), TILED, None, None)
    spread = work.spread(windows(2, []), DEVICES)
    _, frames = next(spread)
    next(frames)
    assert not frames.gi_frame.f_locals["parts"]
    spread.close()
