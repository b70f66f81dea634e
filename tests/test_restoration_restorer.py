"""Frames in, frames out; file in, file out: all of them, or an error and no file."""

import os
import threading
import time
from fractions import Fraction

import av
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from media_files import packets, pictures, read_frames, seconds, write_video
from stand_in import QUICKLY, StandIn, tiny_network

from bvsrpp_jax.errors import InputError
from bvsrpp_jax.media import open_clip
from bvsrpp_jax.media.pictures import encode_png, read_picture
from bvsrpp_jax.restoration import Restorer

ONE = jnp.float32(1)


@pytest.fixture
def restorer():
    return Restorer(StandIn(), ONE, window=4, overlap=1)


def larger(frames):
    return frames.repeat(4, 1).repeat(4, 2)


def files(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("kind", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("count", [1, 2, 4, 5, 11])
def test_every_frame_comes_out_of_its_kind(restorer, kind, count):
    peak = (1 if kind == np.float32 else np.iinfo(kind).max) / 255
    frames = (pictures(count) * peak).astype(kind)
    output = list(restorer.stream(frames))
    assert all(frame.dtype == kind for frame in output)
    np.testing.assert_array_equal(output, larger(frames))


@pytest.mark.parametrize("size", [(1, 1), (47, 63), (64, 64), (65, 70)])
@pytest.mark.parametrize("scale", [1, 4])
def test_any_size_is_padded_and_cropped(size, scale):
    h, w = size
    model = StandIn(scale=scale, min_side=64, side_multiple=4)
    frames = pictures(2, width=w, height=h)
    output = list(Restorer(model, ONE).stream(frames))
    np.testing.assert_array_equal(output, frames.repeat(scale, 1).repeat(scale, 2))


@pytest.mark.parametrize(
    "options",
    [
        {"exact": True},
        {"tile": 100},
        {"tile": 100, "window": 4, "overlap": 1},
        {"ensemble": 16},
        {"ensemble": 8, "tile": 100},
        {"dtype": "bfloat16"},
        {"lookahead": 0},
        {"lookahead": 3},
        {"shots": False, "window": 3},
    ],
    ids=str,
)
def test_every_way_gives_every_frame(options):
    frames = pictures(9, width=140, height=70)
    restorer = Restorer(StandIn(), ONE, **options)
    assert restorer.plan((70, 140)).on_disk == ("exact" in options)
    work = []
    output = list(restorer.stream(frames, on_work=work.append))
    np.testing.assert_array_equal(output, larger(frames))
    assert sum(work) == pytest.approx(9)


def test_nothing_is_carried_across_a_cut():
    class Earlier(StandIn):
        """Brightens by how many frames a branch has seen before."""

        def propagate(self, params, branch, feats, flow_n1, carry):
            seen = carry.num_seen + jnp.arange(feats[0].shape[1])
            feat = feats[0] * 0 + seen[:, None, None, None] / 100
            return feat, carry._replace(num_seen=carry.num_seen + len(seen))

        def reconstruct(self, params, lq, feats):
            return super().reconstruct(params, 0 * lq + feats[-1], feats)

    night = [np.full((64, 64, 3), 0.1, np.float32)] * 5
    stripes = np.linspace(0, 30, 64, dtype=np.float32)[:, None, None]
    day = [np.broadcast_to(np.sin(stripes) ** 2, (64, 64, 3))] * 4
    for shots, seen in [(True, [*range(5), *range(4)]), (False, [*range(9)])]:
        restorer = Restorer(Earlier(), ONE, shots=shots)
        output = list(restorer.stream(night + day))
        np.testing.assert_allclose([100 * f[0, 0, 0] for f in output], seen, atol=1e-4)


def test_the_real_network_is_applied_to_whole_short_clips():
    model, params = tiny_network()
    frames = pictures(3, width=70, height=64)
    output = np.stack(list(Restorer(model, params).stream(frames / np.float32(255))))
    apply = jax.jit(model.apply, compiler_options=QUICKLY)
    wanted = apply({"params": params}, frames[None] / np.float32(255))[0]
    np.testing.assert_allclose(output, wanted, atol=1e-5)  # the order of sums differs
    assert np.abs(output - larger(frames) / 255).mean() > 1e-3  # it did something


def test_one_program_serves_all_windows(restorer):
    traced = []

    class Counting(StandIn):
        def reconstruct(self, params, lq, feats):
            traced.append(lq.shape)
            return super().reconstruct(params, lq, feats)

    restorer = Restorer(Counting(), ONE, window=4, overlap=1, chunk=3)
    for count in (21, 10, 2, 1):
        assert len(list(restorer.stream(pictures(count)))) == count
    assert traced == [(1, 3, 64, 64, 3)]


def test_frames_are_taken_as_they_are_needed(restorer):
    taken = []

    def frames():
        for index, frame in enumerate(pictures(40)):
            taken.append(index)
            yield frame

    for index, _ in enumerate(restorer.stream(frames())):
        assert len(taken) <= index + 2 * 4
    assert index == 39


def test_a_stream_of_nothing_is_nothing(restorer):
    assert list(restorer.stream([])) == []


def test_output_that_is_not_finite_names_the_frames(restorer):
    frames = np.float32(pictures(9) / 255)
    frames[6, 3, 5, 1] = np.nan
    done = []
    with pytest.raises(InputError, match="frame 6: .* not finite"):
        done.extend(restorer.stream(frames))
    assert len(done) == 6  # what came before it
    with pytest.raises(InputError, match="frame 0: .* not finite"):
        list(Restorer(StandIn(), ONE * jnp.inf, window=4).stream(pictures(9)))


def test_a_scratch_folder_that_is_not_there_is_told(tmp_path):
    with pytest.raises(InputError, match="missing: is no folder"):
        Restorer(StandIn(), ONE, scratch=tmp_path / "missing")


def test_what_lookahead_cannot_use_is_refused(tmp_path):
    with pytest.raises(InputError, match="lookahead: .* without scratch"):
        Restorer(StandIn(), ONE, lookahead=1, scratch=tmp_path)
    source = write_video(tmp_path / "in.mp4", pictures(2))
    with pytest.raises(InputError, match="lookahead: .* processes cannot share"):
        Restorer(StandIn(), ONE, lookahead=1).restore_video(
            source, tmp_path / "out.mp4", multihost=True
        )


def test_it_says_what_it_is(restorer):
    # What was chosen, and no more.
    assert repr(restorer) == "Restorer(c8n1 x4, 1 parameters, window=4, overlap=1)"


# --- files ---------------------------------------------------------------------------


@pytest.mark.parametrize("count", [1, 2, 9])
def test_video_to_video(tmp_path, restorer, count):
    source = write_video(tmp_path / "in.mp4", pictures(count), tracks=2)
    assert restorer.restore_video(source, tmp_path / "out.mp4", crf=1) == count
    frames = read_frames(tmp_path / "out.mp4")
    assert [(f.width, f.height) for f in frames] == count * [(256, 192)]
    assert seconds(tmp_path / "out.mp4") == seconds(source)
    for track in (0, 1):
        assert packets(tmp_path / "out.mp4", "audio", track) == packets(
            source, "audio", track
        )
    assert files(tmp_path) == ["in.mp4", "out.mp4"]


def test_variable_timestamps_end_to_end(tmp_path, restorer):
    pts = [0, 40, 90, 400, 960, 1000, 1400]
    source = write_video(
        tmp_path / "in.mkv", pictures(7), pts=pts, time_base=Fraction(1, 1000)
    )
    restorer.restore_video(source, tmp_path / "out.mp4")
    assert seconds(tmp_path / "out.mp4") == [Fraction(p, 1000) for p in pts]


def test_ten_bits_end_to_end(tmp_path, restorer):
    ramp = np.linspace(0, 65535, 64).astype(np.uint16)[None, None, :, None]
    frames = np.broadcast_to(ramp, (3, 48, 64, 3))
    options = {"codec": "libx265", "pix_fmt": "yuv420p10le"}
    source = write_video(
        tmp_path / "in.mp4", frames, codec_options={"crf": "1"}, **options
    )
    restorer.restore_video(source, tmp_path / "out.mp4", codec="libx265", crf=1)
    frame = read_frames(tmp_path / "out.mp4")[0]
    assert frame.format.name == "yuv420p10le"
    luma = np.frombuffer(frame.planes[0], np.uint16).reshape(frame.height, -1)
    levels = np.unique(luma[100, 2:254:4] % 4)
    assert len(levels) > 1  # not eight bits times four


@pytest.mark.parametrize("name", ["out.mp4", "out"])
def test_the_output_has_the_size_asked_for(tmp_path, restorer, name):
    source = write_video(tmp_path / "in.mp4", pictures(3))
    jobs = []
    restorer.restore_video(
        source, tmp_path / name, size=(100, None), on_start=jobs.append
    )
    with open_clip(tmp_path / name) as clip:
        assert (clip.info.width, clip.info.height) == (100, 76)
        assert clip.info.num_frames == 3
    assert (jobs[0].result.width, jobs[0].result.height) == (100, 76)


def test_ten_bits_of_an_eight_bit_source_are_the_networks_own(tmp_path):
    """Not eight bits widened: a gain of 0.9 makes codes between them."""
    ramp = np.arange(0, 256, 4, np.uint8)
    frames = np.broadcast_to(ramp[None, None, :, None], (2, 64, 64, 3))
    source = write_video(tmp_path / "in.mkv", frames, codec="ffv1", pix_fmt="bgr0")
    target = tmp_path / "out.mkv"
    restorer = Restorer(StandIn(), jnp.float32(0.9), window=4)
    restorer.restore_video(source, target, codec="ffv1", pixel_format="yuv444p10le")
    with open_clip(target) as clip:
        row = next(iter(clip)).pixels[5, 2::4, 1]
    assert clip.info.deep
    assert np.abs(row / 65535 - 0.9 * ramp / 255).max() < 0.8 / 876  # of ten-bit codes


def test_folders_and_pictures(tmp_path, restorer):
    (tmp_path / "in").mkdir()
    for index, pixels in enumerate(pictures(6)):
        (tmp_path / "in" / f"{index}.png").write_bytes(encode_png(pixels))
    restorer.restore_video(tmp_path / "in", tmp_path / "out.mp4", fps=10)
    assert seconds(tmp_path / "out.mp4") == [Fraction(i, 10) for i in range(6)]
    restorer.restore_video(tmp_path / "out.mp4", f"{tmp_path}/out/")
    assert len(files(tmp_path / "out")) == 6
    restorer.restore_video(tmp_path / "in" / "3.png", tmp_path / "out.png")
    np.testing.assert_array_equal(
        read_picture(tmp_path / "out.png"), larger(pictures(6))[3]
    )


def test_excerpts_keep_sound_and_picture_together(tmp_path, restorer):
    source = write_video(
        tmp_path / "in.mkv", pictures(10), tracks=1, audio_codec="pcm_s16le"
    )
    target = tmp_path / "out.mkv"
    restorer.restore_video(source, target, start=0.08, duration=0.08)
    assert seconds(target) == [0, Fraction(1, 25)]
    whole = dict(packets(source, "audio"))
    for time_, data in packets(target, "audio"):
        assert whole[time_ + Fraction("0.08")] == data


def test_progress_and_plan_are_told(tmp_path, restorer):
    source = write_video(tmp_path / "in.mp4", pictures(6))
    jobs, progress, work = [], [], []
    restorer.restore_video(
        source,
        tmp_path / "out.mp4",
        on_start=jobs.append,
        on_progress=lambda *now: progress.append(now),
        on_work=work.append,
    )
    assert progress == [(i, 6) for i in range(1, 7)]
    assert sum(work) == pytest.approx(6)
    assert work[0] < 1  # long before the first frame is there
    (job,) = jobs
    assert (job.plan.window, job.plan.overlap) == (4, 1)
    assert (job.result.width, job.result.height) == (256, 192)


def test_a_wrong_estimate_of_the_length_shrinks_no_window(tmp_path):
    """Of 0.76 s one frame is expected: the average rate is that of a long pause."""
    pts = [*range(19), 2000]
    source = write_video(tmp_path / "in.mp4", pictures(20), pts=pts)
    jobs = []
    count = Restorer(StandIn(), ONE).restore_video(
        source, tmp_path / "out.mp4", duration=0.76, on_start=jobs.append
    )
    assert count == 19
    assert jobs[0].plan.window == 96


def test_an_existing_output_is_kept_until_the_new_one_is_there(tmp_path, restorer):
    source = write_video(tmp_path / "in.mp4", pictures(6))
    target = tmp_path / "out.mp4"
    target.write_bytes(b"earlier")
    with pytest.raises(InputError, match="out.mp4: exists"):
        restorer.restore_video(source, target)
    seen = []
    restorer.restore_video(
        source,
        target,
        overwrite=True,
        on_progress=lambda *_: seen.append(target.read_bytes()),
    )
    assert set(seen) == {b"earlier"}
    assert len(read_frames(target)) == 6


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
@pytest.mark.parametrize("target", ["out.mp4", "out"])
def test_what_ends_before_a_window_is_done_leaves_nothing(
    tmp_path, restorer, error, target
):
    source = write_video(tmp_path / "in.mp4", pictures(12))

    def stop(done, expected):
        raise error

    with pytest.raises(error):
        restorer.restore_video(source, tmp_path / target, on_progress=stop)
    assert files(tmp_path) == ["in.mp4"]


def test_leaving_does_not_wait_for_a_window(tmp_path):
    """Ctrl-C must not last as long as a window does."""
    release = threading.Event()
    began = threading.Event()

    class Slow(StandIn):
        def reconstruct(self, params, lq, feats):
            output = super().reconstruct(params, lq, feats)

            def wait(first):
                if began.is_set():
                    release.wait(60)
                began.set()
                return first

            first = jax.pure_callback(
                wait, jax.ShapeDtypeStruct((), jnp.float32), output[0, 0, 0, 0, 0]
            )
            return output + 0 * first

    def stop(done, expected):
        raise KeyboardInterrupt

    source = write_video(tmp_path / "in.mp4", pictures(12))
    restorer = Restorer(Slow(), ONE, window=4, overlap=1)
    now = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        restorer.restore_video(source, tmp_path / "out.mp4", on_progress=stop)
    assert time.monotonic() - now < 30
    release.set()
    assert files(tmp_path) == ["in.mp4"]


def test_bad_frames_in_the_middle_leave_nothing(tmp_path, restorer):
    parts = [
        write_video(tmp_path / f"{width}.h264", pictures(6, width=width)).read_bytes()
        for width in (64, 96)
    ]
    (tmp_path / "in.h264").write_bytes(b"".join(parts))
    with pytest.raises(InputError, match="frame 6 has 96x48"):
        restorer.restore_video(tmp_path / "in.h264", tmp_path / "out.mp4")
    assert "out.mp4" not in files(tmp_path)
    assert not any("partial" in name for name in files(tmp_path))


def test_frames_that_do_not_fit_are_refused_before_any_work(tmp_path):
    source = write_video(tmp_path / "in.mp4")
    with pytest.raises(InputError, match="memory: .* 1 MiB on the host and"):
        Restorer(StandIn(), ONE, memory=1 << 20).restore_video(
            source, tmp_path / "out.mp4"
        )
    assert files(tmp_path) == ["in.mp4"]


def test_threads_and_files_are_given_back(tmp_path, restorer):
    source = write_video(tmp_path / "in.mp4", pictures(9), tracks=1)

    def state():
        return threading.active_count(), len(os.listdir("/proc/self/fd"))

    restorer.restore_video(source, tmp_path / "0.mp4")
    before = state()
    for index in range(1, 4):
        restorer.restore_video(source, tmp_path / f"{index}.mp4")
    assert state() == before


def test_results_are_the_same_every_time(tmp_path, restorer):
    source = write_video(tmp_path / "in.mp4", pictures(9))
    for name in ("a.mp4", "b.mp4"):
        restorer.restore_video(source, tmp_path / name)
    assert packets(tmp_path / "a.mp4", "video") == packets(tmp_path / "b.mp4", "video")


def test_rotated_phone_video_comes_out_upright(tmp_path, restorer):
    source = write_video(tmp_path / "in.mp4", rotation=(90,))
    restorer.restore_video(source, tmp_path / "out.mp4")
    with av.open(str(tmp_path / "out.mp4")) as container:
        frame = next(container.decode(video=0))
    assert (frame.width, frame.height, frame.rotation) == (192, 256, 0)
