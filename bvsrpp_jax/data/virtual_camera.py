"""A moving camera over photographs: clips with true ground truth and known motion.

Real footage with a clear licence is scarce and compressed; photographs are neither.
A smooth pan, zoom and rotation over one photograph gives the motion, and a second
photograph cut to a blob, moving on its own, gives occlusions.
"""

from typing import NamedTuple

import numpy as np
from PIL import Image

MAX_SPEED = 16.0  # pixels a frame: 4 low-resolution pixels at x4
JITTER = 0.5  # pixels: the trembling of a hand
STEP_RANGE = (0.8, 1.2)  # photograph pixels a frame pixel; beyond, aliasing shows
TURNED = 0.75  # a bit over half a square's diagonal: a frame fits at any angle
CANDIDATES = 4  # starting places tried; the one with the most detail is taken


class Path(NamedTuple):
    """Where a camera looks, one entry a frame.

    Attributes:
      centre: [t, 2] (x, y) in photograph pixels.
      step: [t] photograph pixels a frame pixel.
      angle: [t] radians.
    """

    centre: np.ndarray
    step: np.ndarray
    angle: np.ndarray


def film(
    photographs: list[np.ndarray],
    *,
    num_frames: int,
    size: int,
    occlusion: float,
    rng: np.random.Generator,
) -> np.ndarray:
    """Films a random clip over a random photograph.

    Args:
      photographs: [h, w, 3] uint8 each, sides of at least 1.2 times `size`.
      num_frames: frames of the clip.
      size: side of the square frames in pixels.
      occlusion: probability of a second photograph moving in front.
      rng: source of all randomness.

    Returns:
      [num_frames, size, size, 3] uint8.

    Raises:
      ValueError: a photograph is too small.
    """
    back = photographs[rng.integers(len(photographs))]
    frames = render(back, random_path(back, num_frames, size, rng), size)
    if rng.random() >= occlusion:
        return frames
    front = photographs[rng.integers(len(photographs))]
    path = random_path(front, num_frames, size, rng)
    return composite(frames, render(front, path, size), blob(path, size, rng))


def composite(back: np.ndarray, front: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """Lays frames over frames: back, front [t, h, w, 3] uint8, alpha [t, h, w]."""
    mask = np.round(255 * alpha).astype(np.uint8)
    layers = zip(front, back, mask, strict=True)
    mixed = [Image.composite(*map(Image.fromarray, three)) for three in layers]
    return np.stack([np.asarray(frame) for frame in mixed])


def random_path(
    photograph: np.ndarray, num_frames: int, size: int, rng: np.random.Generator
) -> Path:
    """Draws a smooth camera path that starts where the photograph has detail."""
    time = np.arange(num_frames) - (num_frames - 1) / 2
    heading, speed = rng.uniform(0, 2 * np.pi), MAX_SPEED * rng.random() ** 2
    velocity = speed * np.array([np.cos(heading), np.sin(heading)])
    bend = rng.normal(0, 0.02 * speed + 0.05, 2)  # acceleration
    centre = time[:, None] * velocity + time[:, None] ** 2 * bend
    centre += rng.normal(0, JITTER * rng.random(), (num_frames, 2))
    zoom = 1 + rng.normal(0, 0.004) * time
    step = rng.uniform(*STEP_RANGE) * zoom
    largest = _largest_step(photograph, size)
    step = np.clip(step, STEP_RANGE[0], largest)
    angle = rng.normal(0, 0.15) + rng.normal(0, 0.006) * time
    centre += _detailed_start(photograph, size, rng)
    return Path(_inside(centre, photograph, TURNED * size * largest), step, angle)


def render(photograph: np.ndarray, path: Path, size: int) -> np.ndarray:
    """Samples a photograph along a path, bicubic, at sub-pixel positions.

    Args:
      photograph: [h, w, 3] uint8.
      path: t frames.
      size: side of the square frames in pixels.

    Returns:
      [t, size, size, 3] uint8.
    """
    reach = int(np.ceil(size * STEP_RANGE[1])) + 4  # half the diagonal, with margin
    low = np.maximum(np.floor(path.centre.min(axis=0)).astype(int) - reach, 0)
    high = np.ceil(path.centre.max(axis=0)).astype(int) + reach
    window = Image.fromarray(photograph[low[1] : high[1], low[0] : high[0]])
    frames = []
    for centre, step, angle in zip(
        path.centre - low, path.step, path.angle, strict=True
    ):
        cos, sin = step * np.cos(angle), step * np.sin(angle)
        shift = centre - (size / 2) * np.array([cos - sin, sin + cos])
        affine = (cos, -sin, shift[0], sin, cos, shift[1])
        frame = window.transform(
            (size, size), Image.Transform.AFFINE, affine, Image.Resampling.BICUBIC
        )
        frames.append(np.asarray(frame))
    return np.stack(frames)


def blob(path: Path, size: int, rng: np.random.Generator) -> np.ndarray:
    """The opacity of a wobbly disc that moves with a path's photograph.

    Args:
      path: t frames of the photograph the disc is cut from.
      size: side of the square frames in pixels.
      rng: source of place and shape.

    Returns:
      [t, size, size] float32 in [0, 1]; the edge is two pixels soft.
    """
    place = rng.uniform(0.1, 0.9, 2) * size
    radius = rng.uniform(0.1, 0.35) * size
    amplitude = rng.normal(0, 0.12, 4)
    phase = rng.uniform(0, 2 * np.pi, 4)
    axis = np.arange(size, dtype=np.float32) + 0.5
    moved = (path.centre[0] - path.centre) / path.step[:, None]  # [t, 2] as seen
    x = axis[None, None, :] - np.float32(place[0] + moved[:, 0, None, None])
    y = axis[None, :, None] - np.float32(place[1] + moved[:, 1, None, None])
    angle = np.arctan2(y, x)
    waves = [
        np.float32(amplitude[i]) * np.cos((i + 2) * angle + np.float32(phase[i]))
        for i in range(4)
    ]
    edge = np.float32(radius) * (1 + sum(waves))
    return np.clip((edge - np.hypot(x, y)) / 2 + 0.5, 0, 1)


def _detailed_start(
    photograph: np.ndarray, size: int, rng: np.random.Generator
) -> np.ndarray:
    """The most detailed of a few random places: blurred backgrounds teach little."""
    height, width = photograph.shape[:2]
    best, start = -1.0, np.zeros(2)
    for _ in range(CANDIDATES):
        centre = rng.uniform(size / 2, [width - size / 2, height - size / 2])
        x, y = (centre - size / 2).astype(int)
        patch = photograph[y : y + size : 2, x : x + size, 1].astype(np.int16)
        detail = np.abs(np.diff(patch, axis=1)).mean()
        if detail > best:
            best, start = detail, centre
    return start


def _largest_step(photograph: np.ndarray, size: int) -> float:
    """The largest step at which a turned frame still fits into the photograph."""
    height, width = photograph.shape[:2]
    fitting = min(height, width) / (2 * TURNED * size)
    if fitting < STEP_RANGE[0]:
        raise ValueError(
            f"photograph is {width}x{height}; need sides of at least 1.2 times the "
            f"frame's {size}"
        )
    return min(fitting, STEP_RANGE[1])


def _inside(centre: np.ndarray, photograph: np.ndarray, margin: float) -> np.ndarray:
    """Moves a path as a whole onto the photograph; what sticks out stands still."""
    low, high = margin, np.array(photograph.shape[1::-1]) - margin
    shift = np.maximum(low - centre.min(axis=0), 0)
    shift += np.minimum(high - centre.max(axis=0), 0)
    return np.clip(centre + shift, low, high)
