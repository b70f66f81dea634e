"""Networks and finished results, as an evaluation sees them."""

from pathlib import Path

import jax
import numpy as np
import pytest
from clip_trees import write_clip
from golden_weights import golden_params
from stand_in import StandIn

from bvsrpp_jax.data.catalogue import ArrayClips
from bvsrpp_jax.data.degradations import to_uint8
from bvsrpp_jax.data.folder_layout import pairs
from bvsrpp_jax.data.sources import Clip, source_of
from bvsrpp_jax.errors import InputError
from bvsrpp_jax.evaluation.clips import clips_of
from bvsrpp_jax.evaluation.measures import Measures
from bvsrpp_jax.evaluation.methods import FinishedResults, Network
from bvsrpp_jax.evaluation.protocols import PROTOCOLS, Protocol
from bvsrpp_jax.evaluation.scoring import score_clip
from bvsrpp_jax.models.basicvsrpp import BasicVSRPlusPlus

GOLDEN = Path(__file__).parent / "golden" / "ensemble_and_centre.npz"
NUM_FRAMES = 10


class Stored:
    """A clip in memory with its input."""

    def __init__(self, lq, gt):
        self.clips, self._frames = [Clip("clip", len(gt))], {"lq": lq, "gt": gt}

    def read(self, clip, start, stop):
        return {key: frames[start:stop] for key, frames in self._frames.items()}


OWN = Protocol("a test", "")


def stored_clip(lq, *, protocol=OWN, scale=4):
    gt = lq.repeat(scale, axis=1).repeat(scale, axis=2)
    return clips_of(protocol, Stored(lq, gt), scale=scale)[0]


def random_frames(count=NUM_FRAMES, height=20, width=24):
    rng = np.random.default_rng(0)
    return rng.integers(0, 256, (count, height, width, 3), dtype=np.uint8)


def network(*, weight=1, devices=None, **options):
    devices = devices or jax.local_devices()
    return Network(
        "stand-in", {}, StandIn(), np.float32(weight), devices=devices, **options
    )


def test_a_network_restores_whole_clips_without_looking_for_cuts():
    lq = random_frames()
    lq[NUM_FRAMES // 2 :] //= 8  # a cut if anything is
    clip, method = stored_clip(lq), network()
    method.check([clip])
    mode, outputs = method.restore(method.workers[0], clip)
    assert mode == "whole clips in chunks of 5 frames, features in memory, float32"
    np.testing.assert_array_equal(
        np.stack(list(outputs)), clip.source.read(0, 0, 99)["gt"]
    )
    wishes = method.workers[0].wishes
    assert (wishes.exact, wishes.shots, wishes.dtype) == (True, False, "float32")


def test_results_are_float_where_they_are_not_rounded_first():
    clip, method = (
        stored_clip(random_frames(2)),
        network(weight=1.5, rounded=False),
    )
    _, outputs = method.restore(method.workers[0], clip)
    output = next(outputs)
    assert output.dtype == np.float32
    assert output.max() > 1  # not clipped


def test_noisy_input_reaches_the_network_unrounded():
    noise = (("noise", {"sigma": (50.0, 50.0)}),)
    source = ArrayClips([random_frames(2, 260, 260)])
    (clip,) = clips_of(Protocol("", "", degradations=noise), source, scale=1)
    model = StandIn(scale=1, min_side=256, side_multiple=4)
    method = Network("", {}, model, np.float32(1), devices=jax.local_devices())
    _, outputs = method.restore(method.workers[0], clip)
    for output, (lq, _) in zip(outputs, clip.pairs(), strict=True):
        np.testing.assert_array_equal(output, lq)
        assert lq.min() < 0


def test_the_protocol_of_vimeo90k_gives_the_official_centre_frame():
    golden = np.load(GOLDEN)
    lq = golden["vimeo_lq"][0]
    clip = stored_clip(lq, protocol=PROTOCOLS["vimeo90k_bi"])
    model = BasicVSRPlusPlus(mid_channels=16, num_blocks=1)
    method = Network(
        "golden",
        {},
        model,
        golden_params(model, 11),
        devices=jax.local_devices(),
        rounded=False,
    )
    _, outputs = method.restore(method.workers[0], clip)
    result = score_clip(clip, outputs, measures=Measures(channel="y"), centre=True)
    expected = to_uint8(
        golden["vimeo_centre"].reshape(-1, *golden["vimeo_centre"].shape[-3:])[0]
    )
    found = result.pictures.frames["output"][::2, ::2].astype(int)
    # 1e-5 from the recording, so that now and then a pixel is rounded the other way.
    assert np.abs(found - expected).max() <= 1
    assert np.mean(found != expected) < 0.02
    assert list(result.scores[0].frames) == [3]


@pytest.fixture
def truths(tmp_path):
    for number, name in enumerate(("a", "b")):
        write_clip(tmp_path / "gt" / name, clip=number, num_frames=NUM_FRAMES)
    source = source_of(pairs(tmp_path / "gt", None))
    return clips_of(Protocol("", ""), source, scale=4, needs_input=False)


def test_finished_results_are_found_by_the_names_of_the_clips(tmp_path, truths):
    frames = {
        name: write_clip(tmp_path / "own" / name, clip=9, num_frames=NUM_FRAMES)
        for name in ("b", "a", "unused")
    }
    method = FinishedResults(tmp_path / "own")
    method.check(truths)
    for clip in truths:
        _, outputs = method.restore(0, clip)
        np.testing.assert_array_equal(np.stack(list(outputs)), frames[clip.name])


def test_results_of_one_clip_need_no_name(tmp_path, truths):
    write_clip(tmp_path / "own", num_frames=NUM_FRAMES)
    source = source_of(pairs(tmp_path / "gt" / "a", None))
    (clip,) = clips_of(Protocol("", ""), source, scale=4, needs_input=False)
    method = FinishedResults(tmp_path / "own")
    method.check([clip])
    assert len(list(method.restore(0, clip)[1])) == NUM_FRAMES


def test_the_centre_frame_alone_will_do_where_no_other_is_measured(tmp_path):
    write_clip(tmp_path / "gt" / "a", num_frames=7)
    (frame,) = write_clip(tmp_path / "own" / "a", num_frames=1, clip=3)
    source = source_of(pairs(tmp_path / "gt", None))
    protocol = Protocol("", "", mirrored=True, centre=True)
    clips = clips_of(protocol, source, scale=4, needs_input=False)
    method = FinishedResults(tmp_path / "own", centre=True)
    method.check(clips)
    _, outputs = method.restore(0, clips[0])
    result = score_clip(clips[0], outputs, measures=Measures(), centre=True)
    np.testing.assert_array_equal(result.pictures.frames["output"], frame)
    with pytest.raises(InputError, match="has 1 frames, the clip 7"):
        FinishedResults(tmp_path / "own").check(clips)


def test_missing_results_are_named(tmp_path, truths):
    write_clip(tmp_path / "own" / "a", num_frames=NUM_FRAMES - 1)
    write_clip(tmp_path / "own" / "c", num_frames=NUM_FRAMES)
    method = FinishedResults(tmp_path / "own")
    with pytest.raises(InputError, match="own/a: has 9 frames, the clip 10"):
        method.check(truths)
    with pytest.raises(InputError, match="own/b: there are no results of this clip"):
        method.check(truths[1:])


def test_changed_results_are_other_results(tmp_path):
    write_clip(tmp_path / "own" / "a", num_frames=2)
    before = FinishedResults(tmp_path / "own").facts
    assert before == FinishedResults(tmp_path / "own").facts
    files = sorted((tmp_path / "own" / "a").iterdir())
    sizes = [file.stat().st_size for file in files]
    files[0].write_bytes(files[0].read_bytes())  # another time
    after = FinishedResults(tmp_path / "own").facts
    assert sizes == [file.stat().st_size for file in files]
    assert before != after
    write_clip(tmp_path / "own" / "a", num_frames=3)  # another frame
    assert after != FinishedResults(tmp_path / "own").facts
