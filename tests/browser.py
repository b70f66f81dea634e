"""A headless Chromium, driven over the pipe of its DevTools protocol.

The pipe needs no library: messages are JSON with a NUL byte at their end. Commands and
events are those of https://chromedevtools.github.io/devtools-protocol/.
"""

import base64
import fcntl
import io
import json
import os
import select
import shutil
import signal
import time
from pathlib import Path
from typing import Any, Self

import numpy as np
from PIL import Image

PROGRAMS = (
    "chromium-headless-shell",
    "chromium",
    "chromium-browser",
    "google-chrome",
    "chrome",
)
_PATIENCE = 60  # seconds; pages answer within one
_SWITCHES = (
    "--headless",
    "--no-sandbox",  # which containers do not allow; the pages are our own
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--force-color-profile=srgb",  # or colours of screenshots are not those drawn
    "--hide-scrollbars",
    "--remote-debugging-pipe",
)


def find_browser() -> str | None:
    """The first Chromium on the path."""
    return next(filter(None, map(shutil.which, PROGRAMS)), None)


class Browser:
    """One page of a browser that ends with its context.

    Attributes:
      complaints: what the page or the browser wrote to the console, and exceptions.
      requests: addresses that the page asked for.
    """

    def __init__(self, program: str, profile: Path):
        self._buffer, self._next = b"", 0
        self.complaints: list[str] = []
        self.requests: list[str] = []
        self._pid, self._to, self._from = _spawn(program, profile)
        self._session = None
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        attached = self.call("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_) -> None:
        """The browser leaves when its pipe is closed; the profile is then at rest."""
        os.close(self._to)
        end = time.monotonic() + 10
        while os.waitpid(self._pid, os.WNOHANG) == (0, 0):
            if time.monotonic() > end:
                os.kill(self._pid, signal.SIGKILL)
            time.sleep(0.02)
        os.close(self._from)

    def call(self, method: str, **parameters) -> dict:
        """Runs a command of the protocol."""
        self._next += 1
        message = {"id": self._next, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        _write_all(self._to, json.dumps(message).encode() + b"\0")
        while (answer := self._read()).get("id") != self._next:
            self._note(answer)
        if "error" in answer:
            raise RuntimeError(f"{method}: {answer['error']['message']}")
        return answer["result"]

    def run(self, expression: str) -> Any:
        """Evaluates a script in the page, waits for its promise."""
        answer = self.call(
            "Runtime.evaluate",
            expression=expression,
            awaitPromise=True,
            returnByValue=True,
        )
        if "exceptionDetails" in answer:
            raise RuntimeError(json.dumps(answer["exceptionDetails"]))
        return answer["result"].get("value")

    def wait_until(self, expression: str) -> None:
        """Asks until the script says true."""
        end = time.monotonic() + _PATIENCE
        while not self.run(expression):
            if time.monotonic() > end:
                raise TimeoutError(f"{expression}: {self.complaints}")
            time.sleep(0.02)

    def show(self, path: Path, *, width: int = 1000, height: int = 900) -> None:
        """Opens a file in a window of a size."""
        self.resize(width, height)
        self.call("Page.navigate", url=path.as_uri())
        self.wait_until("document.readyState === 'complete'")
        self.wait_until("!document.body.classList.contains('loading')")

    def resize(self, width: int, height: int, *, phone: bool = False) -> None:
        """Gives the window a size, a pixel of CSS a pixel of the screenshot."""
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=2 if phone else 1,
            mobile=phone,
        )

    def prefer(self, scheme: str) -> None:
        """Asks pages for "light" or "dark"."""
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self.call("Emulation.setEmulatedMedia", features=features)

    def mouse(self, kind: str, x: float, y: float, **more) -> None:
        """kind: Pressed, Released, Moved or Wheel; in CSS pixels."""
        down = {} if kind in ("Moved", "Wheel") else {"button": "left"}
        parameters = {"clickCount": 1, **down, **more}
        self.call(
            "Input.dispatchMouseEvent", type=f"mouse{kind}", x=x, y=y, **parameters
        )

    def key(self, key: str) -> None:
        """Presses and releases a key."""
        text = {"text": key} if len(key) == 1 else {}
        self.call("Input.dispatchKeyEvent", type="keyDown", key=key, **text)
        self.call("Input.dispatchKeyEvent", type="keyUp", key=key)

    def screenshot(self, *, whole: bool = False) -> np.ndarray:
        """[h, w, 3] uint8: the window, or the whole page."""
        self.run(
            "new Promise(r => requestAnimationFrame(() => requestAnimationFrame(r)))"
        )
        shot = self.call("Page.captureScreenshot", captureBeyondViewport=whole)
        png = io.BytesIO(base64.b64decode(shot["data"]))
        return np.asarray(Image.open(png).convert("RGB"))

    def _note(self, event: dict) -> None:
        method, parameters = event.get("method"), event.get("params", {})
        if method == "Runtime.exceptionThrown":
            self.complaints.append(json.dumps(parameters["exceptionDetails"]))
        elif method == "Runtime.consoleAPICalled":
            self.complaints.append(json.dumps(parameters["args"]))
        elif method == "Log.entryAdded":
            self.complaints.append(parameters["entry"]["text"])
        elif method == "Network.requestWillBeSent":
            self.requests.append(parameters["request"]["url"])

    def _read(self) -> dict:
        while b"\0" not in self._buffer:
            if not select.select([self._from], [], [], _PATIENCE)[0]:
                raise TimeoutError("the browser does not answer")
            data = os.read(self._from, 1 << 20)
            if not data:
                raise RuntimeError("the browser has ended")
            self._buffer += data
        message, _, self._buffer = self._buffer.partition(b"\0")
        return json.loads(message)


def box(browser: Browser, name="stage"):
    """(x, y, width, height) of an element, in pixels."""
    place = f"byId('{name}').getBoundingClientRect()"
    return browser.run(f"(r => [r.x, r.y, r.width, r.height])({place})")


def seen(browser: Browser, x, y=0.3):
    """The colour at a place of the stage, in parts of its size."""
    left, top, width, height = box(browser)
    shot = browser.screenshot()
    return tuple(map(int, shot[int(top + y * height), int(left + x * width)]))


def drag(browser: Browser, start, end, **more):
    """From a place of the stage to another, in parts of its size."""
    left, top, width, height = box(browser)
    (x0, y0), (x1, y1) = ((left + x * width, top + y * height) for x, y in (start, end))
    browser.mouse("Moved", x0, y0, **more)
    browser.mouse("Pressed", x0, y0, **more)
    browser.mouse("Moved", (x0 + x1) / 2, (y0 + y1) / 2, buttons=1, **more)
    browser.mouse("Moved", x1, y1, buttons=1, **more)
    browser.mouse("Released", x1, y1, **more)


def click(browser: Browser, name, at=0.5):
    """Clicks an element by its id, at a part of its width."""
    x, y, width, height = box(browser, name)
    browser.mouse("Pressed", x + at * width, y + height / 2)
    browser.mouse("Released", x + at * width, y + height / 2)


def brightness(browser: Browser) -> list[float]:
    """Of the page's ground where light is preferred, and where dark is."""
    found = []
    for scheme in ("light", "dark"):
        browser.prefer(scheme)
        found.append(browser.screenshot()[2, 2].mean())
    return found


def control_names(browser: Browser) -> list[str]:
    """What is read out of every control."""
    return browser.run(
        """[...document.querySelectorAll("button, input, select, [role=slider]")].map(
          (control) => control.getAttribute("aria-label") || control.textContent.trim()
            || control.closest("label")?.textContent.trim())"""
    )


def _spawn(program: str, profile: Path) -> tuple[int, int, int]:
    """Starts it: (process, pipe to it, pipe from it). It reads 3 and writes 4."""
    (its_input, to), (from_, its_output) = _high_pipe(), _high_pipe()
    arguments = [program, *_SWITCHES, f"--user-data-dir={profile}", "about:blank"]
    actions = [
        (os.POSIX_SPAWN_DUP2, its_input, 3),
        (os.POSIX_SPAWN_DUP2, its_output, 4),
        (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0),
        (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0),
    ]
    pid = os.posix_spawn(program, arguments, os.environ, file_actions=actions)
    os.close(its_input)
    os.close(its_output)
    return pid, to, from_


def _high_pipe() -> list[int]:
    """(read, write), neither of them 3 or 4: a number copied to itself is not kept."""
    low = os.pipe()
    high = [fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 10) for end in low]
    for end in low:
        os.close(end)
    return high


def _write_all(descriptor: int, data: bytes) -> None:
    while data:
        data = data[os.write(descriptor, data) :]
