"""The page without its pictures: markup, style and script in one text.

The page may load nothing and run nothing but what is written here: its policy names the
digests of the one style and the one script, so that not even markup that slipped into a
name could do anything.
"""

import base64
import hashlib
import html
import json
from importlib import resources
from string import Template

_FOLDER = resources.files("bvsrpp_jax.comparison") / "template"
_SCRIPTS = (
    "frames.js",
    "scaling.js",
    "stage.js",
    "chart.js",
    "gestures.js",
    "controls.js",
)
_FRAMES = "<!-- frames -->"


def page_head(title: str) -> str:
    """Everything in front of the pictures."""
    style = _read("page.css")
    policy = (
        f"default-src 'none'; img-src data:; style-src '{_digest(style)}';"
        f" script-src '{_digest(_script())}'; base-uri 'none'; form-action 'none'"
    )
    head, _ = _read("page.html").split(_FRAMES)
    return Template(head).substitute(
        title=html.escape(title), policy=policy, style=style
    )


def page_tail(facts: dict) -> str:
    """Everything behind the pictures: what is known of them, and the script."""
    _, tail = _read("page.html").split(_FRAMES)
    # No name can close the element that holds it.
    text = json.dumps(facts, allow_nan=False).replace("<", "\\u003c")
    return Template(tail).substitute(facts=text, script=_script())


def embedded(side: str, index: int, picture: bytes) -> bytes:
    """A picture as an element of text that the script looks up by its id."""
    opening = f'<script type="text/plain" id="{side}{index}">'.encode()
    return opening + base64.b64encode(picture) + b"</script>\n"


def _script() -> str:
    return "\n".join(_read(name) for name in _SCRIPTS)


def _read(name: str) -> str:
    return (_FOLDER / name).read_text(encoding="utf-8")


def _digest(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return f"sha256-{base64.b64encode(digest).decode()}"
