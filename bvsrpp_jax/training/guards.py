"""What a run does about updates that were not finite: say so, and not for ever.

The step itself leaves parameters and moments as they were (`training.step`). Training
goes on, because a single bad sample must not end a run of days; but a run that skips
update after update learns nothing and says so by ending.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from bvsrpp_jax.errors import InputError

MAX_SKIPPED_IN_A_ROW = 10


def tell_skipped(
    metrics: Mapping[str, Any],
    names: Iterable[str],
    *,
    step: int,
    say: Callable[[str], None],
) -> None:
    """Names the samples of a skipped update.

    Args:
      metrics: of the step.
      names: what its samples were (`data.samples.Samples.describe`).
      step: its number, from 1.
      say: shows a line.

    Raises:
      InputError: it was the tenth in a row.
    """
    say(
        f"step {step}: the update is skipped: loss {metrics['loss']:g}, gradient"
        f" norm {metrics['grad_norm']:g}; {int(metrics['skipped'])} skipped in all;"
        f" the samples were: {'; '.join(names)}"
    )
    in_a_row = int(metrics["skipped_in_a_row"])
    if in_a_row >= MAX_SKIPPED_IN_A_ROW:
        raise InputError(
            f"step {step}: {in_a_row} updates in a row were not finite. Look at the"
            " samples named above, or lower config.rates.rate; the last checkpoint is"
            " from before."
        )
