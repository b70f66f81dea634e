"""The command, called in the test's own process."""

from bvsrpp_jax import cli


def run(capsys, *argv):
    """The exit code, and what was written to stdout and stderr."""
    try:
        code = cli.main(argv)
    except SystemExit as ended:
        code = ended.code
    captured = capsys.readouterr()
    return code, captured.out, captured.err
