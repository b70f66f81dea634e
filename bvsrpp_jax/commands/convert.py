"""`bvsrpp convert`: a weights file of any project into one of any other."""

import argparse

# As `weights.saving.DIALECTS`, without importing JAX to answer --help.
DIALECTS = ("mmagic", "basicsr", "bare")
_DESCRIPTION = """
Reads the weights of MMEditing, MMagic, BasicSR, of a bare state dict (.pth, .pt or
.safetensors), of this package (.safetensors), of a training's workdir, or a preset;
says what it found; and writes them as OUTPUT's suffix and --dialect say. Neither way
needs PyTorch, and no code of the file is run.
"""
_EXAMPLES = """
examples:
  bvsrpp convert in.pth out.safetensors                 for this package
  bvsrpp convert runs/reds4 out.pth                     a training, for MMagic
  bvsrpp convert in.pth net_g.pth --dialect basicsr     any of them, for BasicSR
  bvsrpp convert lite lite.pth --verify                 the preset, for plain PyTorch
  bvsrpp convert in.safetensors net.pth --dialect bare  for net.load_state_dict(...)
"""


def add(commands: argparse._SubParsersAction) -> None:
    """Adds the command to the parser."""
    command = commands.add_parser(
        "convert",
        help="convert weights between PyTorch's projects and this one",
        description=_DESCRIPTION,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.set_defaults(run=run)
    add = command.add_argument
    add(
        "input",
        metavar="INPUT",
        help="weights: .pth, .safetensors, a workdir or a preset",
    )
    add(
        "output",
        metavar="OUTPUT",
        help="the .safetensors, .pth or .pt file to write",
    )
    add(
        "--dialect",
        choices=DIALECTS,
        help="whose file to write: mmagic (MMEditing's, too; .pth unless told"
        " otherwise), basicsr, or bare, the network's own state dict",
    )
    add("--overwrite", action="store_true", help="replace an existing output")
    add(
        "--verify",
        action="store_true",
        help="run a small clip through OUTPUT here and in PyTorch, which has to be"
        " installed with torchvision, and print the largest difference",
    )
    add(
        "--torch-python",
        metavar="PYTHON",
        help="the Python that has PyTorch, for --verify (default: this one)",
    )


def run(arguments: argparse.Namespace) -> None:
    """Converts."""
    from bvsrpp_jax.errors import InputError
    from bvsrpp_jax.weights.convert import convert
    from bvsrpp_jax.weights.report import conversion_text, verification_text
    from bvsrpp_jax.weights.verify import check_torch, verify

    if arguments.torch_python and not arguments.verify:
        raise InputError("--torch-python: has no effect without --verify. Add it.")
    if arguments.verify:
        check_torch(arguments.torch_python)
    conversion = convert(
        arguments.input,
        arguments.output,
        dialect=arguments.dialect,
        overwrite=arguments.overwrite,
    )
    print(conversion_text(conversion), flush=True)
    if arguments.verify:
        found = verify(arguments.output, arguments.torch_python)
        print(verification_text(found))
