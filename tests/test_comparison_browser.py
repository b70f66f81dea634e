"""The page in a real browser: what is drawn, and what mouse, touch and keys do.

Pictures have a colour a frame, so that a screenshot tells which frame of which clip is
where. The colours of screenshots are exact: pictures are lossless and nothing is
blended where they are looked at.
"""

import base64
from pathlib import Path

import numpy as np
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
from comparison_clips import folder, page_of, plain
from PIL import Image

PROGRAM = find_browser()
pytestmark = pytest.mark.skipif(
    PROGRAM is None, reason=f"no browser here: none of {', '.join(PROGRAMS)}"
)
A = [(20 * i, 40, 0) for i in range(6)]
B = [(0, 40, 20 * i + 100) for i in range(6)]
HOSTILE = ("<script>alert(1)</script>.mp4", "\"'>&amp;<img src=x onerror=alert(1)>")


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    with Browser(PROGRAM, tmp_path_factory.mktemp("profile")) as browser:
        yield browser


@pytest.fixture(scope="module")
def colors(tmp_path_factory):
    """A page of six frames; A is four times smaller."""
    place = tmp_path_factory.mktemp("colors")
    a = folder(place / "a", plain(*A, width=16, height=12))
    page_of(a, folder(place / "b", plain(*B)), place / "page.html")
    return place / "page.html"


@pytest.fixture
def page(browser, colors):
    """The page of colours, just loaded."""
    browser.complaints.clear()
    browser.show(colors)
    yield browser
    assert browser.complaints == []


def frame_shown(browser):
    browser.wait_until("showing === null")
    return browser.run("shown.index")


def pixels(browser, side, index=0):
    """[h, w, 3]: a picture as the page has it, at full size."""
    text = browser.run(
        f"""pictureOf("{side}", {index}).then((picture) => {{
          const canvas = canvasOf(width, height);
          canvas.getContext("2d").drawImage(picture, 0, 0);
          const data = canvas.getContext("2d").getImageData(0, 0, width, height).data;
          return btoa(Array.from(data, (code) => String.fromCharCode(code)).join(""));
        }})"""
    )
    shape = browser.run("[height, width, 4]")
    return np.frombuffer(base64.b64decode(text), np.uint8).reshape(shape)[..., :3]


def test_the_page_asks_for_nothing_and_has_no_complaints(browser, colors):
    browser.complaints.clear()
    browser.requests.clear()
    browser.show(colors)
    asked = [url for url in browser.requests if not url.startswith("data:")]
    assert asked == [colors.as_uri()]
    assert browser.complaints == []


def test_a_is_left_of_the_slider_and_b_right_of_it(page):
    assert (seen(page, 0.45), seen(page, 0.55)) == (A[0], B[0])
    drag(page, (0.5, 0.5), (0.25, 0.6))
    assert (seen(page, 0.2), seen(page, 0.3)) == (A[0], B[0])
    drag(page, (0.8, 0.8), (0.9, 0.2))  # from anywhere
    assert (seen(page, 0.85), seen(page, 0.95)) == (A[0], B[0])


def test_the_slider_has_keys_and_says_where_it_is(page):
    state = "['now', 'text'].map(what => handle.getAttribute(`aria-value${what}`))"
    page.run("handle.focus()")
    page.key("ArrowRight")
    assert page.run(state) == ["52", "52% A, 48% B"]
    assert frame_shown(page) == 0  # the key was the slider's alone
    page.key("Home")
    assert page.run(state) == ["0", "0% A, 100% B"]
    assert seen(page, 0.05) == B[0]
    page.run("handle.blur()")
    page.key("]")
    assert page.run(state)[0] == "2"


def test_the_slider_follows_a_finger(page):
    left, top, width, height = box(page)
    points = [[{"x": left + x * width, "y": top + height / 2}] for x in (0.5, 0.3, 0.1)]
    page.call("Input.dispatchTouchEvent", type="touchStart", touchPoints=points[0])
    for point in points[1:]:
        page.call("Input.dispatchTouchEvent", type="touchMove", touchPoints=point)
    page.call("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])
    assert (seen(page, 0.05), seen(page, 0.15)) == (A[0], B[0])


@pytest.mark.parametrize("back_and_on", [("ArrowLeft", "ArrowRight"), (",", ".")])
def test_steps_are_exact(page, back_and_on):
    back, on = back_and_on
    for keys, index in (([on], 1), ([on, on], 3), ([back], 2), (["End"], 5)):
        for key in keys:
            page.key(key)
        assert frame_shown(page) == index
        assert (seen(page, 0.4), seen(page, 0.6)) == (A[index], B[index])
    page.key(on)
    assert frame_shown(page) == 5
    assert page.run("byId('clock').textContent") == "6 / 6  ·  0:00.200"


def test_buttons_scrubber_and_curve_go_to_frames(page):
    click(page, "next")
    assert frame_shown(page) == 1
    click(page, "previous")
    assert frame_shown(page) == 0
    page.run("byId('scrubber').focus()")
    page.key("ArrowRight")
    assert frame_shown(page) == 1
    page.run("document.querySelector('.area').id = 'area'")
    page.run("byId('area').scrollIntoView({ block: 'center' })")
    click(page, "area", at=0.79)
    assert frame_shown(page) == 4
    assert page.run("byId('scrubber').value") == "4"


def test_playback_shows_every_frame_in_turn_and_begins_anew(page):
    page.run("globalThis.drawn = []; const before = draw;")
    page.run("draw = () => { before(); drawn.push(shown.index); }")
    page.key(" ")
    page.wait_until("drawn.length > 8")
    page.key(" ")
    drawn = page.run("drawn")
    assert drawn[:9] == [1, 2, 3, 4, 5, 0, 1, 2, 3]
    assert page.run("byId('play').getAttribute('aria-label')") == "Play"
    count = page.run("new Promise(r => setTimeout(() => r(drawn.length), 200))")
    assert count <= len(drawn) + 1  # one may have been on its way


def test_views(page):
    page.key(".")
    page.key("4")
    assert (seen(page, 0.1), seen(page, 0.9)) == (A[1], A[1])
    page.key("5")
    assert (seen(page, 0.1), seen(page, 0.9)) == (B[1], B[1])
    page.key("2")
    assert (seen(page, 0.45), seen(page, 0.55)) == (A[1], B[1])
    page.resize(390, 844)
    page.wait_until("stage.classList.contains('stacked')")
    assert (seen(page, 0.5, 0.45), seen(page, 0.5, 0.55)) == (A[1], B[1])


def test_the_difference_is_absolute_and_amplified(page):
    page.key(".")
    page.key("3")  # |(20, 40, 0) - (0, 40, 120)|
    assert seen(page, 0.5) == (160, 0, 255)
    page.run("byId('gain').value = 2; byId('gain').dispatchEvent(new Event('change'))")
    assert seen(page, 0.5) == (40, 0, 240)
    page.run("byId('gain').value = 1; byId('gain').dispatchEvent(new Event('change'))")
    assert seen(page, 0.5) == (20, 0, 120)


def noise(width, height, seed=0):
    random = np.random.default_rng(seed)
    return random.integers(0, 256, (1, height, width, 3), np.uint8)


def test_equal_clips_differ_nowhere(browser, tmp_path):
    a = folder(tmp_path / "a", noise(64, 48))
    page_of(a, a, tmp_path / "page.html")
    browser.show(tmp_path / "page.html")
    browser.run("setView('difference'); setGain(32)")
    left, top, width, height = map(int, box(browser))
    inside = slice(top + 60, top + height - 2), slice(left + 2, left + width - 2)
    assert not browser.screenshot()[inside].any()
    assert "every frame is identical" in browser.run("byId('curves').textContent")
    browser.run("setView('b')")
    assert browser.screenshot()[inside].any()


@pytest.mark.parametrize("size", [(16, 12), (23, 31), (100, 60)])
def test_the_smaller_clip_is_scaled_as_it_was_measured(browser, tmp_path, size):
    """Against Pillow. One code: it rounds with integers of its own."""
    small, large = noise(*size), noise(64, 48, seed=1)
    if size[0] > 64:
        small, large = large, small
    a, b = folder(tmp_path / "a", small), folder(tmp_path / "b", large)
    page_of(a, b, tmp_path / "page.html")
    browser.show(tmp_path / "page.html")
    height, width = large.shape[1:3]
    picture = Image.fromarray(small[0])
    expected = np.asarray(picture.resize((width, height), Image.Resampling.BICUBIC))
    found = pixels(browser, "a").astype(int)
    assert np.abs(found - expected).max() <= 1
    np.testing.assert_array_equal(pixels(browser, "b"), large[0])  # nothing is lost
    if size == (16, 12):
        browser.run("setScaling('pixels')")
        squares = small[0].repeat(4, 0).repeat(4, 1)
        np.testing.assert_array_equal(pixels(browser, "a"), squares)


def test_zooming_keeps_what_is_under_the_pointer(browser, tmp_path):
    """A picture with one red pixel; the pointer is on it."""
    frame = plain((0, 0, 0)).copy()
    frame[0, 36, 48] = 255, 0, 0
    a = folder(tmp_path / "a", frame)
    page_of(a, a, tmp_path / "page.html")
    browser.show(tmp_path / "page.html")
    browser.key("4")
    left, top, width, height = box(browser)
    place = 48.5 / 64, 36.5 / 48
    x, y = left + place[0] * width, top + place[1] * height
    browser.mouse("Wheel", x, y, deltaX=0, deltaY=-300)
    browser.wait_until("look.zoom > 1.5")
    assert seen(browser, *place) == (255, 0, 0)
    drag(browser, (0.5, 0.5), (0.25, 0.5))  # zoomed in, the picture is dragged
    assert seen(browser, place[0] - 0.25, place[1]) == (255, 0, 0)
    browser.key("0")
    assert browser.run("look.zoom") == 1
    assert seen(browser, *place) == (255, 0, 0)
    browser.mouse("Pressed", x, y, clickCount=1)
    browser.mouse("Released", x, y, clickCount=1)
    browser.mouse("Pressed", x, y, clickCount=2)
    browser.mouse("Released", x, y, clickCount=2)
    browser.wait_until("look.zoom > 1")
    assert seen(browser, *place) == (255, 0, 0)


def test_a_pinch_zooms(page):
    left, top, width, height = box(page)

    def fingers(*places):
        x = [left + place * width for place in places]
        return [{"x": x, "y": top + height / 2, "id": i} for i, x in enumerate(x)]

    for kind, points in (
        ("touchStart", fingers(0.4)),
        ("touchStart", fingers(0.4, 0.6)),
        ("touchMove", fingers(0.2, 0.6)),
        ("touchMove", fingers(0.2, 0.8)),
        ("touchEnd", []),
    ):
        page.call("Input.dispatchTouchEvent", type=kind, touchPoints=points)
    assert page.run("look.zoom") == pytest.approx(3, abs=0.01)


def test_a_drag_with_shift_moves_the_picture_not_the_slider(page):
    page.run("zoomAt(4)")
    x = page.run("look.x")
    drag(page, (0.5, 0.5), (0.4, 0.5), modifiers=8)
    assert page.run("look.split") == 0.5
    assert page.run("look.x") == pytest.approx(x + 64 * 0.1 / 4, abs=0.1)
    drag(page, (0.5, 0.5), (0.4, 0.5))  # the handle is still there
    assert page.run("look.split") == pytest.approx(0.4, abs=0.01)


def test_a_hostile_name_stays_text(browser, tmp_path):
    a = folder(tmp_path / "a", plain((0, 0, 0)))
    page_of(a, a, tmp_path / "page.html", names=HOSTILE)
    browser.complaints.clear()
    browser.show(tmp_path / "page.html")
    assert browser.run("document.title") == " / ".join(HOSTILE)
    title = browser.run("byId('title').innerText")
    assert all(name in title for name in HOSTILE)
    assert browser.run("document.images.length") == 0
    assert browser.run("document.scripts.length") == 4  # two pictures, facts, ours
    assert browser.complaints == []


def test_the_policy_stops_what_would_slip_in(browser, colors):
    browser.show(colors)
    browser.complaints.clear()
    browser.run(
        """document.body.insertAdjacentHTML("beforeend",
          '<img src="x" onerror="globalThis.harm = 1">');
        const added = document.createElement("script");
        added.textContent = "globalThis.harm = 2";
        document.body.append(added);
        fetch("data:text/plain,x").catch(() => (globalThis.refused = true))"""
    )
    browser.wait_until("globalThis.refused")
    assert browser.run("globalThis.harm") is None
    assert all("Content Security Policy" in text for text in browser.complaints)
    assert len(browser.complaints) >= 3


@pytest.mark.parametrize("width", [320, 390, 1000, 2000])
def test_nothing_is_wider_than_the_window(page, width):
    page.resize(width, 800)
    for view in "12345":
        page.key(view)
        page.screenshot()  # what is laid out
        assert page.run("document.documentElement.scrollWidth") <= width


def test_light_and_dark_are_followed(page):
    light, dark = brightness(page)
    assert light > 200 > 50 > dark


def test_every_control_has_a_name(page):
    names = control_names(page)
    assert len(names) > 12
    assert all(names)


def test_a_single_picture_has_no_playback(browser, tmp_path):
    a = folder(tmp_path / "a", plain((9, 9, 9)))
    page_of(Path(a / "0.png"), a, tmp_path / "page.html")
    browser.show(tmp_path / "page.html")
    assert box(browser, "transport")[2:] == [0, 0]
    browser.key(" ")
    assert browser.run("playing") is None
