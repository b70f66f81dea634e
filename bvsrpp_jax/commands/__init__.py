"""The subcommands of `bvsrpp`, one a file: their options, and what they call.

Each has `add(commands)`, which adds it to the parser, and `run(arguments)`. Heavy
imports are inside `run`, so that `--help` answers at once.
"""

from bvsrpp_jax.commands import compare, convert, doctor, export, models, restore

COMMANDS = (restore, compare, convert, export, models, doctor)
