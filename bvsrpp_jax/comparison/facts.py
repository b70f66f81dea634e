"""What a page says about its frames: names, sizes, times, scores, notes."""

from fractions import Fraction
from typing import NamedTuple

from bvsrpp_jax.comparison.scores import Score
from bvsrpp_jax.media import ClipInfo


class Clock(NamedTuple):
    """From timestamps to the seconds that are shown."""

    start: Fraction
    time_base: Fraction

    def seconds(self, pts: int) -> Fraction:
        """When a frame is shown."""
        return self.start + pts * self.time_base


def page_facts(
    clips: list[dict],
    size: tuple[int, int],
    scores: list[Score],
    clock: Clock,
    quality: int | None,
    notes: list[str],
) -> dict:
    """What the script in the page reads."""
    return {
        "clips": clips,
        "size": size,
        "times": [round(float(clock.seconds(s.pts)), 6) for s in scores],
        "psnr": [s.psnr for s in scores],
        "ssim": [s.ssim for s in scores],
        "quality": quality,
        "notes": notes,
    }


def clip_facts(infos: tuple[ClipInfo, ClipInfo], names: tuple[str, str]) -> list[dict]:
    """What the script reads of A and B."""
    return [
        {
            "name": name,
            "size": [info.width, info.height],
            "rate": round(float(info.rate), 3),
            "deep": info.deep,
        }
        for info, name in zip(infos, names, strict=True)
    ]


def cut_note(
    count: int,
    seconds: Fraction,
    max_bytes: int | None = None,
    quality: int | None = None,
) -> str:
    """Says where a page stops, why, and how to see the rest.

    Args:
      count: frames in the page.
      seconds: when the next one is shown; told to the millisecond, never late.
      max_bytes: the limit that was reached, None if it was the number of frames.
      quality: of the pictures.
    """
    start = f"{int(seconds * 1000) / 1000:.3f}".rstrip("0").rstrip(".")
    following = f"--start {start} shows what follows"
    frames = "1 frame" if count == 1 else f"{count} frames"
    if max_bytes is None:
        return (
            f"The clips go on after these {frames}: {following}, --max-frames shows"
            " more at once."
        )
    smaller = "a lower --quality" if quality else "--quality 90"
    return (
        f"The clips go on after these {frames}, which fill the {max_bytes / 1e6:g} MB"
        f" of a page: {following}, {smaller} makes room for more at once."
    )
