"""`bvsrpp convert`: a weights file into one of our own."""

import argparse


def add(commands: argparse._SubParsersAction) -> None:
    """Adds the command to the parser."""
    command = commands.add_parser("convert", help="convert a weights file")
    command.set_defaults(run=run)
    add = command.add_argument
    add("input", metavar="INPUT", help="weights: .pth, .safetensors or a preset")
    add("output", metavar="OUTPUT", help="the .safetensors file to write")
    add("--overwrite", action="store_true", help="replace an existing output")


def run(arguments: argparse.Namespace) -> None:
    """Converts."""
    from bvsrpp_jax.weights.convert import convert
    from bvsrpp_jax.weights.report import conversion_text

    conversion = convert(
        arguments.input, arguments.output, overwrite=arguments.overwrite
    )
    print(conversion_text(conversion))
