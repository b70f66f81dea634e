"""Data sets are found where their authors put them; what they lack is named."""

import shutil

import pytest
from clip_trees import write_clip, write_pairs

from bvsrpp_jax.data import partitions
from bvsrpp_jax.data.frame_files import ClipFiles, VideoFiles, list_frames
from bvsrpp_jax.data.layouts import LAYOUTS, clips_of, splits_of
from bvsrpp_jax.errors import InputError

SHORT = {"a": 2, "b": 3}  # stands for a partition of named clips


@pytest.fixture
def short_partitions(monkeypatch):
    """Official partitions of a handful of tiny clips."""
    monkeypatch.setattr(partitions, "REDS_FRAMES", 2)
    monkeypatch.setattr(partitions, "REDS_TRAIN", ("001", "239", "240", "269"))
    monkeypatch.setattr(partitions, "REDS4", ("000", "011"))
    monkeypatch.setattr(partitions, "VIMEO90K_FRAMES", 2)
    monkeypatch.setattr(partitions, "VIMEO90K_CLIPS", {"train": 2, "test": 1})
    monkeypatch.setattr(partitions, "VID4", SHORT)
    monkeypatch.setattr(partitions, "UDM10_CLIPS", 2)
    monkeypatch.setattr(partitions, "UDM10_FRAMES", 2)
    monkeypatch.setattr(partitions, "SET8_CLIPS", 2)
    monkeypatch.setattr(partitions, "DVD", {"train": SHORT, "test": {"c": 2}})
    monkeypatch.setattr(partitions, "GOPRO", {"train": SHORT, "test": {"c": 2}})


def shape(clips):
    """What a test states of a listing: name, frames, inputs of each clip."""
    return [(c.name, len(c.gt), None if c.lq is None else len(c.lq)) for c in clips]


def test_official_partitions_have_the_published_sizes():
    assert len(partitions.REDS_TRAIN) == 266
    assert not set(partitions.REDS_TRAIN) & {"000", "011", "015", "020"}
    sums = [
        (len(part), sum(part.values()))
        for data in (partitions.DVD, partitions.GOPRO)
        for part in (data["train"], data["test"])
    ]
    assert sums == [(61, 5708), (10, 1000), (22, 2103), (11, 1111)]
    for data in (partitions.DVD, partitions.GOPRO):
        assert not data["train"].keys() & data["test"].keys()
    assert sum(partitions.VID4.values()) == 41 + 34 + 49 + 47


@pytest.mark.usefixtures("short_partitions")
class TestReds:
    @staticmethod
    def regrouped(root, names=("000", "001", "011", "239", "240", "269")):
        for name in names:
            write_clip(root / "train_sharp" / name)
            write_clip(root / "train_sharp_bicubic" / "X4" / name, scale=4)

    def test_regrouped_folders(self, tmp_path):
        self.regrouped(tmp_path)
        train = clips_of("reds", tmp_path, "train")
        names = ("001", "239", "240", "269")
        assert shape(train) == [(name, 2, 2) for name in names]
        assert train[0].gt[1] == tmp_path / "train_sharp/001/00000001.png"
        assert train[0].lq[1] == tmp_path / "train_sharp_bicubic/X4/001/00000001.png"
        assert shape(clips_of("reds", tmp_path, "test")) == [
            ("000", 2, 2),
            ("011", 2, 2),
        ]

    @pytest.mark.parametrize(("train", "val"), [("", ""), ("train/", "val/")])
    def test_original_folders(self, tmp_path, train, val):
        for name in ("001", "239"):
            write_clip(tmp_path / f"{train}train_sharp" / name)
        for name in ("000", "029"):
            write_clip(tmp_path / f"{val}val_sharp" / name)
        clips = clips_of("reds", tmp_path, "train")
        assert [c.name for c in clips] == ["001", "239", "240", "269"]
        assert clips[-1].gt[0].parent == tmp_path / f"{val}val_sharp/029"
        assert clips[0].lq is None

    def test_validation_is_reds4(self, tmp_path):
        self.regrouped(tmp_path)
        parts = [clips_of("reds", tmp_path, split) for split in ("validation", "test")]
        assert parts[0] == parts[1]

    def test_a_missing_clip_is_named(self, tmp_path):
        self.regrouped(tmp_path)
        shutil.rmtree(tmp_path / "train_sharp/240")
        with pytest.raises(InputError, match=r"train_sharp/240: .*1 of 4"):
            clips_of("reds", tmp_path, "train")

    def test_a_missing_input_clip_is_named(self, tmp_path):
        self.regrouped(tmp_path)
        shutil.rmtree(tmp_path / "train_sharp_bicubic/X4/001")
        with pytest.raises(InputError, match=r"X4/001: the clip is missing"):
            clips_of("reds", tmp_path, "train")

    def test_a_missing_frame_is_named(self, tmp_path):
        self.regrouped(tmp_path)
        write_clip(tmp_path / "train_sharp/239", num_frames=5)
        (tmp_path / "train_sharp/239/00000002.png").unlink()
        with pytest.raises(
            InputError, match=r"239/00000002\.png: the frame is missing"
        ):
            clips_of("reds", tmp_path, "train")

    def test_a_missing_last_frame_is_counted(self, tmp_path):
        self.regrouped(tmp_path)
        (tmp_path / "train_sharp/239/00000001.png").unlink()
        with pytest.raises(InputError, match=r"train_sharp/239: has 1 frames, .* 2\."):
            clips_of("reds", tmp_path, "train")

    def test_an_input_frame_without_truth_is_named(self, tmp_path):
        self.regrouped(tmp_path)
        write_clip(tmp_path / "train_sharp_bicubic/X4/239", num_frames=3, scale=4)
        with pytest.raises(InputError, match=r"239/00000002\.png: has no counterpart"):
            clips_of("reds", tmp_path, "train")

    def test_frames_that_do_not_pair_are_named(self, tmp_path):
        self.regrouped(tmp_path)
        lq = tmp_path / "train_sharp_bicubic/X4/239"
        (lq / "00000001.png").rename(lq / "00000002.png")
        with pytest.raises(
            InputError, match=r"train_sharp/239/00000001\.png: has no counterpart"
        ):
            clips_of("reds", tmp_path, "train")


@pytest.mark.usefixtures("short_partitions")
class TestVimeo:
    @pytest.fixture
    def root(self, tmp_path):
        for name in ("00001/0001", "00001/0002", "00002/0001"):
            write_clip(tmp_path / "sequences" / name, first=1, template="im{}.png")
        (tmp_path / "sep_trainlist.txt").write_text("00001/0001\n00002/0001\n\n")
        (tmp_path / "sep_testlist.txt").write_text("00001/0002\n")
        return tmp_path

    def test_as_published(self, root):
        clips = clips_of("vimeo90k", root, "train")
        assert shape(clips) == [("00001/0001", 2, None), ("00002/0001", 2, None)]
        assert clips[0].gt[0] == root / "sequences/00001/0001/im1.png"
        assert shape(clips_of("vimeo90k", root, "test")) == [("00001/0002", 2, None)]

    def test_as_mmagic_rearranges_it(self, root):
        (root / "sequences").rename(root / "GT")
        lists = "00001/0001 7 (256, 448, 3)\n00002/0001 7 (256, 448, 3)\n"
        (root / "meta_info_Vimeo90K_train_GT.txt").write_text(lists)
        for kind in ("BIx4", "BDx4"):
            shutil.copytree(root / "GT", root / kind)
        assert clips_of("vimeo90k", root, "train")[0].lq is None
        bi, bd = (clips_of(f"vimeo90k_{k}", root, "train") for k in ("bi", "bd"))
        assert bi[0].lq[0] == root / "BIx4/00001/0001/im1.png"
        assert bd[0].lq[0] == root / "BDx4/00001/0001/im1.png"
        assert bi[0].gt == bd[0].gt

    @pytest.mark.parametrize(
        ("text", "told"),
        [
            ("00001/0001\n", "lists 1 clips, the official list 2"),
            ("00001/0001\n" * 2, "lists 1 clips"),
            ("00001/0001\n../../etc\n", r"'\.\./\.\./etc' is no clip"),
            ("", "lists 0 clips"),
        ],
    )
    def test_a_list_that_is_not_the_official_one(self, root, text, told):
        (root / "sep_trainlist.txt").write_text(text)
        with pytest.raises(InputError, match=rf"sep_trainlist\.txt: .*{told}"):
            clips_of("vimeo90k", root, "train")

    def test_stored_input_that_is_missing_is_named(self, root):
        with pytest.raises(InputError, match="BIx4/00001/0001: the clip is missing"):
            clips_of("vimeo90k_bi", root, "train")

    def test_no_list(self, root):
        (root / "sep_trainlist.txt").unlink()
        with pytest.raises(InputError, match=r"sep_trainlist\.txt: is missing"):
            clips_of("vimeo90k", root, "train")

    def test_a_missing_clip_is_named(self, root):
        shutil.rmtree(root / "sequences/00002")
        with pytest.raises(InputError, match="00002/0001: the clip is missing"):
            clips_of("vimeo90k", root, "train")


@pytest.mark.usefixtures("short_partitions")
class TestOthers:
    @pytest.mark.parametrize("kind", ["BI", "BD"])
    def test_vid4(self, tmp_path, kind):
        for name, num_frames in SHORT.items():
            write_clip(tmp_path / "GT" / name, num_frames=num_frames)
            write_clip(tmp_path / f"{kind}x4" / name, num_frames=num_frames, scale=4)
        dataset = f"vid4_{kind.lower()}"
        assert shape(clips_of(dataset, tmp_path, "test")) == [("a", 2, 2), ("b", 3, 3)]
        truth = clips_of("vid4", tmp_path, "validation")
        assert shape(truth) == [("a", 2, None), ("b", 3, None)]
        other = {"vid4_bi": "vid4_bd", "vid4_bd": "vid4_bi"}[dataset]
        with pytest.raises(InputError, match="x4/a: the clip is missing"):
            clips_of(other, tmp_path, "test")

    def test_vid4_counts_frames(self, tmp_path):
        for name in SHORT:
            write_clip(tmp_path / "GT" / name, num_frames=2)
        with pytest.raises(InputError, match=r"GT/b: has 2 frames, .* 3\."):
            clips_of("vid4", tmp_path, "test")

    def test_udm10(self, tmp_path):
        for name in ("archpeople", "lake"):
            write_clip(tmp_path / "GT" / name, template="{:04d}.png")
            write_clip(tmp_path / "BDx4" / name, template="{:04d}.png", scale=4)
        clips = clips_of("udm10", tmp_path, "test")
        assert shape(clips) == [("archpeople", 2, 2), ("lake", 2, 2)]
        shutil.rmtree(tmp_path / "GT/lake")
        with pytest.raises(InputError, match="GT: has 1 folders of clips, not 2"):
            clips_of("udm10", tmp_path, "test")

    @pytest.mark.parametrize("place", ["{kind}/{name}", "{name}/{own}"])
    def test_dvd(self, tmp_path, place):
        for name, num_frames in (SHORT | {"c": 2}).items():
            for kind, own in (("GT", "GT"), ("LQ", "input")):
                folder = place.format(kind=kind, own=own, name=name)
                write_clip(
                    tmp_path / "quantitative_datasets" / folder,
                    num_frames=num_frames,
                    template="{:05d}.jpg",
                )
        assert shape(clips_of("dvd", tmp_path, "train")) == [("a", 2, 2), ("b", 3, 3)]
        assert shape(clips_of("dvd", tmp_path, "test")) == [("c", 2, 2)]

    @pytest.mark.parametrize("place", ["{kind}/{name}", "{name}/{own}"])
    def test_gopro(self, tmp_path, place):
        for split, names in partitions.GOPRO.items():
            for name, num_frames in names.items():
                for kind, own in (("GT", "sharp"), ("blur", "blur")):
                    folder = place.format(kind=kind, own=own, name=name)
                    write_clip(
                        tmp_path / split / folder, num_frames=num_frames, first=47
                    )
        assert shape(clips_of("gopro", tmp_path, "train")) == [("a", 2, 2), ("b", 3, 3)]
        assert shape(clips_of("gopro", tmp_path, "test")) == [("c", 2, 2)]

    def test_deblurring_needs_its_input(self, tmp_path):
        write_clip(tmp_path / "test/GT/c")
        with pytest.raises(InputError, match="test/blur/c: the clip is missing"):
            clips_of("gopro", tmp_path, "test")

    def test_davis(self, tmp_path):
        for name in ("bear", "boat"):
            folder = tmp_path / "JPEGImages/480p" / name
            write_clip(folder, num_frames=3, template="{:05d}.jpg")
        clips = clips_of("davis", tmp_path, "train")
        assert shape(clips) == [("bear", 3, None), ("boat", 3, None)]

    def test_set8(self, tmp_path):
        for name in ("x", "y"):
            write_clip(tmp_path / name)
        assert shape(clips_of("set8", tmp_path, "validation")) == [
            ("x", 2, None),
            ("y", 2, None),
        ]
        write_clip(tmp_path / "z")
        with pytest.raises(InputError, match="has 3 folders of clips, not 2"):
            clips_of("set8", tmp_path, "test")


class TestFolder:
    def test_clips_side_by_side_and_in_groups(self, tmp_path):
        write_clip(tmp_path / "b", num_frames=3)
        write_clip(tmp_path / "group" / "a", template="{:04d}.jpg")
        (tmp_path / "readme.txt").write_text("no clip")
        (tmp_path / ".cache").mkdir()
        clips = clips_of("folder", tmp_path, "train")
        assert shape(clips) == [("b", 3, None), ("group/a", 2, None)]

    def test_pictures_in_the_folder_itself_are_one_clip(self, tmp_path):
        write_clip(tmp_path / "mine", num_frames=3)
        clips = clips_of("folder", tmp_path / "mine", "train")
        assert shape(clips) == [("mine", 3, None)]

    def test_pairs(self, tmp_path):
        write_pairs(tmp_path, ["x", "y"])
        assert shape(clips_of("folder", tmp_path, "train")) == [
            ("x", 2, 2),
            ("y", 2, 2),
        ]

    def test_one_clip_of_pairs(self, tmp_path):
        write_clip(tmp_path / "mine/gt")
        write_clip(tmp_path / "mine/lq", scale=4)
        assert shape(clips_of("folder", tmp_path / "mine", "train")) == [("mine", 2, 2)]

    def test_videos(self, tmp_path):
        for name in ("gt/a.mp4", "gt/b.mkv", "lq/a.mp4", "lq/b.mp4"):
            (tmp_path / name).parent.mkdir(exist_ok=True)
            (tmp_path / name).touch()
        clips = clips_of("folder", tmp_path, "train")
        assert clips[1] == VideoFiles("b", tmp_path / "gt/b.mkv", tmp_path / "lq/b.mp4")

    def test_splits(self, tmp_path):
        assert splits_of("folder", tmp_path) == ("train",)
        write_clip(tmp_path / "train/a")
        write_clip(tmp_path / "validation/b")
        assert splits_of("folder", tmp_path) == ("train", "validation")
        assert shape(clips_of("folder", tmp_path, "validation")) == [("b", 2, None)]
        with pytest.raises(
            InputError, match="test: is missing beside the other splits"
        ):
            clips_of("folder", tmp_path, "test")

    @pytest.mark.parametrize("here", ["lq", "gt"])
    def test_a_clip_without_counterpart_is_named(self, tmp_path, here):
        write_pairs(tmp_path, ["x", "y"])
        shutil.rmtree(tmp_path / here / "y")
        with pytest.raises(InputError, match=f"{here}/y: is missing"):
            clips_of("folder", tmp_path, "train")

    def test_input_without_truth(self, tmp_path):
        write_clip(tmp_path / "lq/x")
        with pytest.raises(InputError, match="gt: is missing beside lq"):
            clips_of("folder", tmp_path, "train")

    def test_no_clips(self, tmp_path):
        with pytest.raises(InputError, match="holds no clips"):
            clips_of("folder", tmp_path, "train")

    def test_an_empty_clip_is_named(self, tmp_path):
        write_clip(tmp_path / "a")
        (tmp_path / "b").mkdir()
        with pytest.raises(InputError, match="b: holds no pictures or videos"):
            clips_of("folder", tmp_path, "train")

    def test_pictures_beside_clips(self, tmp_path):
        write_clip(tmp_path / "a")
        write_clip(tmp_path, template="cover{}.png")
        with pytest.raises(InputError, match="has pictures beside the folders"):
            clips_of("folder", tmp_path, "train")

    def test_videos_beside_folders_of_pictures(self, tmp_path):
        write_clip(tmp_path / "a")
        (tmp_path / "b.mp4").touch()
        with pytest.raises(InputError, match="mixes video files and folders"):
            clips_of("folder", tmp_path, "train")

    def test_two_clips_of_one_name(self, tmp_path):
        (tmp_path / "a.mp4").touch()
        (tmp_path / "a.mkv").touch()
        with pytest.raises(InputError, match="another clip is named a"):
            clips_of("folder", tmp_path, "train")


class TestFrames:
    @staticmethod
    def listed(folder, names, **options):
        folder.mkdir()
        for name in names:
            (folder / name).touch()
        return [file.name for file in list_frames(folder, **options)]

    def test_numbers_decide_not_letters(self, tmp_path):
        names = ["im10.png", "im9.png", "im8.jpg"]
        assert self.listed(tmp_path / "a", names) == ["im8.jpg", "im9.png", "im10.png"]

    def test_names_decide_where_there_are_no_numbers(self, tmp_path):
        assert self.listed(tmp_path / "a", ["b.png", "a.png"]) == ["a.png", "b.png"]

    def test_a_clip_that_was_thinned_out_has_no_gaps(self, tmp_path):
        names = [f"{number:03d}.png" for number in range(5, 60, 5)]
        assert self.listed(tmp_path / "a", names) == names

    @pytest.mark.parametrize(
        ("names", "told"),
        [
            (["1.png", "2.png", "4.png"], r"a/3\.png: the frame is missing"),
            (["08.png", "09.png", "13.png"], r"a/10\.png: the frame is missing"),
            (
                ["0.png", "5.png", "10.png", "20.png"],
                r"a/15\.png: the frame is missing",
            ),
            (["1.png", "1.jpg"], "has the same number"),
            (["1.png", "01.png"], "has the same number"),
            (["1.png", "cover.png"], r"cover\.png: is not numbered like 1\.png"),
            (["a1.png", "b2.png"], r"b2\.png: is not numbered like a1\.png"),
            ([], "has no pictures"),
        ],
    )
    def test_what_does_not_belong_is_named(self, tmp_path, names, told):
        with pytest.raises(InputError, match=told):
            self.listed(tmp_path / "a", names)


def test_unknown_data_sets_and_splits_are_answered_with_the_known(tmp_path):
    with pytest.raises(InputError, match="'nosuch' is not known. Choose one of reds, "):
        clips_of("nosuch", tmp_path, "train")
    with pytest.raises(InputError, match="vid4_bi has no 'train'. Choose one of test"):
        clips_of("vid4_bi", tmp_path, "train")
    with pytest.raises(InputError, match="nowhere: is no folder"):
        clips_of("reds", tmp_path / "nowhere", "train")


@pytest.mark.parametrize("dataset", LAYOUTS)
def test_messages_are_one_line_with_what_to_do(tmp_path, dataset):
    for split in LAYOUTS[dataset][1]:
        with pytest.raises(InputError) as caught:
            clips_of(dataset, tmp_path, split)
        text = str(caught.value)
        assert text.startswith(str(tmp_path))
        assert "\n" not in text
        assert text.endswith(".")


def test_a_listing_holds_clip_files(tmp_path):
    write_clip(tmp_path / "a")
    assert isinstance(clips_of("folder", tmp_path, "train")[0], ClipFiles)
