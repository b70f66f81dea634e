"""Two clips held against each other, for people to look at: a page, or a video."""

from bvsrpp_jax.comparison.page import write_page
from bvsrpp_jax.comparison.pairs import open_both
from bvsrpp_jax.comparison.side_by_side import (
    check_beside_result,
    check_side_by_side,
    write_beside_result,
    write_side_by_side,
)

__all__ = [
    "check_beside_result",
    "check_side_by_side",
    "open_both",
    "write_beside_result",
    "write_page",
    "write_side_by_side",
]
