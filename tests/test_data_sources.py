"""Windows of clips: the right frames, from pictures and videos, or the file named."""

import io
import pickle
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from clip_trees import picture, png, write_clip, write_pairs
from media_files import pictures, write_video
from PIL import Image

from bvsrpp_jax.data.frame_files import ClipFiles, VideoFiles, list_frames
from bvsrpp_jax.data.pictures import (
    decode_picture,
    encode_png,
    picture_size,
    read_picture,
)
from bvsrpp_jax.data.sources import Clip, PictureClips, open_clips, source_of
from bvsrpp_jax.data.videos import VideoClips, index_videos
from bvsrpp_jax.errors import InputError
from bvsrpp_jax.media.reader import VideoReader


def saved(image: Image.Image, kind: str = "PNG", **options) -> bytes:
    opened = io.BytesIO()
    image.save(opened, kind, **options)
    return opened.getvalue()


def agree(source, truth):
    """Every window of every clip is the one that was written."""
    for index, (name, length) in enumerate(source.clips):
        for start in range(length):
            for stop in range(start + 1, length + 1):
                window = source.read(index, start, stop)
                assert window.keys() == truth[name].keys()
                for key, frames in window.items():
                    np.testing.assert_array_equal(frames, truth[name][key][start:stop])


class TestPictures:
    def test_png_is_exact_both_ways(self):
        pixels = picture((1,), height=17, width=33)
        for data in (encode_png(pixels), png(pixels)):
            np.testing.assert_array_equal(decode_picture(data, "x"), pixels)
        np.testing.assert_array_equal(
            np.asarray(Image.open(io.BytesIO(encode_png(pixels)))), pixels
        )

    @pytest.mark.parametrize("mode", ["L", "1", "P", "RGB", "LA", "RGBA"])
    def test_every_kind_of_8_bits_becomes_rgb(self, mode):
        image = Image.fromarray(picture((2,))).convert(mode)
        if mode in ("LA", "RGBA"):
            image.putalpha(255)
        decoded = decode_picture(saved(image), "x")
        assert decoded.dtype == np.uint8
        np.testing.assert_array_equal(decoded, np.asarray(image.convert("RGB")))

    def test_jpeg_is_what_pillow_makes_of_it(self):
        data = saved(Image.fromarray(picture((3,))), "JPEG")
        wanted = np.asarray(Image.open(io.BytesIO(data)))
        np.testing.assert_array_equal(decode_picture(data, "x"), wanted)

    @pytest.mark.parametrize("mode", ["LA", "RGBA", "P"])
    def test_what_one_can_see_through_is_refused(self, mode):
        image = Image.fromarray(picture((4,)))
        if mode == "P":
            image = image.convert("P")
            data = saved(image, transparency=image.getpixel((0, 0)))
        else:
            data = saved(image.convert(mode.removesuffix("A")).convert(mode))
            assert decode_picture(data, "x").shape == (16, 24, 3)
            image.putalpha(254)
            data = saved(image.convert(mode))
        with pytest.raises(InputError, match="x: is partly transparent"):
            decode_picture(data, "x")

    def test_transparent_colour_of_rgb_is_refused(self):
        image = Image.fromarray(np.zeros((8, 8, 3), np.uint8))
        data = saved(image, transparency=(0, 0, 0))
        with pytest.raises(InputError, match="partly transparent"):
            decode_picture(data, "x")

    def test_more_than_8_bits_are_refused(self):
        from bvsrpp_jax.media.pictures import encode_png as encode_deep_png

        deep = encode_deep_png(picture((5,)).astype(np.uint16) * 257)
        grey = saved(Image.fromarray(np.full((8, 8), 999, np.uint16)))
        floats = saved(Image.fromarray(np.zeros((8, 8), np.float32)), "TIFF")
        for data in (deep, grey, floats):
            with pytest.raises(InputError, match=r"x: has (16|more than 8) bits"):
                decode_picture(data, "x")

    def test_a_turned_photograph_is_refused(self):
        image = Image.fromarray(picture((6,)))
        exif = image.getexif()
        exif[0x0112] = 6
        for kind in ("JPEG", "PNG"):
            with pytest.raises(InputError, match="stored turned"):
                decode_picture(saved(image, kind, exif=exif), "x")

    def test_every_flipped_bit_and_cut_of_a_png_is_noticed(self):
        pixels = picture((7,), height=6, width=5)
        data = encode_png(pixels)
        for place in range(len(data)):
            for broken in (
                data[:place],
                data[:place] + bytes([data[place] ^ 16]) + data[place + 1 :],
            ):
                with pytest.raises(InputError, match="^x: "):
                    decode_picture(broken, "x")

    def test_a_damaged_jpeg_is_told_in_one_line(self):
        data = saved(Image.fromarray(picture((8,), height=64, width=64)), "JPEG")
        for stop in range(0, len(data) - 200, 97):
            with pytest.raises(InputError, match="^x: .*Replace it") as caught:
                decode_picture(data[:stop], "x")
            assert "\n" not in str(caught.value)

    def test_files_that_are_missing_or_no_picture_are_named(self, tmp_path):
        (tmp_path / "a.png").write_text("<html>")
        for function in (read_picture, picture_size):
            for name in ("a.png", "b.png"):
                with pytest.raises(InputError, match=rf"{name}: "):
                    function(tmp_path / name)


class TestPictureClips:
    def test_windows_are_the_frames_that_were_written(self, tmp_path):
        truth = write_pairs(tmp_path, ["x", "y"], num_frames=4)
        source = open_clips("folder", tmp_path, "train")
        assert source.clips == (Clip("x", 4), Clip("y", 4))
        agree(source, truth)

    def test_without_stored_input_there_is_only_truth(self, tmp_path):
        truth = {"a": {"gt": write_clip(tmp_path / "a", num_frames=3)}}
        agree(open_clips("folder", tmp_path, "train"), truth)

    def test_threads_and_pickles_read_the_same(self, tmp_path):
        truth = write_pairs(tmp_path, ["x", "y"], num_frames=4)
        source = pickle.loads(pickle.dumps(open_clips("folder", tmp_path, "train")))
        with ThreadPoolExecutor(8) as pool:
            windows = list(pool.map(lambda i: source.read(i % 2, 1, 3), range(40)))
        for i, window in enumerate(windows):
            np.testing.assert_array_equal(window["gt"], truth["xy"[i % 2]]["gt"][1:3])

    @pytest.mark.parametrize("window", [(-1, 1), (0, 5), (2, 2), (3, 1)])
    def test_frames_that_the_clip_does_not_have(self, tmp_path, window):
        write_clip(tmp_path / "a", num_frames=4)
        with pytest.raises(IndexError, match="clip a has 4 frames"):
            open_clips("folder", tmp_path, "train").read(0, *window)

    @pytest.mark.parametrize("key", ["gt", "lq"])
    def test_a_picture_of_another_size_is_named(self, tmp_path, key):
        write_pairs(tmp_path, ["x"], num_frames=4)
        wrong = tmp_path / key / "x/00000002.png"
        wrong.write_bytes(png(picture((0,), height=8, width=40)))
        source = open_clips("folder", tmp_path, "train")
        source.read(0, 0, 2)
        with pytest.raises(InputError, match=r"00000002\.png: is 40x8, .* first frame"):
            source.read(0, 2, 3)

    def test_a_damaged_picture_is_named(self, tmp_path):
        write_pairs(tmp_path, ["x"], num_frames=4)
        file = tmp_path / "lq/x/00000003.png"
        file.write_bytes(file.read_bytes()[:-20])
        source = open_clips("folder", tmp_path, "train")
        with pytest.raises(InputError, match=r"lq/x/00000003\.png: is damaged"):
            source.read(0, 0, 4)

    @pytest.mark.parametrize("size", [(8, 11), (4, 5), (5, 6), (64, 96), (4, 24)])
    def test_input_that_is_neither_as_large_nor_smaller_by_a_scale(
        self, tmp_path, size
    ):
        write_clip(tmp_path / "gt/x")
        write_clip(tmp_path / "lq/x", height=size[0], width=size[1])
        with pytest.raises(InputError, match=r"lq/x/00000000\.png: is .* 24x16"):
            open_clips("folder", tmp_path, "train")

    @pytest.mark.parametrize("scale", [2, 3, 8])
    def test_input_of_every_scale_of_networks(self, tmp_path, scale):
        write_clip(tmp_path / "gt/x", height=24, width=48)
        write_clip(tmp_path / "lq/x", height=24 // scale, width=48 // scale)
        source = open_clips("folder", tmp_path, "train")
        assert source.size(0) == ((24, 48), scale)
        assert source.read(0, 0, 1)["lq"].shape[1:3] == (24 // scale, 48 // scale)

    def test_one_scale_a_data_set(self, tmp_path):
        write_pairs(tmp_path, ["x", "y"])
        write_clip(tmp_path / "lq/y", clip=1)
        source = open_clips("folder", tmp_path, "train")
        with pytest.raises(InputError, match=r"lq/y/.* 1 times larger, in the first"):
            source.read(1, 0, 1)

    def test_input_of_the_same_size(self, tmp_path):
        frames = write_clip(tmp_path / "gt/x")
        write_clip(tmp_path / "lq/x")
        source = open_clips("folder", tmp_path, "train")
        assert source.size(0) == ((16, 24), 1)
        agree(source, {"x": {"gt": frames, "lq": frames}})

    def test_jpeg_frames(self, tmp_path):
        frames = write_clip(tmp_path / "x", template="{:05d}.jpg")
        files = ClipFiles("x", list_frames(tmp_path / "x"))
        agree(PictureClips([files]), {"x": {"gt": frames}})


def decoded(path):
    with VideoReader(path) as reader:
        return np.stack([frame.pixels for frame in reader])


MANY = pictures(40, width=64, height=48)


class TestVideos:
    @pytest.mark.parametrize(
        ("name", "codec", "options"),
        [
            ("a.mp4", "libx264", {"g": "12", "bf": "3"}),
            ("a.mkv", "libx264", {"g": "9", "bf": "2", "x264-params": "open-gop=1"}),
            ("a.mkv", "ffv1", {}),
            ("a.avi", "mpeg4", {"g": "7"}),
            ("a.ts", "libx264", {"g": "12", "bf": "2"}),
            ("a.mpg", "mpeg2video", {"g": "6", "bf": "2"}),
            ("a.h264", "libx264", {"g": "12"}),  # without timestamps
            ("a.webm", "libvpx-vp9", {"g": "8", "deadline": "realtime"}),
        ],
    )
    def test_a_window_is_that_of_the_whole_video(self, tmp_path, name, codec, options):
        path = write_video(tmp_path / name, MANY, codec=codec, codec_options=options)
        whole = decoded(path)
        source = source_of([VideoFiles("a", path)])
        assert source.clips == (Clip("a", len(MANY)),)
        for start, stop in [(0, 1), (0, 40), (1, 3), (8, 15), (26, 33), (39, 40)]:
            window = source.read(0, start, stop)["gt"]
            np.testing.assert_array_equal(window, whole[start:stop])

    def test_windows_far_into_a_long_video(self, tmp_path):
        frames = MANY[np.arange(60) % 40]
        times, keys = np.arange(60) * 25, {"g": "5"}  # a frame a second
        path = write_video(tmp_path / "a.mp4", frames, pts=times, codec_options=keys)
        whole = decoded(path)
        source = source_of([VideoFiles("a", path)])
        np.testing.assert_array_equal(source.read(0, 50, 53)["gt"], whole[50:53])

    def test_uneven_timestamps(self, tmp_path):
        times = np.cumsum([1, 1, 5, 1, 9, 2, 1, 1, 30, 1] * 4)
        path = write_video(tmp_path / "a.mkv", MANY, pts=times)
        whole = decoded(path)
        source = source_of([VideoFiles("a", path)])
        for start in (0, 3, 9, 31):
            window = source.read(0, start, start + 4)["gt"]
            np.testing.assert_array_equal(window, whole[start : start + 4])

    def test_folder_of_pairs(self, tmp_path):
        lossless = {"codec": "ffv1", "pix_fmt": "bgr0"}
        for kind in ("gt", "lq"):
            (tmp_path / kind).mkdir()
        small = np.ascontiguousarray(MANY[:, ::4, ::4])
        write_video(tmp_path / "gt/a.mkv", MANY, **lossless)
        write_video(tmp_path / "lq/a.mkv", small, **lossless)
        source = open_clips("folder", tmp_path, "train")
        assert isinstance(source, VideoClips)
        assert source.size(0) == ((48, 64), 4)
        window = source.read(0, 5, 9)
        np.testing.assert_array_equal(window["gt"], MANY[5:9])
        np.testing.assert_array_equal(window["lq"], small[5:9])

    def test_threads_and_pickles_read_the_same(self, tmp_path):
        path = write_video(tmp_path / "a.mp4", MANY[:12])
        whole = decoded(path)
        source = pickle.loads(pickle.dumps(source_of([VideoFiles("a", path)])))
        with ThreadPoolExecutor(4) as pool:
            windows = list(pool.map(lambda i: source.read(0, i, i + 2), range(10)))
        for i, window in enumerate(windows):
            np.testing.assert_array_equal(window["gt"], whole[i : i + 2])

    def test_pairs_of_another_length_are_named(self, tmp_path):
        a = write_video(tmp_path / "a.mp4", MANY[:4])
        b = write_video(tmp_path / "b.mp4", MANY[:5])
        with pytest.raises(
            InputError, match=r"b\.mp4: has 5 frames, its ground truth 4"
        ):
            source_of([VideoFiles("x", a, b)])

    def test_more_than_8_bits_are_refused(self, tmp_path):
        path = write_video(
            tmp_path / "a.mkv", MANY[:2], codec="ffv1", pix_fmt="yuv420p10le"
        )
        with pytest.raises(InputError, match=r"a\.mkv: has more than 8 bits"):
            source_of([VideoFiles("x", path)])

    def test_what_is_no_video_is_named(self, tmp_path):
        (tmp_path / "a.mp4").write_text("nothing")
        with pytest.raises(InputError, match=r"a\.mp4: is not a video"):
            open_clips("folder", tmp_path, "train")

    def test_an_index_that_is_wrong_is_not_believed(self, tmp_path):
        path = write_video(tmp_path / "a.mp4", MANY[:12])
        (clip,) = index_videos([VideoFiles("a", path)])
        times = clip.gt.times
        shifted = clip.gt._replace(times=tuple(time + 1 for time in times))
        with pytest.raises(InputError, match="frame 0 is not where"):
            VideoClips([clip._replace(gt=shifted)])
        longer = clip.gt._replace(num_frames=13, times=(*times, 2 * times[-1]))
        source = VideoClips([clip._replace(gt=longer)])
        with pytest.raises(InputError, match="ends after 12 frames, not 13"):
            source.read(0, 0, 13)


def test_tiles_have_to_be_built(tmp_path):
    write_clip(tmp_path / "a")
    with pytest.raises(InputError, match="no tiles of folder are built there"):
        open_clips("folder", tmp_path, "train", tiles=True)
    assert open_clips("folder", tmp_path, "train", tiles=False).clips == (Clip("a", 2),)


def test_the_names_of_data_sets_are_told(tmp_path):
    with pytest.raises(InputError, match="dataset: 'rads' is not known. Choose .*reds"):
        open_clips("rads", tmp_path, "train")
