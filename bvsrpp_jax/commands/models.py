"""`bvsrpp models`: which networks there are."""

import argparse


def add(commands: argparse._SubParsersAction) -> None:
    """Adds the command to the parser."""
    command = commands.add_parser("models", help="list the networks there are")
    command.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """Lists them."""
    from bvsrpp_jax.weights.bundled import bundled
    from bvsrpp_jax.weights.catalogue import OFFICIAL
    from bvsrpp_jax.weights.report import models_text

    print(models_text(bundled(), OFFICIAL))
