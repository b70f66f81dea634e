"""Clips to train on: from picture files, from video files, from built TFDS data.

A source knows its clips and reads any window of one. All sources may be read from many
threads at once and pickled into other processes; what they raise names the file.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np

from bvsrpp_jax.data.frame_files import ClipFiles, VideoFiles
from bvsrpp_jax.data.layouts import check_dataset, clips_of
from bvsrpp_jax.data.pictures import picture_size, read_picture
from bvsrpp_jax.errors import InputError

SCALES = (1, 2, 3, 4, 8)  # of networks; the sides of tiles divide by all of them
VERSION = "1.0.0"  # of what builders write


class Clip(NamedTuple):
    """One clip of a source.

    Attributes:
      name: e.g. "013", "00001/0001" or, a tile, "013/tile_02_01".
      num_frames: its length.
    """

    name: str
    num_frames: int


class ClipSource(Protocol):
    """Where clips come from."""

    clips: Sequence[Clip]

    def read(self, clip: int, start: int, stop: int) -> dict[str, np.ndarray]:
        """Reads frames start to stop - 1 of a clip.

        Returns:
          {"gt": [t, h, w, 3] uint8}, and {"lq": [t, h/s, w/s, 3] uint8} if degraded
          frames are stored; s is one of `SCALES`.

        Raises:
          InputError: a file is damaged, missing, or not like the others.
          IndexError: the clip has no such frames.
        """


class StoredClips(ClipSource, Protocol):
    """A source of files, as builders need it."""

    def size(self, clip: int) -> tuple[tuple[int, int], int | None]:
        """Height and width of the ground truth; how often larger than the input.

        Returns:
          (h, w), and one of `SCALES`, or None without stored input.
        """

    def only(self, clip: int) -> "StoredClips":
        """A source of one of the clips."""


class PictureClips:
    """Clips that are stored as picture files, read as they lie there.

    Args:
      files: the clips.

    Attributes:
      clips: their names and lengths.
    """

    def __init__(self, files: Sequence[ClipFiles]):
        self._files = tuple(files)
        self.clips = tuple(Clip(f.name, len(f.gt)) for f in self._files)
        _, self._scale = self.size(0)

    def read_input(self, clip: int, start: int, stop: int) -> np.ndarray | None:
        """The "lq" of `read` alone; None without stored input."""
        check_window(self.clips[clip], start, stop)
        files = self._files[clip].lq
        return None if files is None else _read_window(files, start, stop)

    def read(self, clip: int, start: int, stop: int) -> dict[str, np.ndarray]:
        """See `ClipSource.read`."""
        check_window(self.clips[clip], start, stop)
        files = self._files[clip]
        window = {"gt": _read_window(files.gt, start, stop)}
        if files.lq is not None:
            window["lq"] = _read_window(files.lq, start, stop)
            sizes = window["gt"].shape[1:3], window["lq"].shape[1:3]
            check_scale(self._scale, *sizes, name=files.lq[start])
        return window

    def size(self, clip: int) -> tuple[tuple[int, int], int | None]:
        """See `StoredClips.size`; from the header of the first picture."""
        files = self._files[clip]
        size = picture_size(files.gt[0])
        if files.lq is None:
            return size, None
        return size, scale_between(size, picture_size(files.lq[0]), name=files.lq[0])

    def only(self, clip: int) -> "PictureClips":
        """A source of one of the clips."""
        return PictureClips(self._files[clip : clip + 1])


def source_of(files: Sequence[ClipFiles] | Sequence[VideoFiles]) -> StoredClips:
    """Reads clips as they are stored, pictures or videos."""
    if isinstance(files[0], VideoFiles):
        from bvsrpp_jax.data.videos import VideoClips, index_videos

        return VideoClips(index_videos(files))
    return PictureClips(files)


def open_clips(
    dataset: str, root: Path, split: str, *, tiles: bool | None = None
) -> ClipSource:
    """Opens a data set: built by `prepare` if it is under the root, else its files.

    Args:
      dataset: one of `layouts.LAYOUTS`.
      root: the output of `prepare`, a folder inside it, or the data set's own folder.
      split: "train", "validation" or "test".
      tiles: True takes only data that was built with tiles, False only whole frames,
        None the former if it is there. Tiles are of the training split; the others
        hold whole frames in any case.

    Raises:
      InputError: there is no such data set, split or build, or it is incomplete.
    """
    check_dataset(dataset)
    root = Path(root).expanduser()
    tiles = tiles if split == "train" else None
    if built := _find_built(dataset, root, tiles):
        from bvsrpp_jax.data.tfds_clips import TfdsClips

        return TfdsClips(built, split)
    if tiles:
        raise InputError(
            f"{root}: no tiles of {dataset} are built there. Run python -m"
            f" bvsrpp_jax.data.prepare --dataset {dataset} --tiles first."
        )
    return source_of(clips_of(dataset, root, split))


def _find_built(dataset: str, root: Path, tiles: bool | None) -> Path | None:
    """The folder of a build: `<dataset>/<config>/<version>`, or a tail of that."""
    configs = {True: ("pairs_tiles", "gt_tiles"), False: ("pairs", "gt")}
    for tiled in (True, False) if tiles is None else (tiles,):
        for config in configs[tiled]:
            tail = (dataset, config, VERSION)
            for place in (root.joinpath(*tail[skip:]) for skip in range(4)):
                info = place / "dataset_info.json"
                if info.is_file() and _names(info) == (dataset, config):
                    return place
    return None


def _names(info: Path) -> tuple:
    """Data set and configuration of a build."""
    try:
        content = json.loads(info.read_text(encoding="utf-8"))
        return content["name"], content["configName"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{info}: is damaged ({error}). Build it again.") from error


def check_window(clip: Clip, start: int, stop: int) -> None:
    """Refuses frames that a clip does not have."""
    if not 0 <= start < stop <= clip.num_frames:
        raise IndexError(
            f"clip {clip.name} has {clip.num_frames} frames; asked for {start}:{stop}"
        )


def scale_between(gt: tuple, lq: tuple, *, name: str | Path) -> int:
    """How often larger the ground truth is than the input, given (h, w) of both."""
    for scale in SCALES:
        if (lq[0] * scale, lq[1] * scale) == tuple(gt):
            return scale
    raise InputError(
        f"{name}: is {lq[1]}x{lq[0]}, its ground truth {gt[1]}x{gt[0]}. It must be as"
        " large as that, or 2, 3, 4 or 8 times smaller in both directions."
    )


def check_scale(scale: int, gt: tuple, lq: tuple, *, name: str | Path) -> None:
    """Refuses an input that is not as much smaller as that of the first clip."""
    if (found := scale_between(gt, lq, name=name)) != scale:
        raise InputError(
            f"{name}: the ground truth is {found} times larger, in the first clip"
            f" {scale} times. A data set has one scale."
        )


def _read_window(files: tuple[Path, ...], start: int, stop: int) -> np.ndarray:
    expected = picture_size(files[0])
    frames = []
    for file in files[start:stop]:
        frame = read_picture(file)
        if frame.shape[:2] != expected:
            height, width = frame.shape[:2]
            raise InputError(
                f"{file}: is {width}x{height}, the clip's first frame"
                f" {expected[1]}x{expected[0]}. Sort the folder."
            )
        frames.append(frame)
    return np.stack(frames)
