"""Exchanges weights with PyTorch, in both directions; PyTorch need not be installed.

python examples/pytorch_weights.py             the bundled network, there and back
python examples/pytorch_weights.py my.pth      a checkpoint of MMagic or BasicSR
"""

import argparse
from pathlib import Path

import jax
import numpy as np

import bvsrpp_jax as bvsrpp

parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
parser.add_argument("weights", nargs="?", default="lite")
parser.add_argument("--out", type=Path, default=Path("out/pytorch"))
args = parser.parse_args()
args.out.mkdir(parents=True, exist_ok=True)

# From PyTorch: the dialect is found, the sizes are read off the shapes, and no code of
# the file is run.
model, params = bvsrpp.load(args.weights)
print(f"{args.weights}: {sum(leaf.size for leaf in jax.tree.leaves(params)):,} numbers")

# To PyTorch: kernels get their own order of axes, values stay to the last bit.
# torch.load(path, weights_only=True) reads it, with the names that MMagic has.
path = args.out / "network.pth"
bvsrpp.save(path, model, params)
print(f"wrote {path}")

# And back.
again, same = bvsrpp.load(path)
assert again == model
assert jax.tree.all(jax.tree.map(np.array_equal, same, params))
print("read it again: the same network, bit for bit")
