"""A page as a parser sees it."""

import base64
import hashlib
import io
import json
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
from PIL import Image


class Parsed(HTMLParser):
    """A page as a parser sees it.

    Attributes:
      tags: (name, attributes) of every element, in order.
      texts: {id: text} of elements that have an id, and of `style` and `title`.
    """

    def __init__(self, path: Path):
        super().__init__()
        self.tags, self.texts, self._open = [], {}, None
        self.feed(path.read_text(encoding="utf-8"))
        self.facts = json.loads(self.texts["facts"])

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        self._open = dict(attributes).get("id", tag)

    def handle_data(self, data):
        self.texts[self._open] = self.texts.get(self._open, "") + data

    def handle_endtag(self, tag):
        self._open = None

    def picture(self, name: str) -> np.ndarray:
        """[h, w, 3] uint8: a0 is the first of A."""
        data = io.BytesIO(base64.b64decode(self.texts[name]))
        return np.asarray(Image.open(data).convert("RGB"))

    @property
    def policy(self) -> dict[str, str]:
        """What the page may load and run, by directive."""
        contents = [
            attributes["content"]
            for tag, attributes in self.tags
            if attributes.get("http-equiv") == "Content-Security-Policy"
        ]
        return dict(part.split(maxsplit=1) for part in contents[0].split("; "))


def assert_sealed(page: Parsed) -> None:
    """Nothing but the one style and the one script may act, and nothing is loaded."""
    assert page.policy == {
        "default-src": "'none'",
        "img-src": "data:",
        "style-src": f"'sha256-{_digest(page.texts['style'])}'",
        "script-src": f"'sha256-{_digest(page.texts['script'])}'",
        "base-uri": "'none'",
        "form-action": "'none'",
    }
    for tag, attributes in page.tags:
        assert attributes.get("href", "data:").startswith("data:"), tag
        assert "src" not in attributes, tag


def _digest(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
