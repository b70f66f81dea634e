"""The exceptions that are no bug of ours: your input, and being asked to stop.

The command line prints an `InputError` as a single line and leaves with exit code 2;
every other exception is a defect of this package and keeps its traceback.
"""


class InputError(ValueError):
    """Bad input or configuration, told in one line.

    The message has the form `<file or key>: <what is wrong>. <what to do>.`

    Example:
      >>> try:
      ...     bvsrpp.load("gone.pth")
      ... except bvsrpp.InputError as error:
      ...     print(error)
      gone.pth: no such file. Check the path.
    """


class Stopped(BaseException):
    """SIGTERM, or another process of the run: leaves through every cleanup."""
