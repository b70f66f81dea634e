"""The degraded copy of one clip, a frame after the other however long it is.

A pipeline of generators: a frame is read, made smaller, damaged and written before the
next one is read; a codec holds those that its encoder looks ahead to.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from itertools import count
from pathlib import Path
from typing import NamedTuple

import numpy as np

from bvsrpp_jax.data.compression import H264, HEVC, check_sides
from bvsrpp_jax.data.degradations import bicubic_shrink, blur_downsample, to_uint8
from bvsrpp_jax.data.degrading import Degradations, damage_one_by_one
from bvsrpp_jax.data.frame_files import ClipFiles, VideoFiles
from bvsrpp_jax.data.pictures import encode_png, picture_size
from bvsrpp_jax.data.sources import PictureClips
from bvsrpp_jax.errors import InputError
from bvsrpp_jax.media.failures import told_as
from bvsrpp_jax.media.reader import VideoReader
from bvsrpp_jax.partial import PartialFolder

StoredClip = ClipFiles | VideoFiles
_CODECS = {"h264": H264, "hevc": HEVC}


class Recipe(NamedTuple):
    """What is done to every clip.

    Attributes:
      degradations: by name, in order; or "crop" alone.
      scale: how many times smaller the result is; for "crop", what sides become
        multiples of.
      seed: of all randomness, together with the name of a clip.
    """

    degradations: Degradations
    scale: Fraction
    seed: int

    @property
    def names(self) -> tuple[str, ...]:
        """The degradations without their parameters."""
        return tuple(d if isinstance(d, str) else d[0] for d in self.degradations)


def degrade_clip(
    clip: StoredClip, target: Path, recipe: Recipe, on_frame: Callable[[], None]
) -> None:
    """Writes the folder of a clip's degraded frames, complete or not at all.

    Noise is rounded and clipped to eight bits, as PNG holds no others.

    Args:
      clip: what to read; its ground truth.
      target: the folder.
      recipe: what to do.
      on_frame: called for each frame that is read; what it raises ends the work.

    Raises:
      InputError: a frame cannot be read, or the folder not be written.
    """
    rng = np.random.default_rng([recipe.seed, *clip.name.encode()])
    frames = (_shrunk(gt, recipe) for gt in _read(clip, on_frame))
    if recipe.names != ("crop",):
        frames = damage_one_by_one(recipe.degradations, frames, rng)
    with _folder(target) as write:
        for lq, name in zip(frames, frame_names(clip), strict=False):
            write(name, lq if lq.dtype == np.uint8 else to_uint8(lq))


def frame_names(clip: StoredClip) -> Iterable[str]:
    """The names of a clip's pictures; endless for a video, which tells no number.

    Raises:
      InputError: two frames would have the same name.
    """
    if isinstance(clip, VideoFiles):
        return (f"{number:08d}.png" for number in count())
    names = {}
    for file in clip.gt:
        if (other := names.setdefault(f"{file.stem}.png", file)) != file:
            raise InputError(
                f"{file}: its result would have the name of that of {other.name}."
                " Rename one of them."
            )
    return list(names)


def check_size(clip: StoredClip, recipe: Recipe) -> None:
    """Refuses a clip whose frames the recipe cannot be applied to.

    Opens the first frame alone.

    Raises:
      InputError: a side is no multiple of the scale, or the codec does not take the
        result.
    """
    name, height, width = _first_frame(clip)
    multiple = recipe.scale.numerator
    if min(height, width) < multiple:
        raise InputError(
            f"{name}: is {width}x{height}, too small for a scale of {recipe.scale}."
            " Remove the clip, or choose another scale."
        )
    if recipe.names == ("crop",):
        return
    if height % multiple or width % multiple:
        raise InputError(
            f"{name}: is {width}x{height}, no multiple of {multiple}. Cut the ground"
            f" truth with --degradation crop --scale {multiple}, and degrade that."
        )
    _check_codecs(name, int(height / recipe.scale), int(width / recipe.scale), recipe)


def _check_codecs(name: Path, height: int, width: int, recipe: Recipe) -> None:
    for codec in (_CODECS[name] for name in recipe.names if name in _CODECS):
        try:
            check_sides(codec, height, width)
        except ValueError as error:
            raise InputError(
                f"{name}: input {error}. Cut the ground truth with --degradation crop"
                f" --scale {2 * recipe.scale.numerator}, or leave that codec out."
            ) from error


def _first_frame(clip: StoredClip) -> tuple[Path, int, int]:
    """Its file, height and width."""
    if isinstance(clip, ClipFiles):
        return clip.gt[0], *picture_size(clip.gt[0])
    with _video(clip.gt) as reader:
        return clip.gt, reader.info.height, reader.info.width


def _read(clip: StoredClip, on_frame: Callable[[], None]) -> Iterator[np.ndarray]:
    frames = _read_video if isinstance(clip, VideoFiles) else _read_pictures
    for pixels in frames(clip):
        on_frame()
        yield pixels


def _read_pictures(clip: ClipFiles) -> Iterator[np.ndarray]:
    source = PictureClips([clip])
    for number in range(len(clip.gt)):
        yield source.read(0, number, number + 1)["gt"][0]


def _read_video(clip: VideoFiles) -> Iterator[np.ndarray]:
    with _video(clip.gt) as reader:
        for frame in reader:
            yield frame.pixels


@contextmanager
def _video(path: Path) -> Iterator[VideoReader]:
    with VideoReader(path) as reader:
        if reader.info.deep:
            raise InputError(
                f"{path}: has more than 8 bits a sample. Convert it to 8 bits."
            )
        yield reader


def _shrunk(gt: np.ndarray, recipe: Recipe) -> np.ndarray:
    first = recipe.names[0]
    if first == "crop":
        height, width = (s - s % recipe.scale.numerator for s in gt.shape[:2])
        return gt[:height, :width]
    if first == "bicubic":
        return bicubic_shrink(gt, recipe.scale)
    return blur_downsample(gt) if first == "blur" else gt


@contextmanager
def _folder(target: Path) -> Iterator[Callable[[str, np.ndarray], None]]:
    """Gives what writes a picture; the folder has its name once all are written."""
    told = (
        "cannot be written",
        "Make room, or choose another folder; the same command goes on.",
    )

    def write(name: str, pixels: np.ndarray) -> None:
        data = encode_png(pixels)
        with told_as(target, *told):
            (folder.path / name).write_bytes(data)

    with told_as(target, *told):
        target.parent.mkdir(parents=True, exist_ok=True)
        folder = PartialFolder(target)
    try:
        yield write
        with told_as(target, *told):
            folder.publish()
    finally:
        folder.discard()
