"""Clips of an evaluation: read whole, in order, as the protocol shows them."""

import shutil
from itertools import islice
from pathlib import Path

import av
import numpy as np
import pytest
from clip_trees import write_clip, write_pairs

from bvsrpp_jax.data.catalogue import ArrayClips
from bvsrpp_jax.data.compression import compress_h264
from bvsrpp_jax.data.degradations import bicubic_downsample
from bvsrpp_jax.data.folder_layout import pairs
from bvsrpp_jax.data.sources import source_of
from bvsrpp_jax.errors import InputError
from bvsrpp_jax.evaluation.clips import clips_of
from bvsrpp_jax.evaluation.protocols import Protocol

SAMPLE = Path(__file__).parents[1] / "examples" / "sample"
NUM_FRAMES = 19  # more than are read at a time, and no multiple of that
OWN = Protocol("a test", "folder")
NOISE = (("noise", {"sigma": (50.0, 50.0)}),)


def array_clips(*sizes, height=32, width=48, seed=0):
    rng = np.random.default_rng(seed)
    shapes = [(size, height, width, 3) for size in sizes]
    return ArrayClips([rng.integers(0, 256, s, dtype=np.uint8) for s in shapes])


def stacked(clip):
    return tuple(np.stack(frames) for frames in zip(*clip.pairs(), strict=True))


@pytest.fixture
def stored(tmp_path):
    frames = write_pairs(tmp_path, ("a", "b"), num_frames=NUM_FRAMES)
    source = source_of(pairs(tmp_path / "gt", tmp_path / "lq"))
    return source, frames


def test_stored_clips_are_read_frame_by_frame(stored):
    source, frames = stored
    clips = clips_of(OWN, source, scale=4)
    assert [clip.name for clip in clips] == ["a", "b"]
    for clip in clips:
        lq, gt = stacked(clip)
        np.testing.assert_array_equal(lq, frames[clip.name]["lq"])
        np.testing.assert_array_equal(gt, frames[clip.name]["gt"])
        assert clip.num_frames == clip.num_shown == NUM_FRAMES
        np.testing.assert_array_equal(list(clip.inputs()), lq)


def test_mirrored_clips_are_played_forward_then_backward(stored):
    source, frames = stored
    clip = clips_of(Protocol("", "folder", mirrored=True), source, scale=4)[1]
    lq, gt = stacked(clip)
    for shown, known in ((lq, frames["b"]["lq"]), (gt, frames["b"]["gt"])):
        np.testing.assert_array_equal(shown, np.concatenate([known, known[::-1]]))
    assert clip.num_shown == 2 * NUM_FRAMES
    np.testing.assert_array_equal(list(clip.inputs()), lq)


def test_input_is_made_of_ground_truth_cropped_to_the_scale():
    source = array_clips(NUM_FRAMES, height=35, width=50)
    protocol = Protocol("", "folder", degradations=("bicubic",))
    lq, gt = stacked(clips_of(protocol, source, scale=4)[0])
    whole = source.read(0, 0, NUM_FRAMES)["gt"][:, :32, :48]
    np.testing.assert_array_equal(gt, whole)
    np.testing.assert_array_equal(lq, bicubic_downsample(whole, 4))


def test_noise_is_the_same_every_time_and_another_in_every_clip_and_frame():
    source = ArrayClips([np.full((9, 16, 16, 3), 128, np.uint8)] * 2)
    protocol = Protocol("", "set8", degradations=NOISE)
    first, second = clips_of(protocol, source, scale=1)
    lq, gt = stacked(first)
    np.testing.assert_array_equal(lq, stacked(first)[0])
    np.testing.assert_array_equal(lq, list(first.inputs()))
    np.testing.assert_array_equal(gt, 128)
    noise = 255 * lq - 128
    assert lq.dtype == np.float32
    assert first.is_noisy
    assert noise.std() == pytest.approx(50, rel=0.05)  # 6912 values
    assert np.abs(noise[0] - noise[1]).max() > 1
    assert np.abs(lq - stacked(second)[0]).max() > 0.1


def test_mirrored_clips_are_damaged_before_the_mirror():
    source = ArrayClips([np.full((9, 16, 16, 3), 128, np.uint8)])
    protocol = Protocol("", "", degradations=NOISE, mirrored=True)
    (clip,) = clips_of(protocol, source, scale=1)
    lq, gt = stacked(clip)
    assert len(lq) == len(gt) == 18
    np.testing.assert_array_equal(lq, lq[::-1])


def test_compression_sees_the_whole_clip():
    source = array_clips(NUM_FRAMES)
    protocol = Protocol("", "", degradations=(("h264", {"crf": (30, 30)}),))
    (clip,) = clips_of(protocol, source, scale=1)
    lq, gt = stacked(clip)
    rng = np.random.default_rng(1)  # draws the one quality there is
    whole = list(compress_h264(iter(gt), rng, crf=(30, 30)))
    np.testing.assert_array_equal(lq, whole)


def test_one_pair_is_that_of_the_whole_clip(stored):
    clip = clips_of(OWN, stored[0], scale=4)[0]
    for shown, known in zip(clip.pair(17), list(clip.pairs())[17], strict=True):
        np.testing.assert_array_equal(shown, known)


def test_missing_input_is_named_unless_results_are_finished():
    source = array_clips(2)
    with pytest.raises(InputError, match="000: the data set stores no input"):
        clips_of(OWN, source, scale=4)
    (clip,) = clips_of(OWN, source, scale=4, needs_input=False)
    assert clip.scale is None
    assert [lq for lq, _ in clip.pairs()] == [None, None]


def test_input_of_another_scale_is_named(stored):
    with pytest.raises(InputError, match="4 times larger than the input, the network"):
        clips_of(OWN, stored[0], scale=1)


def test_two_folders_or_two_videos_are_a_pair(tmp_path):
    write_clip(tmp_path / "truth", num_frames=3)
    write_clip(tmp_path / "small", num_frames=3, scale=4)
    (files,) = pairs(tmp_path / "truth", tmp_path / "small")
    assert (files.name, len(files.gt), len(files.lq)) == ("truth", 3, 3)
    for name in ("a.mp4", "b.mp4"):
        (tmp_path / name).touch()
    (files,) = pairs(tmp_path / "a.mp4", tmp_path / "b.mp4")
    assert (files.name, files.gt.name, files.lq.name) == ("a", "a.mp4", "b.mp4")


@pytest.mark.parametrize(
    ("gt", "lq", "message"),
    [
        ("none", "truth", "none: no such file"),
        ("truth", "none", "none: no such file"),
        ("truth", "a.mp4", "is missing"),
        ("many", "truth", "is missing"),
    ],
)
def test_what_is_no_pair_is_named(tmp_path, gt, lq, message):
    write_clip(tmp_path / "truth")
    write_clip(tmp_path / "many" / "a")
    write_clip(tmp_path / "many" / "b")
    (tmp_path / "a.mp4").touch()
    with pytest.raises(InputError, match=message):
        pairs(tmp_path / gt, tmp_path / lq)


def test_videos_are_read_as_their_windows_are(tmp_path):
    for name in ("gt", "lq"):
        shutil.copy(SAMPLE / f"{name}.mp4", tmp_path)
    source = source_of(pairs(tmp_path / "gt.mp4", tmp_path / "lq.mp4"))
    (clip,) = clips_of(OWN, source, scale=4)
    window = source.read(0, 0, 10)
    for number, (lq, gt) in enumerate(islice(clip.pairs(), 10)):
        np.testing.assert_array_equal(lq, window["lq"][number])
        np.testing.assert_array_equal(gt, window["gt"][number])
    assert clip.size == (720, 1280)


def test_videos_whose_colours_are_guessed_differently_are_no_pair(tmp_path):
    """By their heights, 720 and 180 lines, as players do."""
    shutil.copy(SAMPLE / "gt.mp4", tmp_path)
    frames = np.full((50, 180, 320, 3), 128, np.uint8)
    with av.open(tmp_path / "lq.mp4", "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 320, 180, "yuv420p"
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame)))
        container.mux(stream.encode(None))
    with pytest.raises(InputError, match="gt.mp4: does not say which matrix"):
        source_of(pairs(tmp_path / "gt.mp4", tmp_path / "lq.mp4"))
