"""The report on a terminal and in files."""

import csv
import dataclasses
import io
import json
import math

import pytest
from report_records import IDENTICAL, SETTINGS, record
from rich.console import Console

from bvsrpp_jax.errors import InputError
from bvsrpp_jax.evaluation.record import from_json
from bvsrpp_jax.report import print_report, write_files
from bvsrpp_jax.report.summary import note, summary

NAMES = ("a|b", "x\n# y", "<b>&\x1b[2J", 'q"u,o', "[red]caf\udce9")


def printed(found, width=100):
    console = Console(file=io.StringIO(), width=width)
    print_report(found, console)
    return console.file.getvalue()


def files_of(folder, found):
    return {path.name: path.read_bytes() for path in write_files(folder, found)}


def rows(text):
    """The cells of Markdown tables."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]


def test_the_record_comes_back_from_its_file(tmp_path):
    found = record(psnr=[30.1, math.inf, 31, 32, 33, 1 / 3])
    content = json.loads(files_of(tmp_path, found)["evaluation.json"])
    assert from_json(content) == found


def test_the_csv_has_every_value_in_full_precision(tmp_path):
    found = record(NAMES, psnr=IDENTICAL)
    text = files_of(tmp_path, found)["scores.csv"].decode(errors="surrogateescape")
    head, *lines = csv.reader(io.StringIO(text, newline=""))
    assert head == ["method", "clip", "frame", "psnr", "ssim"]
    expected = [
        [scores.method, clip.name, frame, *(clip.values[m][i] for m in found.metrics)]
        for scores in found.methods
        for clip in scores.clips
        for i, frame in enumerate(clip.frames)
    ]
    read = [[m, c, int(f), float(p), float(s)] for m, c, f, p, s in lines]
    assert read == expected


def test_equal_records_make_equal_bytes(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    assert files_of(tmp_path / "a", record()) == files_of(tmp_path / "b", record())


def test_markdown_has_ours_the_baseline_and_the_published(tmp_path):
    table = rows(files_of(tmp_path, record())["report.md"].decode())
    assert table[0] == ["method", "PSNR (dB)", "SSIM", ""]
    ours = record().methods[0]
    assert table[2][:3] == [
        "**BasicVSR++**",
        f"**{ours.mean('psnr'):.4f}**",
        f"**{ours.mean('ssim'):.4f}**",
    ]
    assert table[3][0] == "bicubic"
    source = "mmagic, configs/basicvsr_pp/metafile.yml, these weights"
    cells = ["BasicVSR++, REDS", "32.3855", "0.9069", f"published: {source}"]
    assert cells in table


def test_no_name_breaks_the_markdown(tmp_path):
    expected = rows(files_of(tmp_path, record("abcde"))["report.md"].decode())
    found = rows(files_of(tmp_path, record(NAMES))["report.md"].decode())
    assert [len(row) for row in found] == [len(row) for row in expected]
    text = "\n".join(" ".join(row) for row in found)
    assert "<b>" not in text
    assert "\x1b" not in text


def test_of_many_clips_the_worst_and_the_best_are_listed(tmp_path):
    found = record([f"clip{i:03d}" for i in range(100)], num_frames=2)
    order = sorted(found.methods[0].clips, key=lambda clip: clip.mean("psnr"))
    listed = [clip.name for clip in order[:20] + order[-20:]]
    text = printed(found)
    assert [line.split()[1] for line in text.splitlines() if "clip0" in line] == listed
    assert "60 clips in between" in text
    table = rows(files_of(tmp_path, found)["report.md"].decode())
    assert [row[0] for row in table if row[0].startswith("clip0")] == listed


def test_the_console_shows_means_and_settings():
    found = record()
    text = printed(found)
    for scores in found.methods:
        name = f"│ {scores.method}  "
        (line,) = [row for row in text.splitlines() if name in row]
        assert f"{scores.mean('psnr'):.4f}" in line
    for name, value in SETTINGS.items():
        assert f"{name}: {value}" in text
    assert "32.3855 │ 0.9069 │ published, these weights" in text


def test_no_name_moves_the_cursor_or_is_markup():
    text = printed(record(NAMES))
    assert "\x1b" not in text
    assert "[red]caf" in text
    text.encode()


def test_an_infinite_mean_is_told():
    assert summary(record(psnr=IDENTICAL))[0].values[0] == "∞"


def test_only_the_very_weights_are_called_these_weights():
    marked = [row.method for row in summary(record()) if row.same_weights]
    assert marked == ["BasicVSR++, REDS"]
    other = record(weights={"sha256": "0" * 64})
    assert not any(row.same_weights for row in summary(other))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"channel": "y"}, "channel y (theirs: rgb)"),
        ({"scale": 2}, "scale 2 (theirs: 4)"),
        ({"rounding": "none"}, "rounding none (theirs: uint8)"),
        ({"border": 4}, "border 4 (theirs: 0)"),
        ({"ensemble": 8}, "ensemble 8 (theirs: 1)"),
    ],
)
def test_other_arithmetic_is_not_held_against_the_published(change, told):
    assert note(record()) == ""
    assert told in note(record(settings={**SETTINGS, **change}))
    assert told in printed(record(settings={**SETTINGS, **change}))


def test_a_metric_that_is_not_known_is_shown_by_its_name(tmp_path):
    ours = record().methods[0]
    for clip in ours.clips:
        clip.values["some_distance"] = clip.values["ssim"]
    found = dataclasses.replace(
        record(), metrics=["psnr", "some_distance"], methods=[ours]
    )
    assert "some distance" in printed(found)
    assert summary(found)[-1].values[1] == ""  # nobody has published it


def test_a_folder_that_cannot_be_written_is_told(tmp_path):
    with pytest.raises(InputError, match=r"evaluation\.json: cannot be written"):
        write_files(tmp_path / "none", record())
