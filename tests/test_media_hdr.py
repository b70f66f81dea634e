"""HDR metadata goes through, or the user is told."""

import struct
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace

import av
import pytest
from odd_media import PQ, colours, write_patches
from test_media_odd import restored

from bvsrpp_jax.errors import InputError
from bvsrpp_jax.media import open_clip
from bvsrpp_jax.media.hdr import Light, light_of, light_options

# A P3 display of 1000 candela with a black of 0.005, at D65.
DISPLAY = "G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,50)"
LIGHT = Light(
    tuple(Fraction(n, 50000) for n in (34000, 16000, 13250, 34500, 7500, 3000))
    + tuple(Fraction(n, 50000) for n in (15635, 16450))
    + (Fraction(50, 10000), Fraction(1000)),
    (1000, 400),
)


def hdr10(path: Path) -> Path:
    params = f"log-level=none:master-display={DISPLAY}:max-cll=1000,400"
    return write_patches(
        path,
        colours(3),
        codec="libx265",
        pix_fmt="yuv420p10le",
        tags=PQ,
        options={"x265-params": params},
    )


def test_metadata_is_read(tmp_path):
    with open_clip(hdr10(tmp_path / "in.mp4")) as clip:
        assert clip.info.light == LIGHT


@pytest.mark.parametrize(
    ("name", "codec"),
    [
        ("out.mp4", None),
        ("out.mkv", None),
        ("out.webm", None),
        ("out.mkv", "libx264"),
        ("out.mp4", "libsvtav1"),
    ],
)
def test_metadata_is_passed_on(tmp_path, name, codec):
    """AV1 has its own fixed-point numbers: a ten-thousandth of each value."""
    target = tmp_path / name
    notes = restored(hdr10(tmp_path / "in.mp4"), target, codec=codec)
    (note,) = notes
    assert "is HDR (PQ): its tags are kept. The networks were trained on" in note
    with open_clip(target) as clip:
        display, levels = clip.info.light
        assert clip.info.deep
    assert levels == LIGHT.levels
    for was, now in zip(LIGHT.display, display, strict=True):
        assert abs(was - now) <= max(was, Fraction(1, 10)) / 1000


def test_what_is_lost_is_told(tmp_path):
    source = hdr10(tmp_path / "in.mp4")
    (note,) = restored(source, tmp_path / "out.mkv", codec="ffv1")
    assert "without the mastering display, which ffv1 cannot write" in note
    (note,) = restored(source, tmp_path / "out")
    assert "is HDR (PQ): pictures do not say so" in note


def test_players_find_hevc_of_ten_bits(tmp_path):
    """In Apple's players and on televisions HDR is HEVC with the tag hvc1."""
    restored(hdr10(tmp_path / "in.mp4"), tmp_path / "out.mp4")
    with av.open(str(tmp_path / "out.mp4")) as container:
        stream = container.streams.video[0]
        assert (stream.codec_context.codec_tag, stream.profile) == ("hvc1", "Main 10")


def test_encoders_without_such_settings_get_none():
    assert light_options("ffv1", LIGHT) == {}
    assert light_options("libx265", Light()) == {}
    levels = light_options("libx265", LIGHT._replace(display=None))
    assert levels == {"x265-params": "max-cll=1000,400"}


def decoded(transfer: int, **data: bytes):
    """A frame with side data, which no encoder here writes."""
    return SimpleNamespace(side_data=data, color_trc=transfer)


def test_dynamic_metadata_is_dropped_with_a_note():
    frame = decoded(16, DOVI_METADATA=b"1", DYNAMIC_HDR_PLUS=b"2")
    with pytest.warns(UserWarning, match="its Dolby Vision and HDR10. metadata is"):
        light_of(frame, Path("in.mkv"))


def test_dolby_vision_without_a_base_layer_is_refused():
    with pytest.raises(InputError, match="in.mkv: is Dolby Vision without a base"):
        light_of(decoded(2, DOVI_RPU_BUFFER=b"3"), Path("in.mkv"))


def test_a_display_that_is_half_described_is_left_out():
    numbers = [1, 2] * 10
    for flags in ([0, 1], [1, 0]):
        data = struct.pack("=22i", *numbers, *flags)
        frame = decoded(16, MASTERING_DISPLAY_METADATA=data)
        assert light_of(frame, Path("in.mkv")).display is None
