"""Records of evaluations, made up, for the tests of reports."""

import math

import numpy as np

from bvsrpp_jax.evaluation.pictures import ClipPictures
from bvsrpp_jax.evaluation.record import ClipScores, MethodScores, Record

SETTINGS = {"channel": "rgb", "rounding": "uint8", "border": 0, "mode": "exact"}
WEIGHTS = {"file": "mine.safetensors", "sha256": "db622b2f" + 56 * "0", "scale": 4}


def curve(count: int, seed: int, level: float) -> list[float]:
    """Values that wander around a level."""
    random = np.random.default_rng(seed)
    steps = random.normal(0, 0.02 * level / max(count, 1) ** 0.5, count)
    return [float(v) for v in level * (1 + 0.03 * random.normal()) + np.cumsum(steps)]


def record(
    names=("000", "011"),
    *,
    num_frames=6,
    protocol="reds4",
    settings=SETTINGS,
    weights=WEIGHTS,
    **replaced,
) -> Record:
    """Two methods on some clips.

    Args:
      names: of the clips.
      num_frames: of each.
      protocol, settings, weights: of the record.
      replaced: "psnr" or "ssim" -> what replaces our values of the first clip.
    """

    def scores(method: str, psnr: float, ssim: float, first_seed: int) -> MethodScores:
        clips = [
            ClipScores(
                name,
                list(range(num_frames)),
                {
                    "psnr": curve(num_frames, first_seed + number, psnr),
                    "ssim": curve(num_frames, first_seed + number, ssim),
                },
            )
            for number, name in enumerate(names)
        ]
        return MethodScores(method, clips)

    ours = scores("BasicVSR++", 31.0, 0.88, 0)
    ours.clips[0].values.update(replaced)
    return Record(
        protocol=protocol,
        title="REDS4, bicubic x4",
        metrics=["psnr", "ssim"],
        settings=settings,
        weights=weights,
        methods=[ours, scores("bicubic", 26.0, 0.73, 10_000)],
    )


def pictures(*, width=64, height=48, num_frames=6) -> ClipPictures:
    """Plain colours: input red, bicubic green, output blue, ground truth white."""
    colors = {"input": (200, 0, 0), "bicubic": (0, 200, 0), "output": (0, 0, 200)}
    colors["gt"] = (255, 255, 255)

    def plain(kind: str, shape: tuple[int, int]) -> np.ndarray:
        return np.full((*shape, 3), colors[kind], np.uint8)

    small = {"input": (height // 4, width // 4)}
    return ClipPictures(
        worst=2,
        frames={kind: plain(kind, small.get(kind, (height, width))) for kind in colors},
        profiles={
            kind: plain(kind, (num_frames, width))
            for kind in ("bicubic", "output", "gt")
        },
    )


IDENTICAL = [math.inf] * 6
