"""JAX to PyTorch and back with the four official sizes: are the weights the same?

    python benchmarks/weights_round_trip.py --torch-python .venv-torch/bin/python
    python benchmarks/weights_round_trip.py --torch-python ... --size "c64n7 x4"
    python benchmarks/weights_round_trip.py --torch-python ... --options

Random strong weights of each size are written in every dialect. PyTorch loads each
`.pth` with `weights_only=True` and `strict=True` and restores a small random clip, as
`bvsrpp convert --verify` has it do; the files are read back and compared bit for bit.
`--options` does so with small networks of every other scale, stride, grid of branches,
order and alignment. Exits with 1 if anything differs.
"""

import argparse
import pathlib
import sys
import tempfile
import time

from flax.traverse_util import flatten_dict
from strong_weights import strong_weight

from bvsrpp_jax.models.basicvsrpp import BasicVSRPlusPlus
from bvsrpp_jax.weights.architecture import variant_of
from bvsrpp_jax.weights.catalogue import OFFICIAL
from bvsrpp_jax.weights.layout import Tree, layout, to_tree
from bvsrpp_jax.weights.saving import DIALECTS, save
from bvsrpp_jax.weights.store import read_weights
from bvsrpp_jax.weights.verify import check_torch, verify

SEED = 6
MODELS = {variant_of(entry.model): entry.model for entry in OFFICIAL}
_SMALL = BasicVSRPlusPlus(mid_channels=16, num_blocks=1)
_GRIDS = (
    ("forward_1",),
    ("backward_1", "forward_1"),
    ("forward_1", "backward_1"),
    ("forward_2", "backward_1", "forward_1"),
)
_CHANGES = (
    *({"scale": scale} for scale in (2, 3, 8)),
    *({"scale": 1, "feature_stride": stride} for stride in (1, 2)),
    *({"scale": scale, "feature_stride": 2} for scale in (2, 3)),
    *({"branches": branches} for branches in _GRIDS),
    {"second_order": False},
    {"alignment": "flow"},
    {"alignment": "flow", "second_order": False},
)
OPTIONS = {variant_of(m): m for m in (_SMALL.clone(**c) for c in _CHANGES)}


def strong_params(model: BasicVSRPlusPlus) -> Tree:
    """Weights with which a wrong network cannot hide."""
    depth = {"seed": SEED, "depth": model.num_blocks}
    places = layout(model).items()
    return to_tree(model, {k: strong_weight(k, p.shape, **depth) for k, p in places})


def same_bits(path: pathlib.Path, model: BasicVSRPlusPlus, params: Tree) -> bool:
    """Whether a file holds this network, to the last bit."""
    found = read_weights(path)
    flat, expected = flatten_dict(found.params), flatten_dict(params)
    return (
        found.model == model
        and flat.keys() == expected.keys()
        and all(flat[k].tobytes() == expected[k].tobytes() for k in expected)
    )


def measure(
    name: str, model: BasicVSRPlusPlus, folder: pathlib.Path, python: str
) -> bool:
    """Prints a line for each dialect and says whether all is well."""
    params, well = strong_params(model), True
    # A bare state dict cannot say every option.
    for dialect in DIALECTS if name in MODELS else DIALECTS[:2]:
        path, start = folder / "weights.pth", time.perf_counter()
        save(path, model, params, dialect=dialect)
        seconds, size = time.perf_counter() - start, path.stat().st_size
        exact = same_bits(path, model, params)
        found = verify(path, python)
        safe = folder / "weights.safetensors"
        save(safe, model, params, dialect=dialect)
        exact_safe = same_bits(safe, model, params)
        well &= exact and exact_safe and found.difference <= 1e-5
        print(
            f"{name:37}{dialect:9}{size / 1e6:6.1f} MB in {seconds:.1f} s;"
            f" PyTorch differs by {found.difference:.1e}, outputs up to"
            f" {found.largest:.2f}; bits of .pth {'same' if exact else 'DIFFER'},"
            f" of .safetensors {'same' if exact_safe else 'DIFFER'}",
            flush=True,
        )
    return well


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--torch-python", required=True)
    parser.add_argument("--size", choices=MODELS, nargs="*", default=[*MODELS])
    parser.add_argument("--options", action="store_true")
    args = parser.parse_args()
    models = OPTIONS if args.options else {name: MODELS[name] for name in args.size}
    print(check_torch(args.torch_python))
    with tempfile.TemporaryDirectory() as folder:
        well = [
            measure(name, model, pathlib.Path(folder), args.torch_python)
            for name, model in models.items()
        ]
    return int(not all(well))


if __name__ == "__main__":
    sys.exit(main())
