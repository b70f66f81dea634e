"""A page without its pictures: markup, style and script in one text.

A page may load nothing and run nothing but what is written here: its policy names the
digests of its one style and its one script, so that not even markup that slipped into a
name could do anything.
"""

import base64
import hashlib
import html
import json
from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from string import Template
from typing import Any, NamedTuple

_SHARED = resources.files("bvsrpp_jax.pages") / "template"
_STYLES = ("base.css", "stage.css")
_SCRIPTS = ("elements.js", "pictures.js", "stage.js", "views.js", "gestures.js")
_FRAGMENTS = ("stage", "views", "zoom")  # what a page's markup may name with a $
_PICTURES = "<!-- pictures -->"


class SealedPage(NamedTuple):
    """What pages of one kind have in common."""

    body: str
    style: str
    script: str

    def head(self, title: str) -> str:
        """Everything in front of the pictures."""
        policy = (
            f"default-src 'none'; img-src data:; style-src '{_digest(self.style)}';"
            f" script-src '{_digest(self.script)}'; base-uri 'none';"
            " form-action 'none'"
        )
        return _shell(0).substitute(
            title=html.escape(title), policy=policy, style=self.style, body=self.body
        )

    def tail(self, facts: dict[str, Any]) -> str:
        """Everything behind the pictures: what is known of them, and the script."""
        # No name can close the element that holds it.
        text = json.dumps(facts, allow_nan=False).replace("<", "\\u003c")
        return _shell(1).substitute(facts=text, script=self.script)


def sealed_page(package: str, scripts: Sequence[str]) -> SealedPage:
    """The kind of page whose `template` folder a package has.

    Args:
      package: its folder has `page.html`, the header and the main part, with $stage,
        $views and $zoom where the parts of the stage go, `page.css` and the scripts.
      scripts: of the page. The first says what its pictures are, and runs before the
        shared ones of the stage; the others run behind these.
    """
    folder = resources.files(package) / "template"
    first, *rest = (_read(folder, name) for name in scripts)
    elements, *stage = (_read(_SHARED, name) for name in _SCRIPTS)
    fragments = {name: _read(_SHARED, f"{name}.html") for name in _FRAGMENTS}
    style = [*(_read(_SHARED, name) for name in _STYLES), _read(folder, "page.css")]
    return SealedPage(
        Template(_read(folder, "page.html")).substitute(fragments),
        "\n".join(style),
        "\n".join([elements, first, *stage, *rest]),
    )


def _shell(part: int) -> Template:
    return Template(_read(_SHARED, "shell.html").split(_PICTURES)[part])


def _read(folder: Path, name: str) -> str:
    return (folder / name).read_text(encoding="utf-8")


def _digest(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return f"sha256-{base64.b64encode(digest).decode()}"
