"""The page of an evaluation in a real browser: what mouse, fingers and keys do."""

import math

import pytest
from browser import (
    PROGRAMS,
    Browser,
    box,
    brightness,
    click,
    control_names,
    drag,
    find_browser,
    seen,
)
from report_records import IDENTICAL, pictures, record

from bvsrpp_jax.report import write_page

PROGRAM = find_browser()
pytestmark = pytest.mark.skipif(
    PROGRAM is None, reason=f"no browser here: none of {', '.join(PROGRAMS)}"
)
HOSTILE = (
    "</script><script>alert(1)</script>",
    "\"'>&amp;<img src=x onerror=alert(1)>",
)
RED, GREEN, BLUE, WHITE = (200, 0, 0), (0, 200, 0), (0, 0, 200), (255, 255, 255)


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    with Browser(PROGRAM, tmp_path_factory.mktemp("profile")) as browser:
        yield browser


@pytest.fixture
def show(browser, tmp_path):
    """Writes a page and opens it."""

    def write(found, shown=None):
        write_page(tmp_path / "page.html", found, shown or {})
        browser.complaints.clear()
        browser.requests.clear()
        browser.show(tmp_path / "page.html")
        return browser

    yield write
    browser.prefer("light")
    assert browser.complaints == []


@pytest.fixture
def page(show):
    """Two clips of six frames, pictures of the second."""
    return show(record(), {"011": pictures()})


def text(browser, name):
    return browser.run(f"byId('{name}').innerText")


def tip(browser):
    return browser.run("curves.tip.textContent")


def names(browser):
    """Of the clips in the table, in order."""
    rows = "[...document.querySelectorAll('#clips tbody th bdi')]"
    return browser.run(f"{rows}.map((name) => name.textContent)")


def choose(browser, name, value):
    browser.run(f"byId('{name}').value = '{value}'")
    browser.run(f"byId('{name}').dispatchEvent(new Event('change'))")


def in_view(browser, name):
    browser.run(f"byId('{name}').scrollIntoView({{ block: 'center' }})")


def test_the_page_asks_for_nothing(page, tmp_path):
    asked = [url for url in page.requests if not url.startswith("data:")]
    assert asked == [(tmp_path / "page.html").as_uri()]


def test_means_stand_beside_the_published_figures(page):
    ours, bicubic = record().methods
    assert f"{ours.mean('psnr'):.4f} dB" in text(page, "tiles").replace("\n", " ")
    gain = ours.mean("psnr") - bicubic.mean("psnr")
    assert f"+{gain:.2f}" in text(page, "tiles")
    lines = text(page, "summary").splitlines()
    assert any("REDS" in line and "32.3855" in line for line in lines) or (
        "32.3855" in text(page, "summary")
    )
    marked = page.run("document.querySelector('tr.same').innerText")
    assert "BasicVSR++, REDS" in marked
    assert "32.3855" in marked


def test_the_curve_tells_the_value_of_the_frame_under_the_mouse(page):
    choose(page, "clip", 1)
    in_view(page, "chart")
    page.run("curves.area.id = 'area'")
    left, top, width, height = box(page, "area")
    page.mouse("Moved", left + 0.41 * width, top + height / 2)
    values = [scores.clips[1].values["psnr"][2] for scores in record().methods]
    assert "frame 2" in tip(page)
    assert all(f"{value:.4f} dB" in tip(page) for value in values)
    assert page.run("getComputedStyle(curves.tip).display") != "none"
    page.mouse("Moved", left, top - 40)
    assert page.run("getComputedStyle(curves.tip).display") == "none"


def test_the_curve_has_keys_and_says_where_it_is(page):
    choose(page, "clip", 0)
    page.run("curves.area.focus()")
    for key, frame in (("ArrowRight", 1), ("End", 5), ("ArrowLeft", 4), ("Home", 0)):
        page.key(key)
        told = page.run("curves.area.getAttribute('aria-valuetext')")
        value = record().methods[0].clips[0].values["psnr"][frame]
        assert told.startswith(f"frame {frame}: BasicVSR++ {value:.4f} dB, bicubic ")


def test_the_metric_is_switched(page):
    in_view(page, "metrics")
    page.run("document.querySelector('input[name=metric][value=\"1\"]').id = 'second'")
    click(page, "second")
    value = record().methods[0].clips[0].values["ssim"][0]
    assert f"{value:.4f}" in tip(page)
    assert "dB" not in tip(page)
    assert page.run("curves.area.getAttribute('aria-label')") == "SSIM of all clips"


def test_few_clips_stand_beside_one_another(page):
    assert page.run("curves.series[0].length") == 12
    assert page.run("curves.titles[6]") == "011, frame 0"
    ticks = "[...document.querySelectorAll('.xtick')].map((tick) => tick.textContent)"
    assert page.run(ticks) == ["000", "011"]


def test_many_clips_are_one_sorted_curve_and_a_part_of_a_table(show):
    clips = [f"{i:05d}/0001" for i in range(7824)]
    found = record(clips, num_frames=1, protocol="vimeo90k_bi")
    page = show(found)
    values = [clip.mean("psnr") for clip in found.methods[0].clips]
    shown = page.run("curves.series[0]")
    assert shown == pytest.approx(sorted(values), rel=1e-7)
    page.run("moveCursor(0)")
    for scores in found.methods:  # of each its own worst clip, with its own value
        worst = min(scores.clips, key=lambda clip: clip.mean("psnr"))
        assert f"{scores.method}{worst.name}{worst.mean('psnr'):.4f} dB" in tip(page)
    assert tip(page).startswith("1 of 7,824 clips")
    assert page.run("byId('clip-choice').hidden")
    assert len(names(page)) == 40
    in_view(page, "more")
    click(page, "more")
    assert len(names(page)) == 240
    page.run("byId('filter').value = '00777/'")
    page.run("byId('filter').dispatchEvent(new Event('input'))")
    assert names(page) == ["00777/0001"]


def test_the_table_is_sorted_by_its_columns(page):
    values = [clip.mean("ssim") for clip in record().methods[0].clips]
    rising = ["000", "011"] if values[0] < values[1] else ["011", "000"]
    page.run("document.querySelectorAll('#clips th button')[2].id = 'column'")
    in_view(page, "column")
    click(page, "column")
    assert names(page) == rising
    page.key("Enter")  # it kept the focus
    page.run("document.activeElement.click()")
    assert names(page) == rising[::-1]


def test_a_clip_of_the_table_leads_to_its_curve_and_pictures(page):
    page.run("document.querySelectorAll('#clips .name')[1].click()")
    assert page.run("byId('clip').value") == "1"
    assert page.run("curves.titles[0]") == "frame 0"


def test_the_slider_parts_output_and_truth(page):
    in_view(page, "stage")
    assert (seen(page, 0.45), seen(page, 0.55)) == (BLUE, WHITE)
    drag(page, (0.5, 0.5), (0.25, 0.6))
    assert (seen(page, 0.2), seen(page, 0.3)) == (BLUE, WHITE)
    page.run("handle.focus()")
    page.key("Home")
    assert seen(page, 0.05) == WHITE


def test_each_picture_can_be_on_either_side(page):
    in_view(page, "stage")
    pairs = {("input", "bicubic"): (RED, GREEN), ("gt", "input"): (WHITE, RED)}
    for (a, b), colors in pairs.items():
        choose(page, "kind-a", a)
        choose(page, "kind-b", b)
        page.wait_until(f"showing === null && byId('kind-b').value === '{b}'")
        assert (seen(page, 0.4), seen(page, 0.6)) == colors
    assert text(page, "chip-a") == "Aground truth"
    assert text(page, "worst").startswith("frame 2, PSNR ")


def test_views_have_keys_where_the_pictures_are(page):
    in_view(page, "stage")
    page.run("stage.focus()")
    page.key("3")  # |(0, 0, 200) - (255, 255, 255)|, amplified
    assert seen(page, 0.5) == (255, 255, 255)
    page.key("2")
    assert (seen(page, 0.4), seen(page, 0.6)) == (BLUE, WHITE)
    page.key("+")
    assert page.run("look.zoom") > 1
    page.key("0")
    assert page.run("look.zoom") == 1


def test_clips_have_pictures_of_their_own_size(show):
    page = show(record(), {"000": pictures(width=96), "011": pictures()})
    assert page.run("[width, height]") == [96, 48]
    choose(page, "pictured", 1)
    page.wait_until("showing === null && width === 64")
    _, _, width, height = box(page)
    assert width / height == pytest.approx(64 / 48, rel=0.01)


def test_profiles_show_every_frame(page):
    page.wait_until("document.querySelectorAll('#profiles canvas')[2].width === 64")
    sizes = "[...document.querySelectorAll('#profiles canvas')].map(c => c.height)"
    assert page.run(sizes) == [6, 6, 6]
    captions = "[...document.querySelectorAll('figcaption')].map(c => c.textContent)"
    assert page.run(captions) == ["ground truth", "output", "bicubic"]


def test_a_same_size_network_has_no_bicubic(show):
    given = pictures()
    frames = {kind: given.frames[kind] for kind in ("output", "gt")}
    frames["input"] = given.frames["bicubic"]
    profiles = {**given.profiles, "input": given.profiles["bicubic"]}
    del profiles["bicubic"]
    shown = given._replace(frames=frames, profiles=profiles)
    page = show(record(), {"000": shown})
    kinds = "[...byId('kind-a').options].map((option) => option.value)"
    assert page.run(kinds) == ["input", "output", "gt"]
    page = show(record(), {"000": pictures(), "011": shown})
    choose(page, "kind-a", "bicubic")
    choose(page, "pictured", 1)  # which has none
    page.wait_until("showing === null && shown.index === 1")
    assert page.run("[chosen.a, byId('kind-a').value]") == ["output", "output"]


def test_infinite_values_are_drawn_and_told(show):
    page = show(record(psnr=[30.0, math.inf, 31.0, 32.0, 33.0, math.nan]))
    page.run("moveCursor(1)")
    assert "∞ dB" in tip(page)
    assert page.run("curves.y(curves.series[0][1])") == 0
    page.run("moveCursor(5)")
    assert "not a number" in tip(page)
    lines = "[...document.querySelectorAll('.area > svg path')].map(p => p.outerHTML)"
    assert not [line for line in page.run(lines) if "NaN" in line]
    page = show(record(["same"], psnr=IDENTICAL))
    assert "∞" in text(page, "tiles")
    assert "6 infinite" in text(page, "chart-note")


def test_a_page_without_pictures_has_no_place_for_them(show):
    page = show(record())
    assert box(page, "pictures")[2:] == [0, 0]


def test_a_single_frame_is_a_dot(show):
    page = show(record(["one"], num_frames=1))
    assert page.run("document.querySelectorAll('.dot').length") == 2


def test_hostile_names_stay_text(show):
    page = show(
        record(HOSTILE, weights={HOSTILE[0]: HOSTILE[1]}), {HOSTILE[0]: pictures()}
    )
    assert page.run("document.images.length") == 0
    assert page.run("document.scripts.length") == 4 + 3 + 2  # pictures, facts, ours
    assert names(page) == list(HOSTILE)
    choose(page, "clip", 0)
    assert HOSTILE[0] in page.run("curves.area.getAttribute('aria-label')")
    assert all(name in text(page, "weights") for name in HOSTILE)


@pytest.mark.parametrize("width", [320, 390, 1000, 2000])
def test_nothing_is_wider_than_the_window(show, width):
    long = "a_rather_long_name_of_a_clip_without_any_place_to_break_" * 2
    page = show(record([long, "b"]), {long: pictures()})
    page.resize(width, 800)
    page.screenshot()  # what is laid out
    assert page.run("document.documentElement.scrollWidth") <= width


def test_light_and_dark_are_followed(page):
    light, dark = brightness(page)
    assert light > 200 > 50 > dark


def test_every_control_has_a_name(page):
    names = control_names(page)
    assert len(names) > 15
    assert all(names)
