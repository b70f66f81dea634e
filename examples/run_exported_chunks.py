"""Restores a long clip chunk by chunk, with what `bvsrpp export` wrote.

    python run_exported_chunks.py lite.jaxexport lq.npy output.npy 8

As run_exported.py, with its result to rounding; but the device holds eight frames at a
time, the rest waits on the host. No code of bvsrpp_jax is needed.
"""

import json
import sys
import zipfile

import jax
import numpy as np
from jax import export


def load(path):
    """The description, the weights on the device, and the functions by name."""
    with zipfile.ZipFile(path) as file:
        about = json.loads(file.read("description.json"))
        params = jax.device_put(dict(np.load(file.open("params.npz"))))
        blobs = {name: file.read(f"{name}.bin") for name in about["functions"]}
    loaded = {name: export.deserialize(bytearray(blob)) for name, blob in blobs.items()}
    return about, params, {name: jax.jit(one.call) for name, one in loaded.items()}


def restore(path, lq, length):
    """Yields lq [t, h, w, 3] restored, in chunks of `length` frames."""
    about, params, run = load(path)
    chunks = [slice(i, i + length) for i in range(0, len(lq), length)]
    encoded = []
    for chunk in chunks:
        frames = np.concatenate([lq[max(chunk.start - 1, 0)][None], lq[chunk]])
        encoded.append(jax.device_get(run["encode"](params, frames[None])))
    feat, backward, forward = (np.concatenate(p, 1) for p in zip(*encoded, strict=True))
    # A backward flow came with the later of its two frames; the earlier one wants it.
    flows = {"backward": np.roll(backward, -1, 1), "forward": forward}
    feats = [feat]
    for name, direction in about["branches"].items():
        carry, passed = run["empty_carry"](feat[:, :1], np.int32(0)), {}
        for chunk in chunks[:: -1 if direction == "backward" else 1]:
            known, flow = [f[:, chunk] for f in feats], flows[direction][:, chunk]
            new, carry = run[name](params, tuple(known), flow, carry)
            passed[chunk.start] = np.asarray(new)
        feats.append(np.concatenate([passed[chunk.start] for chunk in chunks], 1))
    for chunk in chunks:
        known = tuple(f[:, chunk] for f in feats)
        yield np.asarray(run["reconstruct"](params, lq[None, chunk], known)[0])


if __name__ == "__main__":
    source, lq, output, length = sys.argv[1:]
    restored = restore(source, np.load(lq, mmap_mode="r"), int(length))
    np.save(output, np.concatenate(list(restored)))
