"""Draws one frame four ways: details side by side, whole frames underneath."""

from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from bvsrpp_jax.evaluation.metrics import luma

GAP = 8
DETAIL = 128  # side of the magnified square, in pixels of full resolution
COLUMN = 3 * DETAIL
LABEL = 48  # height of the line of text under each picture
FONT_SIZE = 28  # readable when a page shows the picture at half its width
BACKGROUND, TEXT, FRAME = "#15181c", "#f2f2f2", "#ffffff"


class Shown(NamedTuple):
    """One frame: `low` [h, w, 3], the others [4h, 4w, 3], all uint8."""

    low: np.ndarray
    bicubic: np.ndarray
    ours: np.ndarray
    truth: np.ndarray


def draw(shown: Shown, scores: dict[str, tuple[float, float]]) -> Image.Image:
    """Draws the comparison.

    Args:
      shown: the frame in its four versions.
      scores: {"bicubic": (PSNR, SSIM), "ours": ...}, for the labels.

    Returns:
      A picture 1560 pixels wide.
    """
    detail = most_improved(shown)
    texts = {name: f"{name}  {scores[name][0]:.2f} dB" for name in ("bicubic", "ours")}
    labels = {"low": "low resolution", "truth": "truth", **texts}
    half = 2 * COLUMN + GAP
    high = round(half * shown.truth.shape[0] / shown.truth.shape[1])
    size = (2 * half + GAP, COLUMN + high + 2 * LABEL)
    canvas = Image.new("RGB", size, BACKGROUND)
    for column, name in enumerate(Shown._fields):
        picture = magnified(getattr(shown, name), detail, scale=1 + 3 * (name != "low"))
        put(canvas, picture, labels[name], (column * (COLUMN + GAP), 0))
    for column, name in enumerate(("bicubic", "ours")):
        whole = outlined(Image.fromarray(getattr(shown, name)), detail)
        picture = whole.resize((half, high), Image.Resampling.LANCZOS)
        put(canvas, picture, name, (column * (half + GAP), COLUMN + LABEL))
    return canvas


def most_improved(shown: Shown) -> tuple[int, int]:
    """Finds the detail where ours gains the most decibels over bicubic, on luma.

    Only details that bicubic gets no better than it does on average: where hardly
    anything is wrong, a large gain cannot be seen.

    Returns:
      (x, y) of its corner at full resolution, multiples of 4.
    """
    truth = luma(shown.truth)
    before, after = (
        errors_of_details((luma(x) - truth) ** 2) for x in (shown.bicubic, shown.ours)
    )
    gain = (before + 1) / (after + 1)  # the 1 tames details without any error
    gain[before < before.mean()] = 0
    y, x = np.unravel_index(gain.argmax(), gain.shape)
    return 4 * int(x), 4 * int(y)


def errors_of_details(errors: np.ndarray) -> np.ndarray:
    """Sums [h, w] over every detail whose corner lies on a multiple of 4."""
    sums = np.pad(errors, ((1, 0), (1, 0))).cumsum(0).cumsum(1)
    rows = sums[DETAIL:] - sums[:-DETAIL]
    return (rows[:, DETAIL:] - rows[:, :-DETAIL])[::4, ::4]


def magnified(
    pixels: np.ndarray, corner: tuple[int, int], *, scale: int
) -> Image.Image:
    """Cuts the detail out and enlarges it, every pixel a square.

    Args:
      pixels: [h, w, 3] uint8.
      corner: (x, y) of the detail at full resolution.
      scale: 4 for pictures of full resolution, 1 for the low-resolution one.
    """
    x, y = (scale * place // 4 for place in corner)
    side = scale * DETAIL // 4
    cut = Image.fromarray(pixels[y : y + side, x : x + side])
    return cut.resize((COLUMN, COLUMN), Image.Resampling.NEAREST)


def outlined(whole: Image.Image, corner: tuple[int, int]) -> Image.Image:
    """Draws a frame around the detail."""
    x, y = corner
    box = x - 5, y - 5, x + DETAIL + 4, y + DETAIL + 4
    ImageDraw.Draw(whole).rectangle(box, outline=FRAME, width=5)
    return whole


def put(
    canvas: Image.Image, picture: Image.Image, label: str, place: tuple[int, int]
) -> None:
    """Pastes a picture at (x, y) and centres its label underneath."""
    canvas.paste(picture, place)
    centre = place[0] + picture.width // 2, place[1] + picture.height + LABEL // 2
    font = ImageFont.load_default(size=FONT_SIZE)
    ImageDraw.Draw(canvas).text(centre, label, fill=TEXT, font=font, anchor="mm")
