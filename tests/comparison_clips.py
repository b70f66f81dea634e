"""Clips to compare, and what a page written of them holds."""

import base64
import io
import json
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
from PIL import Image

from bvsrpp_jax.comparison import open_both, write_page
from bvsrpp_jax.media.pictures import encode_png


def folder(path: Path, frames) -> Path:
    """A folder of PNG."""
    path.mkdir()
    for index, pixels in enumerate(frames):
        (path / f"{index}.png").write_bytes(encode_png(pixels))
    return path


def plain(*colors, width: int = 64, height: int = 48) -> np.ndarray:
    """[t, h, w, 3] uint8: a frame a colour."""
    frames = np.array(colors, np.uint8)[:, None, None]
    return np.broadcast_to(frames, (len(colors), height, width, 3))


def page_of(a: Path, b: Path, path: Path, *, start=None, names=("A", "B"), **options):
    """Writes a page, returns what `write_page` says."""
    with open_both(a, b, start=start) as (first, second):
        return write_page(first, second, path, names=names, start=start, **options)


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
