"""What a run tells, and what a resumed run takes back."""

import json
from types import SimpleNamespace

import numpy as np
import pytest

from bvsrpp_jax.training.log import RunLog, _duration

RATES = {"main": lambda updates: 1e-4 / (1 + updates), "spynet": lambda _: 0.0}


def metrics(loss=0.5, skipped=0, in_a_row=0, nonfinite=0):
    return {
        "loss": np.float32(loss),
        "offset_nonfinite": np.float32(nonfinite),
        "skipped": np.int32(skipped),
        "skipped_in_a_row": np.int32(in_a_row),
    }


def records(workdir):
    return [json.loads(x) for x in (workdir / "metrics.jsonl").read_text().splitlines()]


def open_log(workdir, first_step=0):
    return RunLog(workdir, first_step=first_step, num_steps=10, rates=RATES)


def set_clock(monkeypatch, times):
    """What the log reads off its clock, one after the other."""
    clock = iter(times)
    stand_in = SimpleNamespace(monotonic=lambda: next(clock))
    monkeypatch.setattr("bvsrpp_jax.training.log.time", stand_in)


def test_a_line_has_the_means_since_the_last_one(tmp_path, capsys):
    with open_log(tmp_path) as log:
        for loss in (0.2, 0.4):
            log.add(metrics(loss))
        log.progress(2)
        log.add(metrics(1.0))
        log.progress(3)
    first, second = records(tmp_path)
    assert first["step"] == 2
    assert first["loss"] == pytest.approx(0.3)
    assert first["rate_main"] == pytest.approx(1e-4 / 2)  # the second update's
    assert first["steps_per_s"] > 0
    assert second["loss"] == 1.0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("step 2/10  loss 0.30000  rate 5.00e-05 0.00e+00  ")
    assert "left" in lines[0]


def test_skipped_steps_are_counted_and_left_out_of_the_mean(tmp_path, capsys):
    with open_log(tmp_path) as log:
        log.add(metrics(0.2))
        log.add(metrics(np.nan, skipped=1, in_a_row=1, nonfinite=7))
        log.progress(2)
        log.add(metrics(np.nan, skipped=2, in_a_row=2))
        log.progress(3)
    first, second = records(tmp_path)
    assert (first["loss"], first["skipped"]) == (pytest.approx(0.2), 1)
    assert first["offset_nonfinite"] == 7
    assert first["rate_main"] == pytest.approx(1e-4)  # one update, not two
    assert (second["loss"], second["skipped"]) == (None, 2)
    out = capsys.readouterr().out
    assert "1 skipped  7 flows or offsets not finite" in out
    assert "loss -" in out


def test_every_line_is_json_in_the_strict_sense(tmp_path):
    with open_log(tmp_path) as log:
        log.add(metrics(np.nan, skipped=1, in_a_row=1))
        log.progress(1)
    assert "NaN" not in (tmp_path / "metrics.jsonl").read_text()


def test_time_spent_waiting_for_data_has_its_share(tmp_path, monkeypatch):
    set_clock(monkeypatch, [0, 1, 4, 10, 10])
    with open_log(tmp_path) as log:
        with log.waiting():  # from 1 to 4
            pass
        log.add(metrics())
        log.progress(1)  # at 10
    (record,) = records(tmp_path)
    assert record["data_wait_share"] == pytest.approx(0.3)
    assert record["steps_per_s"] == pytest.approx(0.1)


def test_validation_and_saving_do_not_slow_the_steps(tmp_path, monkeypatch):
    set_clock(monkeypatch, [0, 1, 101, 110, 110])
    with open_log(tmp_path) as log:
        log.add(metrics())
        with log.paused():  # from 1 to 101
            pass
        log.progress(1)
    assert records(tmp_path)[0]["steps_per_s"] == pytest.approx(0.1)


def test_steps_that_come_again_are_taken_back(tmp_path):
    with open_log(tmp_path) as log:
        for step in (1, 2, 3):
            log.add(metrics())
            log.progress(step)
    with (tmp_path / "metrics.jsonl").open("a") as file:
        file.write('{"step": 4, "lo')  # killed while it wrote
    with open_log(tmp_path, first_step=2):
        pass
    assert [record["step"] for record in records(tmp_path)] == [1, 2]


def test_validation_leaves_scores_and_a_picture(tmp_path, capsys):
    with open_log(tmp_path) as log:
        picture = np.zeros((8, 16, 3), np.uint8)
        log.validation(5, {"psnr": 30.25}, {"validation": picture})
    assert records(tmp_path) == [{"step": 5, "psnr": 30.25}]
    (events,) = (tmp_path / "tensorboard").iterdir()
    content = events.read_bytes()
    assert b"\x89PNG" in content
    assert b"psnr" in content
    assert "psnr 30.2500" in capsys.readouterr().out


def test_other_processes_write_and_say_nothing(tmp_path, capsys):
    with open_log(None) as log:
        log.add(metrics())
        log.progress(1)
        log.validation(1, {"psnr": 1.0}, {})
    assert capsys.readouterr().out == ""
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(5, "5 s"), (725, "12 min 5 s"), (11520, "3 h 12 min"), (356400, "4 d 3 h")],
)
def test_durations_read_well(seconds, text):
    assert _duration(seconds) == text
