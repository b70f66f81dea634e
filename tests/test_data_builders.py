"""Built data sets give back the frames they were made of, however they were built."""

import importlib.util
import json
import pickle
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from clip_trees import picture, png, write_clip, write_pairs
from media_files import pictures, write_video

if importlib.util.find_spec("array_record") is None:
    pytest.skip("array_record is not available here", allow_module_level=True)

import tensorflow_datasets as tfds

from bvsrpp_jax.data import frames_builder, shards, tiles
from bvsrpp_jax.data import prepare as prepare_module
from bvsrpp_jax.data.builders import BUILDERS, Folder
from bvsrpp_jax.data.layouts import LAYOUTS
from bvsrpp_jax.data.prepare import main, prepare
from bvsrpp_jax.data.sources import Clip, open_clips
from bvsrpp_jax.data.tfds_clips import TfdsClips
from bvsrpp_jax.data.tiles import cut, tiles_of
from bvsrpp_jax.errors import InputError

needs_beam = pytest.mark.skipif(
    importlib.util.find_spec("apache_beam") is None,
    reason="apache-beam is not installed (extra 'beam')",
)


def quiet(line):
    """What is said of progress in tests that are about something else."""


@pytest.fixture
def small_shards(monkeypatch):
    """Three frames of 24x16 a file, decoded one at a time."""
    monkeypatch.setattr(shards, "PIXELS_PER_SHARD", 3 * 16 * 24)
    monkeypatch.setattr(shards, "PIXELS_AT_ONCE", 16 * 24)


@pytest.fixture
def small_tiles(monkeypatch):
    """Tiles of 8x8 at every 4 pixels."""
    monkeypatch.setattr(tiles, "SIDE", 8)
    monkeypatch.setattr(tiles, "STEP", 4)


def agree(source, truth):
    """Every window of every clip is the one that was written."""
    assert [name for name, _ in source.clips] == list(truth)
    for index, (name, length) in enumerate(source.clips):
        for start in range(length):
            for stop in range(start + 1, length + 1):
                window = source.read(index, start, stop)
                assert window.keys() == truth[name].keys()
                for key, frames in window.items():
                    np.testing.assert_array_equal(frames, truth[name][key][start:stop])


def in_tiles(truth):
    """The tiles of clips 24x16, cut by hand, with input four times smaller."""
    places = [(y, x) for y in (0, 4, 8) for x in (0, 4, 8, 12, 16)]
    return {
        f"{name}/tile_{y // 4:02d}_{x // 4:02d}": {
            "gt": frames["gt"][:, y : y + 8, x : x + 8],
            "lq": frames["lq"][:, y // 4 : y // 4 + 2, x // 4 : x // 4 + 2],
        }
        for name, frames in truth.items()
        for y, x in places
    }


class TestTiles:
    @pytest.mark.parametrize(
        ("height", "width", "rows", "columns"),
        [
            (720, 1280, [0, 240], [0, 240, 480, 720, 800]),
            (480, 854, [0], [0, 240, 374]),
            (481, 480, [0, 1], [0]),
            (256, 448, [0], [0]),
            (960, 720, [0, 240, 480], [0, 240]),
        ],
    )
    def test_geometry_is_that_of_crop_sub_images(self, height, width, rows, columns):
        cuts = tiles_of(height, width)
        assert [(tile.y, tile.x) for tile in cuts] == [
            (y, x) for y in rows for x in columns
        ]
        assert {(t.height, t.width) for t in cuts} == {
            (min(480, height), min(480, width))
        }
        assert cuts[-1].name == f"tile_{len(rows) - 1:02d}_{len(columns) - 1:02d}"

    def test_input_is_cut_at_a_quarter(self):
        gt = picture((1,), height=720, width=1280)
        lq = gt[::4, ::4]
        for tile in tiles_of(720, 1280):
            window = cut(lq, tile, scale=4)
            np.testing.assert_array_equal(window, cut(gt, tile)[::4, ::4])


@pytest.mark.usefixtures("small_shards")
class TestRoundTrip:
    def test_frames_over_several_files(self, tmp_path):
        truth = write_pairs(tmp_path / "raw", ["x", "y"], num_frames=7)
        folder = prepare("folder", tmp_path / "raw", tmp_path / "out", say=quiet)
        assert folder == tmp_path / "out/folder/pairs/1.0.0"
        assert len(list(folder.glob("*.array_record-*-of-00006"))) == 6
        agree(TfdsClips(folder, "train"), truth)

    @pytest.mark.usefixtures("small_tiles")
    def test_tiles_are_clips_of_their_own(self, tmp_path):
        truth = write_pairs(tmp_path / "raw", ["x", "y"], num_frames=3)
        prepare("folder", tmp_path / "raw", tmp_path, tiles=True, say=quiet)
        agree(open_clips("folder", tmp_path, "train"), in_tiles(truth))

    @pytest.mark.usefixtures("small_tiles")
    def test_only_training_frames_are_cut(self, tmp_path):
        truth = write_pairs(tmp_path / "raw/validation", ["x"], num_frames=2)
        write_pairs(tmp_path / "raw/train", ["y"])
        prepare("folder", tmp_path / "raw", tmp_path, tiles=True, say=quiet)
        agree(open_clips("folder", tmp_path, "validation"), truth)
        assert len(open_clips("folder", tmp_path, "train").clips) == 15

    def test_truth_alone(self, tmp_path):
        frames = write_clip(tmp_path / "raw/x", num_frames=4, template="{:05d}.jpg")
        folder = prepare("folder", tmp_path / "raw", tmp_path, say=quiet)
        assert folder.parent.name == "gt"
        agree(open_clips("folder", tmp_path, "train"), {"x": {"gt": frames}})

    def test_videos(self, tmp_path):
        frames = pictures(7, width=24, height=16)
        (tmp_path / "raw").mkdir()
        path = tmp_path / "raw/v.mkv"
        write_video(path, frames, codec="ffv1", pix_fmt="bgr0")
        prepare("folder", tmp_path / "raw", tmp_path, say=quiet)
        agree(open_clips("folder", tmp_path, "train"), {"v": {"gt": frames}})

    def test_tfds_reads_it_as_any_data_set(self, tmp_path):
        truth = write_pairs(tmp_path / "raw", ["x"], num_frames=4)
        builder = Folder(data_dir=str(tmp_path / "out"), config="pairs")
        root = str(tmp_path / "raw")
        builder.download_and_prepare(
            download_config=tfds.download.DownloadConfig(manual_dir=root)
        )
        records = tfds.builder_from_directory(builder.data_dir).as_data_source("train")
        assert [record["frame"] for record in records] == [0, 1, 2, 3]
        assert records[2]["clip"] == b"x"
        np.testing.assert_array_equal(records[2]["gt"], truth["x"]["gt"][2])
        assert "tensorflow" not in sys.modules

    def test_builds_are_the_same_to_the_byte_in_any_number_of_processes(self, tmp_path):
        write_pairs(tmp_path / "raw", ["x", "y"], num_frames=4)
        folders = [
            prepare(
                "folder",
                tmp_path / "raw",
                tmp_path / str(processes),
                processes=processes,
                say=quiet,
            )
            for processes in (1, 2)
        ]
        one, two = ({f.name: f.read_bytes() for f in x.iterdir()} for x in folders)
        assert one == two

    def test_threads_and_pickles_read_the_same(self, tmp_path):
        truth = write_pairs(tmp_path / "raw", ["x", "y"], num_frames=7)
        prepare("folder", tmp_path / "raw", tmp_path, say=quiet)
        source = pickle.loads(pickle.dumps(open_clips("folder", tmp_path, "train")))
        with ThreadPoolExecutor(8) as pool:
            windows = list(pool.map(lambda i: source.read(i % 2, 1, 6), range(60)))
        for i, window in enumerate(windows):
            np.testing.assert_array_equal(window["gt"], truth["xy"[i % 2]]["gt"][1:6])


def test_small_clips_share_a_file_and_long_ones_are_split(tmp_path, monkeypatch):
    monkeypatch.setattr(shards, "PIXELS_PER_SHARD", 5 * 16 * 24)
    for name, num_frames in (("a", 2), ("b", 3), ("c", 2), ("d", 11)):
        write_clip(tmp_path / name, num_frames=num_frames)
    planned, table = shards.plan_shards(
        open_clips("folder", tmp_path, "train"), tiled=False
    )
    assert [shard.num_records for shard in planned] == [5, 2, 5, 5, 1]
    assert dict(table)["d"] == [(7, 5), (12, 5), (17, 1)]


class TestOpening:
    @pytest.fixture
    def root(self, tmp_path):
        """Raw files with builds of both kinds beside them."""
        write_pairs(tmp_path / "train", ["x"], height=480, width=724)
        write_pairs(tmp_path / "validation", ["y"])
        for tiled in (False, True):
            prepare("folder", tmp_path, tmp_path / "out", tiles=tiled, say=quiet)
        return tmp_path

    def test_tiles_or_whole_frames(self, root):
        tiled = (
            Clip("x/tile_00_00", 2),
            Clip("x/tile_00_01", 2),
            Clip("x/tile_00_02", 2),
        )
        whole = (Clip("x", 2),)
        for choice, wanted in ((None, tiled), (True, tiled), (False, whole)):
            opened = open_clips("folder", root / "out", "train", tiles=choice)
            assert opened.clips == wanted
        shutil.rmtree(root / "out/folder/pairs")
        with pytest.raises(InputError, match="out.folder: holds no pictures"):
            open_clips("folder", root / "out", "train", tiles=False)

    @pytest.mark.parametrize("tiled", [True, False])
    def test_splits_that_are_never_cut_come_from_either(self, root, tiled):
        shutil.rmtree(
            root / ("out/folder/pairs" if tiled else "out/folder/pairs_tiles")
        )
        for choice in (None, True, False):
            source = open_clips("folder", root / "out", "validation", tiles=choice)
            assert isinstance(source, TfdsClips)
            assert source.clips == (Clip("y", 2),)

    def test_any_folder_above_or_the_build_itself_is_a_root(self, root):
        place = root / "out/folder/pairs/1.0.0"
        for parent in (place, *list(place.parents)[:3]):
            source = open_clips("folder", parent, "train", tiles=False)
            assert isinstance(source, TfdsClips)
        moved = place.rename(root / "elsewhere")
        assert isinstance(open_clips("folder", moved, "train"), TfdsClips)

    def test_the_build_of_another_data_set_is_none(self, root):
        with pytest.raises(InputError, match="train_sharp/001: the clip is missing"):
            open_clips("reds", root / "out/folder/pairs/1.0.0", "train")

    def test_unknown_splits_are_answered_with_the_known(self, root):
        with pytest.raises(InputError, match="has no 'test'. Choose one of train, val"):
            open_clips("folder", root / "out", "test")


def attempt(folder):
    """What is told of reading a clip of four frames, and its frames."""
    try:
        return None, TfdsClips(folder, "train").read(0, 0, 4)
    except InputError as error:
        return str(error), None


class TestDamage:
    @pytest.fixture
    def folder(self, tmp_path):
        write_pairs(tmp_path / "raw", ["x"], num_frames=4)
        return prepare("folder", tmp_path / "raw", tmp_path / "out", say=quiet)

    def test_a_file_that_is_missing_is_named(self, folder):
        (file,) = folder.glob("*.array_record-*")
        file.unlink()
        with pytest.raises(
            InputError, match=r"array_record-00000-of-00001: is missing"
        ):
            TfdsClips(folder, "train")

    def test_no_damage_of_a_record_file_goes_unnoticed(self, folder):
        (file,) = folder.glob("*.array_record-*")
        data, truth = file.read_bytes(), TfdsClips(folder, "train").read(0, 0, 4)
        harmless = 0
        for place in range(0, len(data), len(data) // 97):
            broken = data[:place] + bytes([data[place] ^ 8]) + data[place + 1 :]
            for content in (broken, data[:place]):
                file.write_bytes(content)
                told, window = attempt(folder)
                if told is not None:
                    assert told.startswith(f"{file}: is damaged")
                    continue
                harmless += 1  # a bit of the padding between records
                for key, frames in window.items():
                    np.testing.assert_array_equal(frames, truth[key])
        assert harmless < 97

    def test_where_record_files_cannot_be_read(self, folder, monkeypatch):
        find = importlib.util.find_spec
        without = lambda name: None if name == "array_record" else find(name)
        monkeypatch.setattr(importlib.util, "find_spec", without)
        with pytest.raises(InputError, match="needs array_record, which is not"):
            open_clips("folder", folder, "train")

    def test_a_clip_table_that_is_wrong_is_not_believed(self, folder):
        path = folder / "metadata.json"
        path.write_text(path.read_text().replace("[0, 4]", "[1, 3]"))
        with pytest.raises(
            InputError, match="frame 0 of clip x: another one is in its"
        ):
            TfdsClips(folder, "train").read(0, 0, 2)

    def test_a_damaged_description_is_named(self, folder):
        (folder / "dataset_info.json").write_text("{")
        with pytest.raises(InputError, match=r"dataset_info\.json: is damaged"):
            open_clips("folder", folder, "train")


FULL = """
import resource, signal, sys
from bvsrpp_jax.data.prepare import main
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
sys.exit(main(["--dataset=folder", "--root", sys.argv[1], "--output", sys.argv[2]]))
"""


class TestPrepare:
    def run(self, tmp_path, *options):
        common = ("--dataset", "folder", "--root", str(tmp_path / "raw"))
        return main([*common, "--output", str(tmp_path / "out"), *options])

    def test_it_tells_what_it_found_and_wrote(self, tmp_path, capsys):
        write_pairs(tmp_path / "raw", ["x", "y"], num_frames=3)
        assert self.run(tmp_path) == 0
        out, err = capsys.readouterr()
        assert out.splitlines() == [str(tmp_path / "out/folder/pairs/1.0.0")]
        assert err.splitlines() == [
            "train: found 2 clips, 6 frames, input 4 times smaller",
            "train: 1 of 1 shards written, 0 min left",
            "train: 2 clips, 6 frames, 0.00 GB in 1 files",
        ]
        assert sorted(f.name for f in (tmp_path / "out").iterdir()) == ["folder"]

    @pytest.mark.parametrize("processes", [1, 2])
    def test_a_damaged_picture_is_named_and_nothing_stays(
        self, tmp_path, capsys, processes
    ):
        write_pairs(tmp_path / "raw", ["x"], num_frames=3)
        (tmp_path / "raw/lq/x/00000002.png").write_bytes(b"damaged")
        assert self.run(tmp_path, "--processes", str(processes)) == 2
        last = capsys.readouterr().err.splitlines()[-1]
        assert last.startswith("prepare: error: ")
        assert "lq/x/00000002.png: is not a picture" in last
        assert not list((tmp_path / "out").rglob("*record*"))

    def test_a_missing_frame_is_named_before_anything_is_written(
        self, tmp_path, capsys
    ):
        write_pairs(tmp_path / "raw", ["x"], num_frames=4)
        (tmp_path / "raw/gt/x/00000002.png").unlink()
        assert self.run(tmp_path) == 2
        assert "x/00000002.png: the frame is missing" in capsys.readouterr().err
        assert not (tmp_path / "out").exists()

    def test_what_is_built_is_kept(self, tmp_path, capsys):
        write_pairs(tmp_path / "raw", ["x"])
        assert self.run(tmp_path) == 0
        before = {f: f.read_bytes() for f in tmp_path.rglob("out/**/*") if f.is_file()}
        assert self.run(tmp_path) == 2
        assert "pairs/1.0.0: is built already" in capsys.readouterr().err
        after = {f: f.read_bytes() for f in tmp_path.rglob("out/**/*") if f.is_file()}
        assert before == after

    def test_what_a_killed_build_left_is_named(self, tmp_path, capsys):
        write_pairs(tmp_path / "raw", ["x"])
        leftover = tmp_path / "out/folder/pairs/incomplete.ABCDEF_1.0.0"
        leftover.mkdir(parents=True)
        assert self.run(tmp_path) == 2
        told = capsys.readouterr().err
        assert f"{leftover}: a build was killed, or is running." in told

    def test_clips_of_several_scales(self, tmp_path, capsys):
        write_pairs(tmp_path / "raw", ["x", "y"])
        write_clip(tmp_path / "raw/lq/y", clip=1)
        assert self.run(tmp_path) == 2
        told = capsys.readouterr().err
        assert (
            "y: its ground truth is 1 times larger than its input, that of x 4" in told
        )

    @pytest.mark.parametrize(
        ("options", "told"),
        [
            (["--dataset", "rads"], "dataset: 'rads' is not known"),
            (["--root", "nowhere"], "nowhere: is no folder"),
            (["--processes", "0"], "processes: 0 write nothing. Give 1 or more."),
        ],
    )
    def test_bad_options(self, tmp_path, capsys, options, told):
        write_pairs(tmp_path / "raw", ["x"])
        assert self.run(tmp_path, *options) == 2
        assert f"prepare: error: {told}" in capsys.readouterr().err

    def test_where_record_files_cannot_be_written(self, tmp_path, capsys, monkeypatch):
        write_pairs(tmp_path / "raw", ["x"])
        find = importlib.util.find_spec
        without = lambda name: None if name == "array_record" else find(name)
        monkeypatch.setattr(prepare_module.importlib.util, "find_spec", without)
        assert self.run(tmp_path) == 2
        told = capsys.readouterr().err
        assert "array_record: is not installed here. Train from the folder" in told

    def test_an_output_that_is_a_file(self, tmp_path, capsys):
        write_pairs(tmp_path / "raw", ["x"])
        (tmp_path / "out").touch()
        assert self.run(tmp_path) == 2
        assert "out: cannot be written" in capsys.readouterr().err

    def test_a_disk_that_is_full(self, tmp_path):
        """A limit on the size of files stands for it: it, too, is seen by write()."""
        write_pairs(tmp_path / "raw", ["x"], num_frames=4, height=160, width=240)
        command = [
            sys.executable,
            "-c",
            FULL,
            str(tmp_path / "raw"),
            str(tmp_path / "out"),
        ]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 2
        last = done.stderr.splitlines()[-1]
        assert last.startswith("prepare: error: ")
        assert "cannot be written (write() failed: File too large" in last
        assert not list((tmp_path / "out").rglob("*record*"))

    def test_ctrl_c_leaves_nothing(self, tmp_path, capsys, monkeypatch):
        write_pairs(tmp_path / "raw", ["x"], num_frames=3)

        def interrupted(path, shard):
            Path(path).touch()
            raise KeyboardInterrupt

        monkeypatch.setattr(frames_builder, "write_shard", interrupted)
        assert self.run(tmp_path) == 130
        assert "prepare: stopped" in capsys.readouterr().err
        assert not list((tmp_path / "out").rglob("*record*"))

    def test_beam_that_is_not_installed(self, tmp_path, capsys, monkeypatch):
        write_pairs(tmp_path / "raw", ["x"])
        find = importlib.util.find_spec
        without = lambda name: None if name == "apache_beam" else find(name)
        monkeypatch.setattr(prepare_module.importlib.util, "find_spec", without)
        assert self.run(tmp_path, "--beam", "runner=DirectRunner") == 2
        assert "apache_beam: is not installed here. Run pip" in capsys.readouterr().err


@needs_beam
@pytest.mark.usefixtures("small_shards", "small_tiles")
class TestBeam:
    @pytest.mark.parametrize(
        "beam",
        [
            "",
            "runner=DirectRunner,direct_num_workers=2"
            ",direct_running_mode=multi_processing",
        ],
    )
    def test_beam_builds_the_same_bytes(self, tmp_path, beam):
        write_pairs(tmp_path / "raw/train", ["x", "y"], num_frames=5)
        write_pairs(tmp_path / "raw/validation", ["z"], num_frames=3)
        folders = [
            prepare(
                "folder",
                tmp_path / "raw",
                tmp_path / name,
                tiles=True,
                say=quiet,
                **options,
            )
            for name, options in (("plain", {}), ("beam", {"beam": beam}))
        ]
        plain, beamed = ({f.name: f.read_bytes() for f in x.iterdir()} for x in folders)
        assert plain == beamed

    def test_a_damaged_picture_is_named(self, tmp_path):
        write_pairs(tmp_path / "raw", ["x"], num_frames=5)
        (tmp_path / "raw/gt/x/00000004.png").write_bytes(png(picture((1,)))[:-9])
        with pytest.raises(
            InputError, match=r"00000004\.png: is damaged.* shards have"
        ):
            prepare("folder", tmp_path / "raw", tmp_path / "out", beam="", say=quiet)
        assert not list((tmp_path / "out").rglob("*record*"))


def test_every_data_set_has_a_builder_of_its_name():
    assert BUILDERS.keys() == LAYOUTS.keys()
    assert all(builder.name == name for name, builder in BUILDERS.items())


def test_the_module_is_a_command():
    command = [sys.executable, "-m", "bvsrpp_jax.data.prepare", "--help"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "--dataset" in done.stdout


def test_the_clip_table_lies_beside_the_records(tmp_path):
    write_clip(tmp_path / "raw/x", num_frames=3)
    folder = prepare("folder", tmp_path / "raw", tmp_path, say=quiet)
    table = json.loads((Path(folder) / "metadata.json").read_text())
    assert table == {"clips": {"train": [["x", [[0, 3]]]]}}
