"""A whole clip's result from the device memory of a few frames.

The network is cut at its seams (`models/basicvsrpp.py`) and goes over the clip chunk by
chunk, each pass in the order in which its branch visits the frames:

    encode       first to last   g, and the flows between neighbours
    backward_1   last to first
    forward_1    first to last
    backward_2   last to first
    forward_2    first to last   and at once the pictures of the same chunk

(A network whose last branch is a backward one makes its pictures in one more pass.)

What a branch carries stays on the device; features and flows wait on the host for the
passes that need them, or on disk (`spool.py`). However long the clip, the device holds
two chunks: the one in work, and the one on its way to the host. The result is the whole
clip's, to rounding.

Every chunk has the same length, so one set of programs serves clips of any length: the
last chunk is filled with copies of the last frame, which leave no trace
(`empty_carry`).
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import jax
import numpy as np

from bvsrpp_jax.models.grid import is_backward
from bvsrpp_jax.models.propagation import empty_carry
from bvsrpp_jax.restoration.programs import Programs


class Chunk(NamedTuple):
    """What waits on the host of one chunk.

    Attributes:
      feats: g and the outputs of the branches that have passed, [1, t, h', w', c].
      backward, forward: [1, t, h', w', 2], the flow of each frame to the next one and
        to the one before it; without meaning at the end and at the beginning.
    """

    feats: tuple[np.ndarray, ...]
    backward: np.ndarray
    forward: np.ndarray


def restore_in_chunks(
    programs: Programs,
    params: Any,
    frames: Sequence[np.ndarray],
    *,
    length: int,
    hold: Callable[[np.ndarray], Any] = lambda array: array,
    on_pass: Callable[[int], None] = lambda count: None,
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Restores a clip.

    Args:
      programs: of the network, for this frame size and length.
      params: the network's parameters.
      frames: the clip, [h, w, 3] each, of one size and kind.
      length: frames in a chunk.
      hold: takes an array that must wait for a later pass, and returns what NumPy makes
        it of again.
      on_pass: called with the number of frames that another of `num_passes` has gone
        over.

    Yields:
      For each chunk, in order, its frames [t, scale * h, scale * w, 3], and [t],
      whether they are finite. The first comes when all branches but the last have
      passed.
    """
    starts = range(0, len(frames), length)
    fill = len(starts) * length - len(frames)
    filled = [*frames, *[frames[-1]] * fill]
    sizes = [min(length, len(frames) - start) for start in starts]
    chunks = []
    for size, chunk in zip(
        sizes, _encode(programs, params, filled, starts), strict=True
    ):
        chunks.append(jax.tree.map(hold, chunk))
        on_pass(size)
    earlier, last = _before_pictures(programs.branches)
    for branch in earlier:
        order = range(len(chunks))[:: -1 if is_backward(branch) else 1]
        visited = [chunks[i] for i in order]
        passed = _propagate(programs, params, branch, visited, fill=fill)
        for i, feat in zip(order, _on_host(passed), strict=True):
            chunks[i] = chunks[i]._replace(feats=(*chunks[i].feats, hold(feat)))
            on_pass(sizes[i])
        del visited, passed  # or they would keep what `pictures` gives back

    def pictures():
        passed = [()] * len(chunks)
        if last is not None:
            feats = _propagate(programs, params, last, chunks, fill=fill)
            passed = ((feat,) for feat in feats)
        for i, (start, newest) in enumerate(zip(starts, passed, strict=True)):
            lq, feats = np.stack(filled[start : start + length]), _read(chunks[i].feats)
            chunks[i] = None  # what is done need not wait any longer
            yield programs.reconstruct(params, lq, (*feats, *newest))

    for size, (output, finite) in zip(sizes, _on_host(pictures()), strict=True):
        on_pass(size)
        yield output[:size], finite[:size]


def num_passes(branches: Sequence[str]) -> int:
    """How often a clip is gone over; the last branch mostly makes the pictures, too."""
    earlier, _ = _before_pictures(branches)
    return 2 + len(earlier)


def _before_pictures(branches: Sequence[str]) -> tuple[Sequence[str], str | None]:
    """Branches with a pass of their own, and the one that passes with the pictures."""
    if is_backward(branches[-1]):
        return branches, None
    return branches[:-1], branches[-1]


def _encode(programs, params, frames, starts) -> Iterator[Chunk]:
    """Features and flows of every chunk, in order."""

    def encoded():
        for start in starts:
            # The first frame, which has none before it, stands in for that one.
            lq = np.stack([frames[max(start - 1, 0)], *frames[start:][: starts.step]])
            yield programs.encode(params, lq)

    held = None  # a chunk waits for the flow of its last frame to the next chunk's
    for feat, backward, forward in _on_host(encoded()):
        if held is not None:
            yield _joined(*held, backward[:, :1])
        held = feat, backward[:, 1:], forward
    yield _joined(*held, np.zeros_like(forward[:, :1]))


def _joined(feat, backward, forward, flow_to_next) -> Chunk:
    return Chunk((feat,), np.concatenate([backward, flow_to_next], 1), forward)


def _propagate(
    programs, params, branch, visited: Sequence[Chunk], *, fill: int
) -> Iterator[jax.Array]:
    """A branch's features of every chunk, in the order in which it visits them."""
    backward = is_backward(branch)
    feat = _read(visited[0].feats[0])
    carry = empty_carry(feat, fill=fill if backward else 0)
    for chunk in visited:
        flow = chunk.backward if backward else chunk.forward
        feats, flow = _read((chunk.feats, flow))
        feat, carry = programs.propagate(branch, params, feats, flow, carry)
        yield feat


def _read(held: Any) -> Any:
    """What was held, as arrays."""
    return jax.tree.map(np.asarray, held)


def _on_host(results: Iterable) -> Iterator:
    """Copies results to the host, each while the device works on the one after it."""
    waiting = None
    for result in results:
        if waiting is not None:
            yield jax.device_get(waiting)
        waiting = result
    yield jax.device_get(waiting)
