"""Where the clips of a data set lie under its root folder.

A data set is as its authors publish it or as mmagic and BasicSR rearrange it; the trees
are in docs/datasets.md. Which clips there must be is in `partitions`. Looking is cheap:
folders are listed, nothing is decoded.
"""

import re
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from bvsrpp_jax.data import partitions
from bvsrpp_jax.data.folder_layout import SPLITS, folder, splits_in
from bvsrpp_jax.data.frame_files import (
    ClipFiles,
    VideoFiles,
    check_pairs,
    list_frames,
)
from bvsrpp_jax.errors import InputError

# Name of a clip -> where it may lie below the root, the preferred place first.
Places = Callable[[str], tuple[str, ...]]


def clips_of(
    dataset: str, root: Path, split: str
) -> list[ClipFiles] | list[VideoFiles]:
    """Lists the clips of a data set, complete.

    Args:
      dataset: a key of `LAYOUTS`.
      root: the folder of the data set.
      split: "train", "validation" or "test". Data sets without a validation part of
        their own are validated on their test part, as the paper does.

    Raises:
      InputError: data set or split is not known; a clip or frame is missing.
    """
    if not root.is_dir():
        raise InputError(f"{root}: is no folder. Name the folder of the data set.")
    layout, splits = LAYOUTS[check_dataset(dataset)]
    if split == "validation" and "validation" not in splits:
        split = "test"
    if split not in splits:
        raise InputError(
            f"split: {dataset} has no {split!r}. Choose one of {', '.join(splits)}."
        )
    return layout(root, split)


def splits_of(dataset: str, root: Path) -> tuple[str, ...]:
    """The splits that a data set has."""
    return splits_in(root) if dataset == "folder" else LAYOUTS[dataset][1]


def check_dataset(dataset: str) -> str:
    """Returns the name of a known data set, refuses others."""
    if dataset not in LAYOUTS:
        raise InputError(
            f"dataset: {dataset!r} is not known. Choose one of {', '.join(LAYOUTS)}."
        )
    return dataset


def _reds(root: Path, split: str) -> list[ClipFiles]:
    names = partitions.REDS_TRAIN if split == "train" else partitions.REDS4
    counts = dict.fromkeys(names, partitions.REDS_FRAMES)
    lq = partial(_reds_places, "sharp_bicubic/X4")
    return _official(root, counts, gt=partial(_reds_places, "sharp"), lq=lq)


def _reds_places(kind: str, name: str) -> tuple[str, ...]:
    """All 270 under `train_`, or the validation clips under `val_` with old names."""
    places = [f"train_{kind}/{name}"]
    if (old := int(name) - partitions.REDS_FIRST_OF_VALIDATION) < 0:
        places.append(f"train/train_{kind}/{name}")
    else:
        places += [f"val_{kind}/{old:03d}", f"val/val_{kind}/{old:03d}"]
    return tuple(places)


def _vimeo90k(root: Path, split: str, *, lq: str | None = None) -> list[ClipFiles]:
    names = _vimeo90k_names(root, split)
    counts = dict.fromkeys(names, partitions.VIMEO90K_FRAMES)
    gt, lq = _at("GT", "sequences"), lq and _at(lq)
    return _official(root, counts, gt=gt, lq=lq, needs_lq=lq is not None)


def _vimeo90k_names(root: Path, split: str) -> list[str]:
    """The first words of the lines of the list that is there."""
    known = (f"meta_info_Vimeo90K_{split}_GT.txt", f"sep_{split}list.txt")
    lists = [root / name for name in known if (root / name).is_file()]
    if not lists:
        raise InputError(f"{root / known[1]}: is missing. It comes with the data set.")
    text = lists[0].read_text(encoding="utf-8", errors="replace")
    names = [line.split()[0] for line in text.splitlines() if line.strip()]
    for name in names:
        if not re.fullmatch(r"\d{5}/\d{4}", name):
            raise InputError(
                f"{lists[0]}: {name[:40]!r} is no clip of Vimeo-90K, such as"
                " 00001/0001. Restore the list."
            )
    expected = partitions.VIMEO90K_CLIPS[split]
    if len(set(names)) != expected:
        raise InputError(
            f"{lists[0]}: lists {len(set(names))} clips, the official list {expected}."
            " Restore it; a part of the clips is trained on as the data set 'folder'."
        )
    return names


def _vid4(root: Path, split: str, *, lq: str | None = None) -> list[ClipFiles]:
    del split  # there is but one
    gt, lq = _at("GT"), lq and _at(lq)
    return _official(root, partitions.VID4, gt=gt, lq=lq, needs_lq=lq is not None)


def _udm10(root: Path, split: str) -> list[ClipFiles]:
    del split
    names = _subfolders(root / "GT", expected=partitions.UDM10_CLIPS)
    counts = dict.fromkeys(names, partitions.UDM10_FRAMES)
    return _official(root, counts, gt=_at("GT"), lq=_at("BDx4"))


def _dvd(root: Path, split: str) -> list[ClipFiles]:
    def places(kind: str, own: str) -> Places:
        top = "quantitative_datasets"
        return lambda name: (f"{top}/{kind}/{name}", f"{top}/{name}/{own}")

    gt, lq = places("GT", "GT"), places("LQ", "input")
    return _official(root, partitions.DVD[split], gt=gt, lq=lq, needs_lq=True)


def _gopro(root: Path, split: str) -> list[ClipFiles]:
    def places(kind: str, own: str) -> Places:
        return lambda name: (f"{split}/{kind}/{name}", f"{split}/{name}/{own}")

    gt, lq = places("GT", "sharp"), places("blur", "blur")
    return _official(root, partitions.GOPRO[split], gt=gt, lq=lq, needs_lq=True)


def _davis(root: Path, split: str) -> list[ClipFiles]:
    del split
    names = _subfolders(root / "JPEGImages" / "480p")
    return _official(root, dict.fromkeys(names), gt=_at("JPEGImages/480p"))


def _set8(root: Path, split: str) -> list[ClipFiles]:
    del split
    names = _subfolders(root, expected=partitions.SET8_CLIPS)
    return _official(root, dict.fromkeys(names), gt=_at("."))


def _official(
    root: Path,
    counts: Mapping[str, int | None],
    *,
    gt: Places,
    lq: Places | None = None,
    needs_lq: bool = False,
) -> list[ClipFiles]:
    """Finds every clip, with the right number of frames and its input.

    Args:
      root: folder of the data set.
      counts: frames of each clip, None if any number is right.
      gt, lq: where a clip may lie.
      needs_lq: refuse a data set without input; else one whose input is absent
        altogether has ground truth alone.
    """
    truths, inputs = _find(root, counts, gt), None
    stored = lq is not None and any(_present(root, lq, name) for name in counts)
    if needs_lq or stored:
        inputs = _find(root, counts, lq)
    clips = []
    for name, num_frames in counts.items():
        frames = list_frames(truths[name], num_frames=num_frames)
        degraded = None
        if inputs is not None:
            degraded = list_frames(inputs[name])
            check_pairs(frames, degraded)
        clips.append(ClipFiles(name, frames, degraded))
    return clips


def _find(root: Path, names: Mapping, places: Places) -> dict[str, Path]:
    found = {name: _present(root, places, name) for name in names}
    missing = [name for name, folder in found.items() if folder is None]
    if missing:
        raise InputError(
            f"{root / places(missing[0])[0]}: the clip is missing"
            f" ({len(missing)} of {len(found)} are). Unpack the data set there."
        )
    return found


def _present(root: Path, places: Places, name: str) -> Path | None:
    return next((root / p for p in places(name) if (root / p).is_dir()), None)


def _at(*parents: str) -> Places:
    return lambda name: tuple(f"{parent}/{name}" for parent in parents)


def _subfolders(parent: Path, *, expected: int | None = None) -> list[str]:
    entries = sorted(parent.iterdir()) if parent.is_dir() else []
    names = [e.name for e in entries if e.is_dir() and not e.name.startswith(".")]
    if not names or len(names) != (expected or len(names)):
        raise InputError(
            f"{parent}: has {len(names)} folders of clips, not {expected or 'any'}."
            " Unpack the data set there."
        )
    return names


# Name -> (what lists its clips, the splits it has).
LAYOUTS = {
    "reds": (_reds, ("train", "test")),
    "vimeo90k": (_vimeo90k, ("train", "test")),
    "vimeo90k_bi": (partial(_vimeo90k, lq="BIx4"), ("train", "test")),
    "vimeo90k_bd": (partial(_vimeo90k, lq="BDx4"), ("train", "test")),
    "vid4": (_vid4, ("test",)),
    "vid4_bi": (partial(_vid4, lq="BIx4"), ("test",)),
    "vid4_bd": (partial(_vid4, lq="BDx4"), ("test",)),
    "udm10": (_udm10, ("test",)),
    "dvd": (_dvd, ("train", "test")),
    "gopro": (_gopro, ("train", "test")),
    "davis": (_davis, ("train",)),
    "set8": (_set8, ("test",)),
    "folder": (folder, SPLITS),
}
