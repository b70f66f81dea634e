"""Single pictures of every kind, read upright as RGB and written as PNG."""

import zlib
from io import BytesIO

import numpy as np
import pytest
from media_files import pictures
from PIL import Image

from bvsrpp_jax.errors import InputError
from bvsrpp_jax.media.pictures import encode_png, list_pictures, read_picture

PICTURE = pictures(1)[0]


def test_png_round_trip_of_both_depths(tmp_path):
    deep = np.random.default_rng(0).integers(0, 65536, (5, 7, 3), np.uint16)
    for pixels in (PICTURE, PICTURE[:, ::2], deep):
        (tmp_path / "a.png").write_bytes(encode_png(pixels))
        back = read_picture(tmp_path / "a.png")
        assert back.dtype == pixels.dtype
        np.testing.assert_array_equal(back, pixels)


def test_other_programs_read_our_png():
    np.testing.assert_array_equal(Image.open(BytesIO(encode_png(PICTURE))), PICTURE)


@pytest.mark.parametrize("suffix", ["png", "jpg", "bmp", "tif", "webp"])
def test_every_format(tmp_path, suffix):
    path = tmp_path / f"a.{suffix}"
    Image.fromarray(PICTURE).save(path, quality=95)
    assert np.abs(read_picture(path).astype(int) - PICTURE).mean() < 3


@pytest.mark.parametrize("mode", ["L", "1", "P", "CMYK"])
def test_grey_palette_and_print_colours_become_rgb(tmp_path, mode):
    path = tmp_path / "a.tif"
    Image.fromarray(PICTURE).convert(mode).save(path)
    assert read_picture(path).shape == PICTURE.shape
    if mode == "L":
        assert np.ptp(read_picture(path), -1).max() == 0


def test_transparency_is_dropped_with_a_note(tmp_path):
    image = Image.fromarray(PICTURE)
    image.putalpha(7)
    image.save(tmp_path / "a.png")
    with pytest.warns(UserWarning, match="transparency is dropped"):
        np.testing.assert_array_equal(read_picture(tmp_path / "a.png"), PICTURE)


def test_grey_png_of_sixteen_bits_keeps_them(tmp_path):
    codes = np.linspace(0, 65535, 64).astype(np.uint16).reshape(8, 8)
    Image.fromarray(codes).save(tmp_path / "a.png")
    back = read_picture(tmp_path / "a.png")
    assert (back == codes[..., None]).all()


def test_cameras_that_were_turned(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # turn clockwise to show
    Image.fromarray(PICTURE).save(tmp_path / "a.png", exif=exif)
    np.testing.assert_array_equal(
        read_picture(tmp_path / "a.png"), np.rot90(PICTURE, -1)
    )


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.webp"])
@pytest.mark.parametrize("content", [b"", b"no picture", None])
def test_damaged_pictures_are_named(tmp_path, name, content):
    path = tmp_path / name
    if content is None:
        Image.fromarray(PICTURE).save(path)
        content = path.read_bytes()[:300]
    path.write_bytes(content)
    with pytest.raises(InputError, match=rf"{name}: is (not a picture|empty)"):
        read_picture(path)


def test_damaged_deep_png_is_named(tmp_path):
    data = encode_png(np.zeros((64, 64, 3), np.uint16))
    (tmp_path / "a.png").write_bytes(data[: len(data) // 2])
    with pytest.raises(InputError, match="a.png: is not a picture"):
        read_picture(tmp_path / "a.png")


def test_floats_are_refused_by_name(tmp_path):
    Image.fromarray(np.zeros((4, 4), np.float32)).save(tmp_path / "a.tif")
    with pytest.raises(InputError, match="a.tif: has samples of more than 8 bits"):
        read_picture(tmp_path / "a.tif")


def test_bombs_are_refused_before_they_are_unpacked(tmp_path):
    header = bytearray(encode_png(PICTURE))
    header[16:24] = (60000).to_bytes(4, "big") * 2
    header[29:33] = zlib.crc32(header[12:29]).to_bytes(4, "big")
    (tmp_path / "a.png").write_bytes(header)
    with pytest.raises(InputError, match="a.png: .*decompression bomb"):
        read_picture(tmp_path / "a.png")


def test_natural_order(tmp_path):
    for name in ("f10.png", "f2.PNG", "f1.jpg", ".hidden.png", "notes.txt", "g0.png"):
        (tmp_path / name).touch()
    names = [path.name for path in list_pictures(tmp_path)]
    assert names == ["f1.jpg", "f2.PNG", "f10.png", "g0.png"]


def test_a_folder_without_pictures_is_named(tmp_path):
    (tmp_path / "notes.txt").touch()
    with pytest.raises(InputError, match="the folder has no pictures"):
        list_pictures(tmp_path)
