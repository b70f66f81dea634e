"""A plan in words."""

from typing import TYPE_CHECKING

from bvsrpp_jax.restoration.memory import size_text

if TYPE_CHECKING:
    from bvsrpp_jax.restoration.plan import Plan


def plan_text(plan: "Plan", num_frames: int | None = None) -> str:
    """How a clip is restored, and what that takes.

    Args:
      plan: how.
      num_frames: of the clip, if known.
    """
    parts = [f"windows of {plan.window} frames overlapping by {plan.overlap}"]
    if plan.window is None or (num_frames is not None and num_frames <= plan.window):
        parts = ["as a whole"]
    if plan.lookahead is not None:
        parts = [f"each frame from those before it and {plan.lookahead} after it"]
    if plan.tile is not None:
        h, w = plan.tile
        parts.append(f"tiles of {w}x{h} overlapping by {plan.tile_overlap}")
    if plan.ensemble > 1:
        parts.append(f"the mean of {plan.ensemble} results")
    if plan.dtype != "float32":
        parts.append(f"in {plan.dtype}")
    on_device, on_host, on_disk = map(size_text, plan.needed)
    waiting = f"{on_disk} on disk" if plan.on_disk else f"{on_host} waiting"
    parts.append(f"{plan.chunk} frames at a time in about {on_device}, {waiting}")
    if plan.devices > 1:
        parts.append(f"{plan.devices} devices")
    return ", ".join(parts)
