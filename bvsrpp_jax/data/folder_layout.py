"""Any folder as a data set: a clip is a folder of pictures or a video file.

- `root/<clip>/*.png`, `root/<group>/<clip>/*.png` or `root/<clip>.mp4`: clips;
- `root/*.png`: the folder is one clip;
- `root/gt/...` and `root/lq/...` with the same clips: stored input;
- `root/train`, `root/validation`, `root/test`, each as above: splits.
"""

from pathlib import Path

from bvsrpp_jax.data.frame_files import (
    ClipFiles,
    VideoFiles,
    check_pairs,
    list_frames,
)
from bvsrpp_jax.errors import InputError
from bvsrpp_jax.media.pictures import PICTURES

VIDEOS = {".mp4", ".mkv", ".mov", ".m4v", ".webm", ".avi", ".mpg", ".mpeg", ".ts"}
SPLITS = ("train", "validation", "test")


def folder(root: Path, split: str) -> list[ClipFiles] | list[VideoFiles]:
    """Lists the clips of a folder.

    Args:
      root: the folder. Its subfolders train, validation and test are splits if there is
        one of these names; else the folder as a whole is the split that is asked for.
      split: one of the three.

    Raises:
      InputError: there are no clips, an input has no ground truth, or pictures and
        videos are mixed.
    """
    if _has_splits(root):
        root = root / split
        if not root.is_dir():
            raise InputError(
                f"{root}: is missing beside the other splits. Add it, or name the"
                " folder of one split as the root."
            )
    if (root / "lq").is_dir() and not (root / "gt").is_dir():
        raise InputError(
            f"{root / 'gt'}: is missing beside lq. Put the ground truth there."
        )
    if (root / "gt").is_dir():
        lq = root / "lq" if (root / "lq").is_dir() else None
        return pairs(root / "gt", lq)
    return pairs(root, None)


def pairs(gt: Path, lq: Path | None) -> list[ClipFiles] | list[VideoFiles]:
    """Lists the clips of two folders, or of two video files.

    Args:
      gt: ground truth: folders of pictures, video files, or one of these alone.
      lq: the input, with the same names unless it is one clip; None if not stored.

    Raises:
      InputError: there are no clips, one has no counterpart, or pictures and videos are
        mixed.
    """
    truths, inputs = _clips_at(gt), lq and _clips_at(lq)
    if inputs and len(truths) == len(inputs) == 1:
        inputs = dict(zip(truths, inputs.values(), strict=True))
    if inputs:
        _check_same_clips(gt, truths, lq, inputs)
    clips = [
        _clip(name, entry, inputs and inputs[name]) for name, entry in truths.items()
    ]
    if len({type(clip) for clip in clips}) > 1:
        raise InputError(
            f"{gt}: mixes video files and folders of pictures. Put them into folders of"
            " their own."
        )
    return clips


def splits_in(root: Path) -> tuple[str, ...]:
    """The splits that there are; a folder without is one to train on."""
    return tuple(s for s in SPLITS if (root / s).is_dir()) or ("train",)


def _has_splits(root: Path) -> bool:
    return any((root / name).is_dir() for name in SPLITS)


def _clips_at(place: Path) -> dict[str, Path]:
    """The clips of a folder, or the video file."""
    if not place.exists():
        raise InputError(f"{place}: no such file or folder. Name another.")
    return {_name(place): place} if place.is_file() else _clips_in(place)


def _clips_in(parent: Path) -> dict[str, Path]:
    """Name of each clip -> its folder or video file."""
    found = {}
    for entry in _entries(parent):
        if _is_clip(entry):
            inner = {_name(entry): entry}
        elif entry.is_dir():
            inner = _inner_clips(entry)
        else:
            continue
        if taken := found.keys() & inner.keys():
            raise InputError(
                f"{entry}: another clip is named {min(taken)}, too. Rename one."
            )
        found |= inner
    if _has_pictures(parent):
        if found:
            raise InputError(
                f"{parent}: has pictures beside the folders or videos of clips. Move"
                " one or the other away."
            )
        named = parent.parent if parent.name in ("gt", "lq") else parent
        found = {named.resolve().name: parent}
    if not found:
        raise InputError(
            f"{parent}: holds no clips. Put a folder of pictures or a video file there"
            " for each."
        )
    return found


def _inner_clips(group: Path) -> dict[str, Path]:
    inner = {f"{group.name}/{_name(e)}": e for e in _entries(group) if _is_clip(e)}
    if not inner:
        raise InputError(f"{group}: holds no pictures or videos. Fill or remove it.")
    return inner


def _clip(name: str, truth: Path, degraded: Path | None) -> ClipFiles | VideoFiles:
    if truth.is_file():
        return VideoFiles(name, truth, degraded)
    gt = list_frames(truth)
    if degraded is None:
        return ClipFiles(name, gt)
    lq = list_frames(degraded)
    check_pairs(gt, lq)
    return ClipFiles(name, gt, lq)


def _check_same_clips(gt: Path, truths: dict, lq: Path, inputs: dict) -> None:
    for here, there, place in ((truths, inputs, lq), (inputs, truths, gt)):
        for name, entry in here.items():
            if name not in there or there[name].is_file() != entry.is_file():
                raise InputError(
                    f"{place / name}: is missing, {entry} is there. Add it, or remove"
                    " the other."
                )


def _is_clip(entry: Path) -> bool:
    if entry.is_dir():
        return _has_pictures(entry)
    return entry.suffix.lower() in VIDEOS


def _name(entry: Path) -> str:
    return entry.name if entry.is_dir() else entry.stem


def _has_pictures(parent: Path) -> bool:
    return any(e.suffix.lower() in PICTURES and e.is_file() for e in _entries(parent))


def _entries(parent: Path) -> list[Path]:
    return sorted(e for e in parent.iterdir() if not e.name.startswith("."))
