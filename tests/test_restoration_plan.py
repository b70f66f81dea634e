"""How a clip is restored follows from the memory there is."""

from dataclasses import replace

import jax
import numpy as np
import pytest

from bvsrpp_jax.errors import InputError
from bvsrpp_jax.models.basicvsrpp import BasicVSRPlusPlus
from bvsrpp_jax.restoration.memory import Memory, memory_of
from bvsrpp_jax.restoration.plan import Clip, Wishes, make_plan, plan_here
from bvsrpp_jax.restoration.tiles import tiles

MODEL = BasicVSRPlusPlus()
SIZE = (180, 320)
GIB = 2**30
PLENTY = Memory(64 * GIB, 64 * GIB, 64 * GIB)


def plan(num_frames=None, *, available=PLENTY, size=SIZE, devices=1, **wishes):
    clip = Clip(size, np.dtype(np.uint8), num_frames)
    return make_plan(
        MODEL, clip, Wishes(**wishes), available=available, num_devices=devices
    )


def needed(window, chunk, **options):
    return memory_of(MODEL, SIZE, window, chunk, dtype=np.uint8, **options)


def exactly(window, chunk, **options):
    """A machine, whose device is its processor, with memory for that and no more."""
    device, host, disk = needed(window, chunk, **options)
    return Memory(device + host, device + host, disk)


def test_enough_memory_gives_the_usual_window():
    chosen = plan()
    assert (chosen.window, chosen.overlap, chosen.chunk) == (96, 6, 8)
    assert (chosen.tile, chosen.dtype, chosen.on_disk) == (None, "float32", False)
    assert chosen.available.holds(chosen.needed)


def test_less_memory_gives_smaller_chunks_then_shorter_windows():
    for window, chunk in [(96, 4), (96, 1), (31, 1), (15, 1)]:
        chosen = plan(available=exactly(window, chunk))
        assert (chosen.window, chosen.chunk, chosen.tile) == (window, chunk, None)
        assert chosen.available.holds(chosen.needed)
        assert 1 <= chosen.overlap <= 6
        assert chosen.window > 2 * chosen.overlap


def test_then_tiles_then_windows_that_are_hardly_any():
    less = plan(available=exactly(14, 1))
    assert less.tile == (180, 176)  # two, side by side
    assert less.window >= 15
    least = plan(available=Memory(GIB // 8, GIB // 8))
    assert max(least.tile) < 100  # as small as that is, windows are short
    assert least.window < 15
    for chosen in (less, least):
        assert chosen.available.holds(chosen.needed)


def test_no_smaller_plan_exists_where_one_is_refused():
    """Every amount of memory gives a plan, down to where the smallest fails."""
    amounts = [2**shift for shift in range(36, 20, -1)]
    found = []
    for amount in amounts:
        try:
            found.append(plan(available=Memory(amount, amount)))
        except InputError:
            break
    smallest = found[-1]
    assert (smallest.window, smallest.chunk) < (15, 2)
    assert all(chosen.available.holds(chosen.needed) for chosen in found)
    with pytest.raises(InputError, match="memory: 3 tiles of .* can be used"):
        plan(available=Memory(amounts[len(found)], amounts[len(found)]))


def test_a_device_with_a_memory_of_its_own_shortens_no_window(monkeypatch):
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    small = Memory(needed(96, 1).device, needed(96, 1).host)
    chosen = plan(available=small)
    assert (chosen.window, chosen.chunk, chosen.dtype) == (96, 1, "float32")
    chosen = plan(available=small._replace(device=small.device * 2 // 3))
    assert (chosen.window, chosen.tile, chosen.dtype) == (96, None, "bfloat16")
    chosen = plan(
        available=small._replace(device=small.device * 2 // 3), dtype="float32"
    )
    assert chosen.tile is not None


def test_features_wait_on_disk_only_where_that_is_wished():
    on_disk = exactly(96, 8, on_disk=True)
    assert plan(available=on_disk).window < 96
    chosen = plan(available=on_disk, disk=True)
    assert (chosen.window, chosen.chunk, chosen.on_disk) == (96, 8, True)
    assert not plan(disk=True).on_disk  # where there is memory, it is faster
    less = on_disk._replace(disk=on_disk.disk - 1)
    assert plan(available=less, disk=True).window < 96


def test_what_waits_on_disk_is_one_devices():
    earlier = plan(50, exact=True, disk=True, available=exactly(50, 8, on_disk=True))
    assert earlier.on_disk
    plenty = {"exact": True, "disk": True, "devices": 4}
    assert plan(None, **plenty).devices == 1
    assert plan_here(earlier, PLENTY, 4).devices == 1
    assert plan_here(plan(lookahead=2), PLENTY, 4).devices == 1


@pytest.mark.parametrize("count", [5, 96, 1000])
def test_exact_is_the_whole_clip(count):
    short = exactly(9, 8)._replace(disk=2**40)
    chosen = plan(count, exact=True, disk=True, available=short)
    assert (chosen.window, chosen.overlap) == (count, 0)
    assert chosen.on_disk == (count > 9)
    assert plan(None, exact=True, disk=True).window is None


def test_exact_needs_room_on_the_disk():
    with pytest.raises(InputError, match="memory: 1000 frames"):
        plan(1000, exact=True, disk=True, available=PLENTY._replace(host=GIB))


@pytest.mark.parametrize("count", [1, 8, 10])
def test_a_short_clip_has_no_cut_for_an_overlap(count):
    chosen = plan(count, overlap=5)
    assert chosen.window == count
    assert chosen.window > 2 * chosen.overlap


def test_frames_too_large_are_told():
    message = (
        r"memory: 3 tiles of \d+x\d+ need about \d+ MiB on the device, \d+ MiB on the"
        r" host and 0 MiB on disk, 1 MiB on the device, 1 MiB on the host and"
    )
    with pytest.raises(InputError, match=message):
        plan(available=Memory(2**20, 2**20))


def test_one_frame_needs_no_window_of_three():
    chosen = plan(1, available=exactly(1, 1))
    assert (chosen.window, chosen.overlap, chosen.chunk) == (1, 0, 1)


@pytest.mark.parametrize("count", [1, 2, 13, 96])
def test_short_clips_are_one_window(count):
    assert plan(count).window == count


@pytest.mark.parametrize("count", [97, 100, 180, 181, 500, 1001])
def test_windows_are_no_longer_than_their_number_needs(count):
    new, most = plan(count).window - 12, 96 - 12

    def number(kept):
        return -(-(count - 12) // kept)

    assert number(new) == number(most)
    assert new == 1 or number(new - 1) > number(most)


@pytest.mark.parametrize(
    ("window", "chunk"), [(8, 8), (9, 5), (50, 5), (2, 2), (13, 7), (96, 8)]
)
def test_chunks_leave_the_fewest_places_to_fill_up(window, chunk):
    assert plan(window=window).chunk == chunk


def test_as_many_devices_work_as_the_host_has_memory_for():
    total = sum(needed(96, 8))
    assert plan(devices=4).devices == 4
    assert plan(devices=8, available=Memory(5 * total, 5 * total)).devices == 5
    chosen = plan(devices=8, available=exactly(96, 8))
    assert (chosen.devices, chosen.window) == (1, 96)


def test_wishes_are_followed():
    chosen = plan(100, window=20, overlap=3, chunk=7, ensemble=8, dtype="bfloat16")
    assert (chosen.window, chosen.overlap, chosen.chunk) == (20, 3, 7)
    assert (chosen.ensemble, chosen.dtype) == (8, "bfloat16")
    assert plan(window=9).overlap == 2
    assert plan(overlap=10).window == 96
    assert plan(overlap=60).window == 121
    with pytest.raises(InputError, match="memory: 20 "):
        plan(window=20, available=Memory(GIB, GIB // 32))


@pytest.mark.parametrize("longest", [300, 200, 181])
def test_tiles_are_as_large_as_wished(longest):
    chosen = plan(tile=longest)
    assert max(chosen.tile) <= longest
    places = tiles(SIZE, chosen.tile, overlap=chosen.tile_overlap, multiple=1)
    assert len(places) == 2
    assert plan(tile=320).tile is None
    assert plan(tile=0).tile is None


@pytest.mark.parametrize(
    ("wishes", "message"),
    [
        ({"window": 12, "overlap": 6}, "window: 12 frames with an overlap of 6 keep"),
        ({"window": 0}, "window: 0 frames .* keep none"),
        ({"window": 1, "overlap": 1}, "window: 1 frames .* keep none"),
        ({"overlap": -1}, "overlap: -1 frames"),
        ({"chunk": 0}, "chunk: 0 frames"),
        ({"exact": True, "window": 9}, "exact: has neither window nor overlap"),
        ({"tile": -1}, "tile: -1 pixels"),
        ({"tile": 64}, "tile: 64 pixels are too few for 320x180"),
        ({"dtype": "float16"}, "dtype: 'float16' is not one of float32, bfloat16"),
        ({"ensemble": 4}, "ensemble: 4. Choose 1, 2, 8 or 16"),
    ],
)
def test_wishes_that_cannot_be_fulfilled_are_refused(wishes, message):
    with pytest.raises(InputError, match=message):
        plan(**wishes)


@pytest.mark.parametrize(
    ("wishes", "message"),
    [
        ({"lookahead": 2}, "memory: 3 frames of 320x180 .* Choose a smaller lookahead"),
        ({"exact": True}, "memory: 1 frames of 320x180 .* Choose windows instead"),
        ({"window": 9}, "memory: 9 tiles of .* Choose a smaller window,"),
    ],
)
def test_what_does_not_fit_is_counted_and_has_a_remedy(wishes, message):
    with pytest.raises(InputError, match=message) as refused:
        plan(available=Memory(1, 1), **wishes)
    assert "None" not in str(refused.value)


def test_parameters_count():
    size = 176 << 20
    enough = exactly(96, 8)
    assert plan(available=enough).chunk == 8
    clip = Clip(SIZE, np.dtype(np.uint8), None)
    chosen = make_plan(MODEL, clip, Wishes(), available=enough, parameters=size)
    assert chosen.chunk < 8
    grown = Memory(enough.device + size, enough.host + size)
    chosen = make_plan(MODEL, clip, Wishes(), available=grown, parameters=size)
    assert (chosen.window, chosen.chunk) == (96, 8)


def test_an_earlier_plan_is_kept_or_refused_never_changed():
    earlier = plan(devices=4)
    least = sum(earlier.needed[:2])
    assert plan_here(earlier, PLENTY, 1) == replace(earlier, devices=1)
    assert plan_here(earlier, Memory(least, least), 4).devices == 1
    with pytest.raises(InputError, match=r"memory: the plan .* needs .*--restart"):
        plan_here(earlier, Memory(least - 1, least - 1), 4)
