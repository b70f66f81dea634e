"""The page of an evaluation, as a parser sees it."""

import dataclasses
import math
import re

import numpy as np
import pytest
from parsed_page import Parsed, assert_sealed
from report_records import IDENTICAL, pictures, record

from bvsrpp_jax.errors import InputError
from bvsrpp_jax.report import write_page

HOSTILE = (
    "</script><script>alert(1)</script>",
    "\"'>&amp;<img src=x onerror=alert(1)>",
)


@pytest.fixture
def page_of(tmp_path):
    def write(*arguments, name="page.html"):
        write_page(tmp_path / name, *arguments)
        return Parsed(tmp_path / name)

    return write


def test_the_page_is_sealed(page_of, tmp_path):
    assert_sealed(page_of(record(), {"000": pictures()}))
    text = (tmp_path / "page.html").read_text()
    namespace = "http://www.w3.org/2000/svg"
    assert set(re.findall(r"\w+://[^\"' ]*", text)) == {namespace}


def test_a_name_is_text_whatever_it_holds(page_of):
    expected = page_of(record(), {"000": pictures()})
    names = {"file": HOSTILE[0], HOSTILE[1]: HOSTILE[0]}
    hostile = dataclasses.replace(
        record(HOSTILE, weights=names), title=HOSTILE[0] + HOSTILE[1]
    )
    found = page_of(hostile, {HOSTILE[0]: pictures()})
    assert found.tags == expected.tags
    assert [clip["name"] for clip in found.facts["clips"]] == list(HOSTILE)
    assert found.texts["title"] == f"{hostile.title}: evaluation"


def test_names_that_are_no_unicode_do_not_stop_the_page(page_of):
    broken = dataclasses.replace(record(("caf\udce9",)), title="caf\udce9")
    page = page_of(broken, {"caf\udce9": pictures()})
    assert page.texts["title"] == "caf?: evaluation"
    assert page.facts["clips"][0]["name"] == "caf\udce9"


def test_values_are_those_of_the_record_and_the_infinite_survive(page_of):
    found = record(psnr=[30.0, math.inf, 31.123456789, 32.0, 33.0, math.nan])
    clip = page_of(found, {}).facts["clips"][0]
    assert clip["values"][0][0] == [30, "inf", 31.123457, 32, 33, "nan"]
    bicubic = found.methods[1].clips[0]
    assert clip["values"][1][1] == pytest.approx(bicubic.values["ssim"], rel=1e-7)
    assert clip["means"][1][1] == pytest.approx(bicubic.mean("ssim"), rel=1e-7)
    assert page_of(record(psnr=IDENTICAL), {}).facts["summary"][0]["values"][0] == "∞"


def test_pictures_are_without_loss_and_those_of_the_clip(page_of):
    random = np.random.default_rng(0)
    noise = random.integers(0, 256, (48, 64, 3), np.uint8)
    given = pictures()
    given.frames["output"] = noise
    page = page_of(record(), {"011": given})
    np.testing.assert_array_equal(page.picture("frame-0-output"), noise)
    np.testing.assert_array_equal(page.picture("frame-0-input"), given.frames["input"])
    np.testing.assert_array_equal(page.picture("profile-0-gt"), given.profiles["gt"])
    (entry,) = page.facts["pictures"]
    assert (entry["clip"], entry["worst"], entry["size"]) == (1, 2, [64, 48])
    assert page.facts["quality"] is None


def test_large_pictures_lose_what_cannot_be_seen(page_of, monkeypatch):
    monkeypatch.setattr("bvsrpp_jax.report.page._MOST_BYTES", 10)
    assert page_of(record(), {"000": pictures()}).facts["quality"] == 90


def test_a_single_frame_has_no_temporal_profile(page_of):
    page = page_of(record(num_frames=1), {"000": pictures(num_frames=1)})
    assert page.facts["pictures"][0]["profiles"] == []
    assert not [name for name in page.texts if str(name).startswith("profile-")]
    assert "values" not in page.facts["clips"][0]


def test_pictures_of_no_clip_are_left_out(page_of):
    assert page_of(record(), {"other": pictures()}).facts["pictures"] == []


def test_pictures_that_no_page_can_hold_are_left_out(page_of):
    shown = {"000": pictures(width=16384, height=4), "011": pictures()}
    (entry,) = page_of(record(), shown).facts["pictures"]
    assert entry["clip"] == 1


def test_a_page_of_vimeo_is_of_a_size_to_send(page_of, tmp_path):
    names = [f"{i:05d}/0001" for i in range(7824)]
    page_of(record(names, num_frames=1, protocol="vimeo90k_bi"), {})
    assert (tmp_path / "page.html").stat().st_size < 2_000_000


def test_equal_records_make_equal_bytes(page_of, tmp_path):
    page_of(record(), {"000": pictures(), "011": pictures()}, name="1.html")
    page_of(record(), {"011": pictures(), "000": pictures()}, name="2.html")
    first, second = ((tmp_path / f"{n}.html").read_bytes() for n in "12")
    assert first == second


def test_methods_that_scored_other_frames_are_refused(page_of):
    ours, bicubic = record().methods
    clips = [dataclasses.replace(bicubic.clips[0], name="other"), bicubic.clips[1]]
    mixed = dataclasses.replace(
        record(), methods=[ours, dataclasses.replace(bicubic, clips=clips)]
    )
    with pytest.raises(ValueError, match="other: is not scored as 000 is"):
        page_of(mixed, {})


def test_a_page_that_cannot_be_written_is_told(tmp_path):
    with pytest.raises(InputError, match=r"none/page\.html: cannot be written"):
        write_page(tmp_path / "none" / "page.html", record(), {})
