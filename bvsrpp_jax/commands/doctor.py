"""`bvsrpp doctor`: what this machine has, and what is wrong with it."""

import argparse


def add(commands: argparse._SubParsersAction) -> None:
    """Adds the command to the parser."""
    command = commands.add_parser("doctor", help="check this machine, say what to do")
    command.set_defaults(run=run)
    command.add_argument("--json", action="store_true", help="print the facts as JSON")


def run(arguments: argparse.Namespace) -> None:
    """Examines, and prints each fact as it is found."""
    from bvsrpp_jax.doctor import examine
    from bvsrpp_jax.doctor.facts import as_json, as_text
    from bvsrpp_jax.errors import InputError

    facts = []
    for fact in examine():
        facts.append(fact)
        if not arguments.json:
            print(as_text(fact), flush=True)
    if arguments.json:
        print(as_json(facts))
    broken = [fact.name for fact in facts if fact.broken]
    if broken:
        names = ", ".join(broken)
        raise InputError(f"{names}: does not work. Do what the lines above say.")
