"""Restores endless video, frame by frame, with what `bvsrpp export` wrote.

Raw RGB frames come in and go out, each as soon as so many more have come (here four):

    ffmpeg -i in.mp4 -f rawvideo -pix_fmt rgb24 - |
        python run_exported_stream.py lite.jaxexport 320x180 4 |
        ffmpeg -f rawvideo -pix_fmt rgb24 -s 1280x720 -i - out.mp4

Forward branches know all frames before, backward branches none after the newest. Memory
does not grow. No code of bvsrpp_jax is needed.
"""

import sys
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from run_exported_chunks import load


class Frame(NamedTuple):
    """A frame that has come: [h, w, 3], its features, its flows after and before."""

    pixels: np.ndarray
    feat: jax.Array
    backward: jax.Array
    forward: jax.Array


def restore(path, frames, lookahead):
    """Yields [h, w, 3] restored, for each of `frames` when `lookahead` more have come.

    The flow of a frame to the one after it is known when that one comes; until then the
    newest frame has another in its place, at which a backward branch does not look.
    """
    about, params, run = load(path)
    held, carries, before = [], {}, None
    for pixels in frames:
        pair = np.stack([pixels if before is None else before, pixels])[None]
        feat, backward, forward = run["encode"](params, pair)
        if held:
            held[-1] = held[-1]._replace(backward=backward)
        held.append(Frame(pixels, feat, backward, forward))
        before = pixels
        if len(held) == lookahead + 1:
            yield _first(about, params, run, held, carries, 0)
            del held[0]
    while held:
        fill = lookahead + 1 - len(held)  # copies of the last frame, without a trace
        yield _first(about, params, run, held + held[-1:] * fill, carries, fill)
        del held[0]


def _first(about, params, run, held, carries, fill):
    """The first frame restored; `carries` are then those after it."""
    _, *known = zip(*held, strict=True)
    feat, backward, forward = (jnp.concatenate(arrays, 1) for arrays in known)
    feats = (feat,)
    for name, direction in about["branches"].items():
        carry = run["empty_carry"](feat, np.int32(fill))
        if direction == "backward":
            new, _ = run[name](params, feats, backward, carry)
        else:
            carry = carries.get(name) or run["empty_carry"](feat, np.int32(0))
            new, _ = run[name](params, feats, forward, carry)
            first = tuple(known[:, :1] for known in feats)
            _, carries[name] = run[name](params, first, forward[:, :1], carry)
        feats = (*feats, new)
    first = tuple(known[:, :1] for known in feats)
    return run["reconstruct"](params, held[0].pixels[None, None], first)[0, 0]


def _raw_frames(width, height):
    while len(data := sys.stdin.buffer.read(3 * width * height)) == 3 * width * height:
        codes = np.frombuffer(data, np.uint8).reshape(height, width, 3)
        yield codes / np.float32(255)


if __name__ == "__main__":
    source, size, lookahead = sys.argv[1:]
    incoming = _raw_frames(*map(int, size.split("x")))
    for frame in restore(source, incoming, int(lookahead)):
        codes = np.rint(np.clip(frame, 0, 1) * 255).astype(np.uint8)
        sys.stdout.buffer.write(codes.tobytes())
        sys.stdout.buffer.flush()
