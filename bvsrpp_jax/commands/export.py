"""`bvsrpp export`: the network as a file that needs no code of ours."""

import argparse
import sys

from bvsrpp_jax.commands import numbers


def add(commands: argparse._SubParsersAction) -> None:
    """Adds the command to the parser."""
    command = commands.add_parser(
        "export", help="write the network for programs without this package"
    )
    command.set_defaults(run=run)
    add = command.add_argument
    add("weights", metavar="WEIGHTS", help="weights: .pth, .safetensors or a preset")
    add("output", metavar="OUTPUT", help="the .jaxexport file to write")
    add("--platforms", default="cpu,cuda,tpu", help="where it may run; %(default)s")
    add("--dtype", default="float32", help="float32 or bfloat16, of the features")
    add("--size", type=numbers.size, help="take frames of this size alone, as 320x180")
    add("--frames", type=int, help="take so many frames alone")
    add("--batch", type=int, help="take so many clips alone")
    add("--stablehlo", metavar="FILE", help="also write the network as StableHLO text")
    add("--overwrite", action="store_true", help="replace existing files")


def run(arguments: argparse.Namespace) -> None:
    """Exports."""
    from bvsrpp_jax.export import export
    from bvsrpp_jax.export.report import export_text
    from bvsrpp_jax.export.sizes import Sizes

    w, h = arguments.size or (None, None)
    exported = export(
        arguments.weights,
        arguments.output,
        sizes=Sizes(arguments.batch, arguments.frames, h, w),
        platforms=[name.strip() for name in arguments.platforms.split(",")],
        dtype=arguments.dtype,
        stablehlo=arguments.stablehlo,
        overwrite=arguments.overwrite,
        on_function=lambda name: print(f"tracing {name}", file=sys.stderr),
    )
    print(export_text(exported))
