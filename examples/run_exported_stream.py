"""Restores endless video with what `bvsrpp export` wrote; raw RGB comes and goes.

    ffmpeg -i in.mp4 -f rawvideo -pix_fmt rgb24 - |
        python run_exported_stream.py lite.jaxexport 320x180 4 |
        ffmpeg -f rawvideo -pix_fmt rgb24 -s 1280x720 -i - out.mp4

A frame goes when four more have come: forward branches know all before it, backward
branches those four. Memory does not grow. No code of bvsrpp_jax is needed.
"""

import sys

import jax.numpy as jnp
import numpy as np
from run_exported_chunks import load


def restore(path, frames, ahead):
    """Yields each of `frames` [h, w, 3] restored, when `ahead` more have come."""
    _, params, run = network = load(path)
    carries, held, pixels = {}, [], None
    for frame in frames:
        pair = np.stack([frame if pixels is None else pixels, frame])[None]
        feat, backward, forward = run["encode"](params, pair)
        if held:
            held[-1][2] = backward  # its flow to this frame; before, a placeholder
        held.append([pixels := frame, feat, backward, forward])
        if len(held) > ahead:
            yield first_of(held, network, carries, 0)
            del held[0]
    while held:
        fill = ahead + 1 - len(held)  # copies of the last frame, which leave no trace
        yield first_of(held + held[-1:] * fill, network, carries, fill)
        del held[0]


def first_of(held, network, carries, fill):
    """The first frame restored; `carries` are then those after it."""
    about, params, run = network
    (pixels, *_), one = held[0], np.s_[:, :1]
    feat, *flows = (jnp.concatenate(x, 1) for x in list(zip(*held, strict=True))[1:])
    flows, feats = dict(zip(("backward", "forward"), flows, strict=True)), (feat,)
    for name, direction in about["branches"].items():
        flow, carry = flows[direction], run["empty_carry"](feat, np.int32(fill))
        if direction == "forward":
            carry = carries.get(name) or run["empty_carry"](feat, np.int32(0))
            known = tuple(x[one] for x in feats)
            _, carries[name] = run[name](params, known, flow[one], carry)
        feats += (run[name](params, feats, flow, carry)[0],)
    known = tuple(x[one] for x in feats)
    return run["reconstruct"](params, pixels[None, None], known)[0, 0]


if __name__ == "__main__":
    w, h = map(int, sys.argv[2].split("x"))
    raw = iter(lambda: sys.stdin.buffer.read(3 * w * h), b"")
    lq = (np.frombuffer(x, np.uint8).reshape(h, w, 3) / np.float32(255) for x in raw)
    for frame in restore(sys.argv[1], lq, int(sys.argv[3])):
        sys.stdout.buffer.write(np.uint8(frame.clip(0, 1) * 255 + 0.5).tobytes())
