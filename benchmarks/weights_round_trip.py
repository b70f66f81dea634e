"""JAX to PyTorch and back with the four official sizes: are the weights the same?

    python benchmarks/weights_round_trip.py --torch-python .venv-torch/bin/python
    python benchmarks/weights_round_trip.py --torch-python ... --size "c64n7 x4"
    python benchmarks/weights_round_trip.py --torch-python ... --options

Random strong weights of each size are written in every dialect. PyTorch loads each
`.pth` with `weights_only=True` and `strict=True` and restores a small random clip, as
`bvsrpp convert --verify` has it do; the files are read back and compared bit for bit.
`--options` takes small networks of every option instead: scales, strides, branches,
order, alignment. Exits with 1 if anything differs.
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
SMALL = BasicVSRPlusPlus(mid_channels=16, num_blocks=1, hr_channels=16)
OPTIONS = (
    *({"scale": 2}, {"scale": 3}, {"scale": 8}),
    *({"scale": 1, "feature_stride": 2}, {"scale": 2, "feature_stride": 2}),
    *({"second_order": False}, {"alignment": "flow"}),
    {"alignment": "flow", "second_order": False},
    *({"branches": ("backward_1", "forward_1")}, {"branches": ("forward_1",)}),
)


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


def told(options: dict) -> str:
    """Options as a name."""
    return ", ".join(f"{key} {value}" for key, value in options.items())


def measure(
    name: str, model: BasicVSRPlusPlus, folder: pathlib.Path, python: str
) -> bool:
    """Prints a line for each dialect and says whether all is well."""
    params, well = strong_params(model), True
    dialects = DIALECTS if name in MODELS else DIALECTS[:1]  # a bare one cannot say all
    for dialect in dialects:
        path, start = folder / "weights.pth", time.perf_counter()
        save(path, model, params, dialect=dialect)
        seconds, size = time.perf_counter() - start, path.stat().st_size
        exact = same_bits(path, model, params)
        found = verify(path, python)
        safe = folder / "weights.safetensors"
        save(safe, model, params, dialect=dialect)
        exact_safe = same_bits(safe, model, params)
        well &= exact and exact_safe  # `verify` raises if the outputs differ
        print(
            f"{name:18} {dialect:9}{size / 1e6:6.1f} MB in {seconds:.1f} s;"
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
    print(check_torch(args.torch_python))
    models = {name: MODELS[name] for name in args.size}
    if args.options:
        models = {told(options): SMALL.clone(**options) for options in OPTIONS}
    with tempfile.TemporaryDirectory() as folder:
        well = [
            measure(name, model, pathlib.Path(folder), args.torch_python)
            for name, model in models.items()
        ]
    return int(not all(well))


if __name__ == "__main__":
    sys.exit(main())
