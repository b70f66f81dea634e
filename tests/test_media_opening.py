"""What a path means, as input and as output, and what is wrong with it."""

from dataclasses import replace
from fractions import Fraction

import pytest
from media_files import INFO, packets, pictures, write_video

from bvsrpp_jax.errors import InputError
from bvsrpp_jax.media import container, create_clip, open_clip
from bvsrpp_jax.media.assembly import Assembly
from bvsrpp_jax.media.coding import choose_coding
from bvsrpp_jax.media.decoding import Excerpt
from bvsrpp_jax.media.frames import OnePictureWriter, PictureWriter
from bvsrpp_jax.media.pictures import encode_png
from bvsrpp_jax.media.writer import VideoWriter


@pytest.fixture
def source(tmp_path):
    with open_clip(write_video(tmp_path / "in.mp4")) as source:
        yield source


def test_inputs(tmp_path, source):
    assert (source.info.num_frames, source.excerpt) == (5, (None, None))
    (tmp_path / "a.png").write_bytes(encode_png(pictures(1)[0]))
    for path in (tmp_path / "a.png", tmp_path, str(tmp_path)):
        with open_clip(path) as source:
            assert (source.info.num_frames, source.excerpt) == (1, None)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("out.mkv", VideoWriter),
        ("OUT.MP4", VideoWriter),
        ("out", PictureWriter),
        ("v1.5/", PictureWriter),
        ("out.png", OnePictureWriter),
    ],
)
def test_outputs(tmp_path, source, name, kind):
    count = 1 if kind is OnePictureWriter else 5
    info = replace(source.info, num_frames=count)
    with create_clip(f"{tmp_path}/{name}", source, info) as sink:
        assert isinstance(sink, kind)


def test_a_clip_that_no_picture_holds_is_refused_before_any_work(tmp_path, source):
    message = "out.png: a picture holds one frame, the input has more. Name a folder or"
    with pytest.raises(InputError, match=message):
        create_clip(tmp_path / "out.png", source, source.info)
    estimate = replace(source.info, is_counted=False)
    create_clip(tmp_path / "out.png", source, estimate).__exit__()
    assert [path.name for path in tmp_path.iterdir()] == ["in.mp4"]


@pytest.mark.parametrize("name", ["out", "out.png"])
def test_pictures_do_not_say_that_pixels_are_wide(tmp_path, source, name):
    info = replace(source.info, sample_aspect_ratio=Fraction(4, 3), num_frames=1)
    with pytest.warns(UserWarning, match="its pixels are 4:3; in pictures, which do"):
        create_clip(tmp_path / name, source, info).__exit__()


def test_frames_that_were_let_through_do_not_hinder_the_copying(tmp_path, monkeypatch):
    """The output's sound comes from an input whose frames nobody decodes again."""
    path = write_video(tmp_path / "large.mp4", tracks=1)
    defaults = container.open_container.__kwdefaults__
    monkeypatch.setitem(defaults, "max_pixels", 64 * 48 - 1)
    target = tmp_path / "out.mp4"
    with target.open("w+b") as file:  # in this process, where the limit is lower
        assembly = Assembly(file, target, choose_coding(target, INFO))
        assembly.copy_from(path, Excerpt(), on_packet=lambda: None)
        assembly.start()
        assembly.finish()
        assembly.close()
    assert packets(target, "audio") == packets(path, "audio")


def test_an_empty_folder_that_exists_is_a_folder(tmp_path, source):
    (tmp_path / "v1.5").mkdir()
    with create_clip(tmp_path / "v1.5", source, source.info) as sink:
        sink.commit()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"max_pixels": 0}, "max_pixels: 0 is out of range"),
        ({"fps": 30}, "a video keeps its own timestamps"),
        ({"start": -1}, "start: -1 is out of range"),
        ({"duration": 0}, "duration: 0 is out of range"),
        ({"start": float("nan")}, "start: nan is out of range"),
        ({"start": 10**400}, "start: 1000.* is out of range"),
        ({"duration": 1e-7}, "duration: 1e-07 is out of range"),
    ],
)
def test_numbers_that_make_no_sense(source, settings, message):
    with pytest.raises(InputError, match=message):
        open_clip(source.path, **settings)


def test_decimal_numbers_are_meant_exactly(tmp_path):
    path = write_video(tmp_path / "clip.mp4", pictures(10))
    with open_clip(path, start=0.28, duration=0.08) as source:
        assert source.excerpt == (Fraction(7, 25), Fraction(9, 25))


@pytest.mark.parametrize(
    "settings", [{"codec": "libx264"}, {"crf": 3}, {"pixel_format": "yuv420p"}]
)
def test_pictures_have_no_codec(tmp_path, source, settings):
    with pytest.raises(InputError, match="no --codec, --crf or --pixel-format"):
        create_clip(tmp_path / "out", source, source.info, **settings)
    assert not (tmp_path / "out").exists()
