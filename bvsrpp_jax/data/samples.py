"""Training samples out of clips: what step s of seed k sees is fixed.

The order is the official one: a window of frames, a crop, the flips, then what happens
to the input alone, then the mirror. A low-resolution frame made on the fly is a crop of
the whole frame's, not one of the crop's: near its edges it knows the pixels beyond.
"""

from dataclasses import KW_ONLY, dataclass
from typing import Protocol

import numpy as np

from bvsrpp_jax.data.degrading import (
    Degradations,
    check_degradations,
    damage,
    shrink,
)
from bvsrpp_jax.data.sources import ClipSource
from bvsrpp_jax.data.transforms import (
    draw_flips,
    draw_window,
    flip,
    mirror,
    scale_window,
)
from bvsrpp_jax.errors import InputError

Sample = dict[str, np.ndarray]
_ORDER = 1  # fourth word of the seed of an epoch's order; see `_clip_at`


class Samples(Protocol):
    """Anything to train on: a pure function of the seed, the step and the sample."""

    def draw(self, step: int, i: int) -> Sample:
        """Makes one sample.

        Args:
          step: of the run, from 0.
          i: the sample's number in the global batch, from 0.

        Returns:
          {"lq": [t, h, w, 3], "gt": [t, s*h, s*w, 3]} float32 in [0, 1], contiguous, of
          one shape within a step.
        """
        ...

    def describe(self, step: int, i: int) -> str:
        """What the sample shows, for messages; reads no picture."""
        ...


@dataclass(frozen=True)
class ClipSamples:
    """Crops of a data set's clips, augmented as in the paper.

    Every clip comes once an epoch, in another order every epoch. All the rest is drawn
    from a generator seeded with (seed, step, i).

    Attributes:
      source: the clips.
      batch_size: samples of a step, over all processes.
      seed: of the run.
      num_frames: frames of a window, before the mirror.
      crop_size: side of the square crop in ground-truth pixels.
      scale: ground-truth pixels a side of an input pixel.
      mirror: append the frames in reverse order (Vimeo-90K: 7 become 14).
      degradations: how the input is made, see `degrading`. Empty: it is the stored one.
      flips: flip and transpose, each with probability 1/2.
      interval: frames from one of a window to the next.

    Raises:
      InputError: these do not fit together, a clip has too few frames, or the first
        frame of the first clip does not fit.
    """

    source: ClipSource
    _: KW_ONLY
    batch_size: int
    seed: int
    num_frames: int
    crop_size: int
    scale: int
    mirror: bool = False
    degradations: Degradations = ()
    flips: bool = True
    interval: int = 1

    def __post_init__(self):
        _check_numbers(self)
        check_degradations(
            self.degradations, scale=self.scale, size=self.crop_size // self.scale
        )
        _check_lengths(self)
        self._input_size(0, self.source.read(0, 0, 1))

    @property
    def span(self) -> int:
        """Frames from the first to the last of a window, both included."""
        return self.interval * (self.num_frames - 1) + 1

    def draw(self, step: int, i: int) -> Sample:
        """Makes one sample, as `Samples.draw`.

        Raises:
          InputError: a file cannot be read, or its pictures do not fit.
        """
        rng, clip, start = self._choose(step, i)
        frames = self._read(clip, start)
        lq, gt = self._crop(clip, frames, rng)
        if self.flips:
            flips = draw_flips(rng)
            lq, gt = flip(lq, flips), flip(gt, flips)
        lq = damage(self.degradations, lq, rng)
        if self.mirror:
            lq, gt = mirror(lq), mirror(gt)
        return {"lq": to_float(lq), "gt": to_float(gt)}

    def describe(self, step: int, i: int) -> str:
        """The clip and its first and last frame, from 0, as `Samples.describe`."""
        _, clip, start = self._choose(step, i)
        last = start + self.span - 1
        return f"clip {self.source.clips[clip].name}, frames {start} to {last}"

    def _choose(self, step: int, i: int) -> tuple[np.random.Generator, int, int]:
        """The sample's generator, its clip and its first frame."""
        if not 0 <= i < self.batch_size:
            raise ValueError(f"sample {i} is not one of a batch of {self.batch_size}")
        rng = np.random.default_rng([self.seed, step, i])
        clip = self._clip_at(step * self.batch_size + i)
        return rng, clip, int(rng.integers(self._num_starts(clip)))

    def _num_starts(self, clip: int) -> int:
        return self.source.clips[clip].num_frames - self.span + 1

    def _clip_at(self, position: int) -> int:
        """The clip of the sample at a position in the run."""
        epoch, place = divmod(position, len(self.source.clips))
        # NumPy fills a short seed up with zeros: without the fourth word this would be
        # the stream of a sample, (seed, step=epoch, i=0).
        rng = np.random.default_rng([self.seed, epoch, 0, _ORDER])
        return int(rng.permutation(len(self.source.clips))[place])

    def _read(self, clip: int, start: int) -> Sample:
        stop = start + self.span
        if self.interval == 1:
            return self.source.read(clip, start, stop)
        times = range(start, stop, self.interval)
        frames = [self.source.read(clip, time, time + 1) for time in times]
        return {key: np.concatenate([f[key] for f in frames]) for key in frames[0]}

    def _crop(
        self, clip: int, frames: Sample, rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        """Input and ground truth at one random place, uint8."""
        height, width = self._input_size(clip, frames)
        window = draw_window(height, width, self.crop_size // self.scale, rng)
        gt = frames["gt"][:, *scale_window(window, self.scale)]
        if not self.degradations:
            return frames["lq"][:, *window], gt
        lq = shrink(self.degradations, frames["gt"], window, scale=self.scale)
        return lq, gt

    def _input_size(self, clip: int, frames: Sample) -> tuple[int, int]:
        """Height and width of whole input frames, checked."""
        name, gt = self.source.clips[clip].name, frames["gt"]
        if self.degradations:
            height, width = gt.shape[1] // self.scale, gt.shape[2] // self.scale
        elif "lq" not in frames:
            raise InputError(
                f"{name}: the data set stores no input frames. Say in degradations how"
                " to make them, for example ('bicubic',)."
            )
        else:
            height, width = frames["lq"].shape[1:3]
            if gt.shape[1:3] != (self.scale * height, self.scale * width):
                raise InputError(
                    f"{name}: input frames are {width}x{height}, those of the ground"
                    f" truth {_size(gt)}, not {self.scale} times as large. Change scale"
                    " or replace the clip."
                )
        if self.scale * min(height, width) < self.crop_size:
            raise InputError(
                f"{name}: frames are {_size(gt)}, too small for crop_size"
                f" {self.crop_size}. Lower it or leave the clip out."
            )
        return height, width


def to_float(frames: np.ndarray) -> np.ndarray:
    """uint8 -> float32 in [0, 1], contiguous; float32 stays what it is."""
    if frames.dtype == np.float32:
        return frames
    # One pass over a view of any strides; astype and a division would be two.
    return np.divide(frames, np.float32(255), out=np.empty(frames.shape, np.float32))


def _size(frames: np.ndarray) -> str:
    height, width = frames.shape[1:3]
    return f"{width}x{height}"


def _check_numbers(samples: ClipSamples) -> None:
    for key in ("batch_size", "num_frames", "crop_size", "scale", "interval"):
        if getattr(samples, key) < 1:
            raise InputError(f"{key}: is {getattr(samples, key)}. Give at least 1.")
    if samples.crop_size % samples.scale:
        raise InputError(
            f"crop_size: {samples.crop_size} is no multiple of scale, {samples.scale}."
            " Round it."
        )


def _check_lengths(samples: ClipSamples) -> None:
    if not samples.source.clips:
        raise InputError("source: has no clips. Name another data set.")
    for clip in samples.source.clips:
        if clip.num_frames < samples.span:
            raise InputError(
                f"{clip.name}: has {clip.num_frames} frames; a sample needs"
                f" {samples.span} (num_frames, interval). Lower num_frames or leave the"
                " clip out."
            )
