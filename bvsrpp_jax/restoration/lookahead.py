"""Bounded latency: a frame is restored when so many after it have come.

Forward branches have seen everything before a frame, as in the whole clip; backward
branches start at the newest frame, so many frames ahead:

    frame                i     i+1 ...  i+N
    encode                               x     once, when it comes
    backward_1           x <--- x <---  x     from the newest frame
    forward_1      -->   x ---> x --->  x     carries on after frame i, then looks ahead
    backward_2           x <--- x <---  x
    forward_2      -->   x                    carries on

Each frame so costs `frames_looked_at` steps of a branch instead of four. At the end
of the clip the missing frames are filled up and leave no trace (`empty_carry`).
"""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from bvsrpp_jax.models.grid import is_backward
from bvsrpp_jax.models.propagation import empty_carry
from bvsrpp_jax.restoration.programs import Programs


class Ahead(NamedTuple):
    """A frame that has come.

    Attributes:
      frame: [h, w, 3].
      feat: g, [1, 1, h', w', c].
      forward: [1, 1, h', w', 2], its flow to the frame before it.
      backward: the same to the frame after it; None while that has not come.
    """

    frame: np.ndarray
    feat: jax.Array
    forward: jax.Array
    backward: jax.Array | None


def restore_with_lookahead(
    programs: Programs, params: Any, frames: Iterable[np.ndarray], *, lookahead: int
) -> Iterator[tuple[np.ndarray, bool]]:
    """Restores a clip frame by frame.

    Args:
      programs: of the network, for this frame size and lookahead.
      params: the network's parameters.
      frames: the clip, [h, w, 3] each.
      lookahead: frames after a frame that must have come, from 0 up.

    Yields:
      For each frame the restored one [scale * h, scale * w, 3] and whether it is
      finite.
    """
    ahead: deque[Ahead] = deque()
    carries = None
    for newest in _encoded(programs, params, frames):
        if ahead:
            ahead[-1] = ahead[-1]._replace(backward=newest[1])
        ahead.append(newest[0])
        if len(ahead) == lookahead + 1:
            output, carries = _restore_first(
                programs, params, ahead, carries, lookahead
            )
            yield jax.device_get(output)
            ahead.popleft()
    while ahead:
        output, carries = _restore_first(programs, params, ahead, carries, lookahead)
        yield jax.device_get(output)
        ahead.popleft()


def _encoded(programs, params, frames) -> Iterator[tuple[Ahead, jax.Array]]:
    """Each frame, and the flow of the one before it to it."""
    before = None
    for frame in frames:
        before = frame if before is None else before
        feat, backward, forward = programs.encode(params, np.stack([before, frame]))
        yield Ahead(frame, feat, forward, None), backward
        before = frame


def _restore_first(programs, params, ahead, carries, lookahead: int):
    """The first frame's result, and the forward branches' carries after it."""
    fill = lookahead + 1 - len(ahead)
    filled = [*ahead, *[ahead[-1]] * fill]
    g = jnp.concatenate([each.feat for each in filled], 1)
    none = jnp.zeros_like(filled[0].forward)
    backward, forward = (
        jnp.concatenate([none if flow is None else flow for flow in flows], 1)
        for flows in zip(
            *[(each.backward, each.forward) for each in filled], strict=True
        )
    )
    if carries is None:
        names = [name for name in programs.branches if not is_backward(name)]
        carries = dict.fromkeys(names, empty_carry(g))
    feats, after = (g,), {}
    for name in programs.branches:
        is_last = name == programs.branches[-1]
        if is_backward(name):
            carry = empty_carry(g, fill=fill)
            feat, _ = programs.propagate(name, params, feats, backward, carry)
        else:
            inputs = params, _first(feats), forward[:, :1], carries[name]
            feat, after[name] = programs.propagate(name, *inputs)
            if not is_last:  # those after it look ahead, and so does it
                inputs = params, feats, forward, carries[name]
                feat, _ = programs.propagate(name, *inputs)
        feats = *feats, feat
    output, finite = programs.reconstruct(params, filled[0].frame[None], _first(feats))
    return (output[0], finite[0]), after


def frames_looked_at(branches: Sequence[str], lookahead: int) -> int:
    """How many steps of a branch each frame costs, over all branches."""
    *earlier, last = branches
    ahead = lookahead + 1
    steps = sum(ahead if is_backward(branch) else ahead + 1 for branch in earlier)
    return steps + (ahead if is_backward(last) else 1)


def _first(feats: Sequence[jax.Array]) -> tuple[jax.Array, ...]:
    """The first frame's."""
    return tuple(feat[:, :1] for feat in feats)
