"""An animation is read as video, and never taken for its first picture."""

from fractions import Fraction

import numpy as np
import pytest
from PIL import Image

from bvsrpp_jax.errors import InputError
from bvsrpp_jax.media import opening
from bvsrpp_jax.media.animations import is_animation

COLOURS = [(255, 0, 0), (0, 255, 0), (0, 0, 255)]
DELAYS = [100, 1200, 400]  # milliseconds


def animate(path, count=3):
    first, *rest = (Image.new("RGB", (32, 24), colour) for colour in COLOURS[:count])
    settings = {"save_all": True, "append_images": rest, "duration": DELAYS[:count]}
    first.save(path, **settings if count > 1 else {})
    return path


@pytest.mark.parametrize("suffix", ["png", "webp"])
def test_several_frames_make_an_animation(tmp_path, suffix):
    assert is_animation(animate(tmp_path / f"moving.{suffix}"))
    assert not is_animation(animate(tmp_path / f"still.{suffix}", 1))


@pytest.mark.parametrize("suffix", ["jpg", "bmp", "tif"])
def test_other_pictures_are_none(tmp_path, suffix):
    assert not is_animation(animate(tmp_path / f"still.{suffix}", 1))


@pytest.mark.parametrize("length", [0, 4, 8, 16, 20])
def test_a_stump_is_none(tmp_path, length):
    for suffix in ("png", "webp"):
        whole = animate(tmp_path / f"moving.{suffix}").read_bytes()
        (tmp_path / "stump").write_bytes(whole[:length])
        assert not is_animation(tmp_path / "stump")


def test_a_png_of_endless_chunks_is_none(tmp_path):
    """And is not read to its end: the question is asked outside the child."""
    chunk = b"\0\0\0\0tEXt" + bytes(4)
    start = b"\x89PNG\r\n\x1a\n"
    path, control = tmp_path / "a.png", b"\0\0\0\x08acTL"
    path.write_bytes(start + 900 * chunk + control)
    assert is_animation(path)
    path.write_bytes(start + 1100 * chunk + control)
    assert not is_animation(path)


@pytest.mark.parametrize("suffix", ["png", "gif"])
def test_frames_and_delays(tmp_path, suffix):
    with opening.open_clip(animate(tmp_path / f"moving.{suffix}")) as clip:
        assert clip.excerpt is not None  # it has a clock: it is a video
        frames = list(clip)
    assert [frame.pts * clip.info.time_base for frame in frames] == [
        Fraction(0),
        Fraction(1, 10),
        Fraction(13, 10),
    ]
    assert frames[-1].duration * clip.info.time_base == Fraction(4, 10)
    for frame, colour in zip(frames, COLOURS, strict=True):
        np.testing.assert_array_equal(frame.pixels[3, 3], colour)


def test_a_still_picture_stays_one(tmp_path):
    with opening.open_clip(animate(tmp_path / "still.png", 1)) as clip:
        assert clip.excerpt is None


def test_an_animation_among_pictures_is_named(tmp_path):
    animate(tmp_path / "a.png")
    with pytest.raises(InputError, match="a.png: is an animation. Restore it"):
        opening.open_clip(tmp_path)


def test_webp_that_cannot_be_read_is_told_with_a_way_out(tmp_path, monkeypatch):
    monkeypatch.setattr(opening.av, "formats_available", {"gif"})
    with pytest.raises(InputError, match="reads no animated WebP. Install a newer one"):
        opening.open_clip(animate(tmp_path / "moving.webp"))
