"""The demo and its picture, on a clip and a network one can draw on paper."""

import av
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from comparison import COLUMN, DETAIL, FRAME, Shown, draw, magnified, most_improved
from demo import SAMPLE, bicubic, compare, demo, frames_of, main, table
from PIL import Image, ImageColor

import bvsrpp_jax as bvsrpp
from bvsrpp_jax.data.degradations import bicubic_resize
from bvsrpp_jax.media import open_clip
from bvsrpp_jax.models.basicvsrpp import BasicVSRPlusPlus

SCORES = {"bicubic": (27.5, 0.8), "ours": (28.75, 0.875)}


def noise(*shape, seed=0):
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def write_clip(path, frames):
    """Grey levels survive H.264 without loss in 4:4:4 to one code value."""
    with av.open(path, "w") as made:
        stream = made.add_stream("libx264", rate=25, options={"qp": "0"})
        stream.height, stream.width = frames.shape[1:3]
        stream.pix_fmt = "yuv444p"
        for frame in frames:
            made.mux(stream.encode(av.VideoFrame.from_ndarray(frame, "rgb24")))
        made.mux(stream.encode(None))


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    """Three frames of 64x64 and their truth of 256x256: a smooth pattern that moves."""
    folder = tmp_path_factory.mktemp("sample")
    wave = 127 + 100 * np.sin(np.arange(256) / 9)
    truth = np.stack([np.roll(np.add.outer(wave, wave) / 2, 4 * i) for i in range(3)])
    truth = np.repeat(truth.astype(np.uint8)[..., None], 3, -1)
    small = np.round(255 * bicubic_resize(truth / 255, 1 / 4).clip(0, 1))
    write_clip(folder / "gt.mp4", truth)
    write_clip(folder / "lq.mp4", small.astype(np.uint8))
    return folder


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """A network whose parameters are all zero: it returns its bilinear upsampling."""
    model = BasicVSRPlusPlus(
        mid_channels=8, num_blocks=1, deform_groups=2, num_extract_blocks=1,
        num_reconstruction_blocks=1, hr_channels=8, spynet_channels=(4, 4, 4, 4),
    )  # fmt: skip
    lq = jax.ShapeDtypeStruct((1, 2, 64, 64, 3), jnp.float32)
    shapes = jax.eval_shape(model.init, jax.random.key(0), lq)["params"]
    path = tmp_path_factory.mktemp("weights") / "zero.safetensors"
    bvsrpp.save(path, model, jax.tree.map(lambda s: jnp.zeros(s.shape), shapes))
    return path


def test_demo_writes_a_video_and_a_picture_and_prints_both_scores(
    sample, weights, tmp_path, capsys
):
    (tmp_path / "out").mkdir()
    for name in ("demo.mp4", "demo.png"):  # left by an earlier run: replaced
        (tmp_path / "out" / name).touch()
    demo(sample, str(weights), tmp_path / "out")
    assert len(list((tmp_path / "out").iterdir())) == 2
    with open_clip(tmp_path / "out" / "demo.mp4") as clip:
        assert [frame.pixels.shape for frame in clip] == [(256, 256, 3)] * 3
    with Image.open(tmp_path / "out" / "demo.png") as picture:
        assert picture.width == 4 * COLUMN + 24
    printed = capsys.readouterr().out
    assert "restored 3 frames in" in printed
    assert "bicubic" in printed
    assert "gain" in printed


def test_unusable_weights_are_one_line_and_exit_code_2(sample, tmp_path, capsys):
    missing = tmp_path / "missing.safetensors"
    options = ["--sample", str(sample), "--out", str(tmp_path / "out")]
    assert main(["--weights", str(missing), *options]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("demo: error: ")
    assert "missing.safetensors" in lines[0]


def test_unusable_output_folder_is_told_before_anything_is_loaded(tmp_path, capsys):
    (tmp_path / "file").touch()
    assert main(["--weights", "no-such", "--out", str(tmp_path / "file")]) == 2
    assert f"{tmp_path / 'file'}: cannot be made" in capsys.readouterr().err


def test_compare_measures_luma_over_all_frames(sample):
    lq, gt = sample / "lq.mp4", sample / "gt.mp4"
    scores, shown = compare(lq, gt, gt, at=1)
    assert scores["ours"] == (np.inf, 1.0)
    small, truth = list(frames_of(lq, gt))[1]
    np.testing.assert_array_equal(shown.truth, truth)
    np.testing.assert_array_equal(shown.low, small)
    np.testing.assert_array_equal(shown.bicubic, bicubic(small))
    assert 20 < scores["bicubic"][0] < 100


def test_clips_of_different_length_are_refused(sample, tmp_path):
    write_clip(tmp_path / "two.mp4", noise(2, 64, 64, 3))
    with pytest.raises(ValueError, match="shorter"):
        list(frames_of(sample / "lq.mp4", tmp_path / "two.mp4"))


def test_table_shows_what_ours_gains():
    assert table(SCORES).splitlines()[-1].split() == ["gain", "+1.25", "+0.0750"]


def test_detail_is_where_ours_gains_most_of_what_can_be_seen():
    truth = np.zeros((300, 900, 3), np.uint8)
    worse, ours = truth.copy(), truth.copy()
    for x, before, after in [(100, 50, 20), (400, 90, 60), (700, 2, 0)]:
        worse[100 : 100 + DETAIL, x : x + DETAIL] = before
        ours[100 : 100 + DETAIL, x : x + DETAIL] = after
    shown = Shown(low=truth[::4, ::4], bicubic=worse, ours=ours, truth=truth)
    assert most_improved(shown) == (100, 100)
    assert most_improved(Shown(*[truth] * 4)) == (0, 0)  # any will do


def test_detail_of_low_resolution_is_the_same_place():
    low = noise(90, 160, 3)
    large = low.repeat(4, 0).repeat(4, 1)
    pictures = [
        magnified(low, (200, 100), scale=1),
        magnified(large, (200, 100), scale=4),
    ]
    np.testing.assert_array_equal(*map(np.asarray, pictures))


def test_picture_holds_the_details_in_order_and_marks_their_place():
    truth = noise(180, 320, 3)
    worse = truth // 2
    shown = Shown(low=truth[::4, ::4], bicubic=worse, ours=truth, truth=truth)
    corner = most_improved(shown)
    picture = np.asarray(draw(shown, SCORES))
    for column, name in enumerate(Shown._fields):
        left = column * (picture.shape[1] - COLUMN) // 3
        expected = magnified(
            getattr(shown, name), corner, scale=1 if name == "low" else 4
        )
        np.testing.assert_array_equal(
            picture[:COLUMN, left : left + COLUMN], np.asarray(expected)
        )
    mark = np.array(ImageColor.getrgb(FRAME))
    assert (picture[COLUMN:] == mark).all(-1).any()


def test_sample_input_is_bicubic_of_the_truth_to_two_code_values():
    clips = frames_of(SAMPLE / "lq.mp4", SAMPLE / "gt.mp4")
    for small, truth in (next(clips) for _ in range(2)):
        assert small.shape == (180, 320, 3)
        assert truth.shape == (720, 1280, 3)
        expected = 255 * bicubic_resize(truth / 255, 1 / 4).clip(0, 1)
        assert np.abs(np.round(expected) - small).max() <= 2
    clips.close()


def test_sample_clips_have_fifty_frames_and_sound():
    for name in ("lq.mp4", "gt.mp4"):
        with av.open(SAMPLE / name) as clip:
            assert clip.streams.video[0].frames == 50
            assert len(clip.streams.audio) == 1
            assert "Blender Foundation" in clip.metadata["copyright"]
