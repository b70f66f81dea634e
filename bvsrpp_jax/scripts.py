"""What train.py and eval.py have in common: flags, and how they end."""

import os
import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NoReturn

import jax
import jax.numpy as jnp
from absl import app, flags, logging

from bvsrpp_jax.errors import InputError, Stopped
from bvsrpp_jax.models.basicvsrpp import BasicVSRPlusPlus
from bvsrpp_jax.processes import connect, is_main

FLAGS = flags.FLAGS
STOPPED, INTERRUPTED = 75, 130


def define_multihost() -> None:
    """Flags of runs on several hosts."""
    flags.DEFINE_bool("multihost", False, "Run as one of several processes.")
    flags.DEFINE_string("coordinator", None, "host:port of process 0, if needed.")
    flags.DEFINE_integer("num_processes", None, "How many, if it must be told.")
    flags.DEFINE_integer("process_id", None, "Which one this is, if it must be told.")


def run(script: str, main: Callable[[], int], *, at_once: bool = False) -> NoReturn:
    """Parses the flags, joins the other processes, runs, and leaves.

    Args:
      script: its name, for messages.
      main: does the work; returns the exit code.
      at_once: leave after a failure without waiting for threads that are at work.
    """

    def guarded(_) -> None:
        if not FLAGS["verbosity"].present:
            logging.set_verbosity(logging.WARNING)  # JAX tells which backends it lacks
        try:
            _join()
            code = main()
        except InputError as error:
            code = _tell(script, error)
        except KeyboardInterrupt:
            os._exit(INTERRUPTED)
        except Stopped:
            os._exit(STOPPED)
        except BrokenPipeError:  # whoever read the lines has left; the files are there
            os._exit(128 + signal.SIGPIPE)
        if code and at_once:
            sys.stdout.flush()
            os._exit(code)
        sys.exit(code)

    app.run(guarded, flags_parser=lambda argv: _parse(script, argv))


def _join() -> None:
    told = FLAGS.coordinator, FLAGS.num_processes, FLAGS.process_id
    if FLAGS.multihost:
        coordinator, num_processes, process_id = told
        connect(
            coordinator=coordinator, num_processes=num_processes, process_id=process_id
        )
    elif told != (None, None, None):
        raise InputError(
            "--coordinator, --num_processes, --process_id: belong to --multihost. Add"
            " it."
        )


def _parse(script: str, argv: list[str]) -> list[str]:
    """Flags, with mistakes told like any other bad input."""

    def leave(message: str) -> NoReturn:
        sys.exit(_tell(script, InputError(message)))

    try:
        rest = FLAGS(argv)
        FLAGS.config.to_dict()  # a file that cannot be loaded fails at its first use
    except (AttributeError, KeyError) as error:  # a lookup in the configuration
        # ml_collections passes on the repr of the message of a KeyError.
        told = str(error).strip("'\"").replace("\\'", "'").replace("\\n", ". ")
        leave(f"--config: has no entry {told}")
    except (flags.Error, TypeError, ValueError) as error:
        if "Traceback" in str(error):  # of a configuration that refuses what it is told
            leave(f"--config: {str(error).rpartition('Error: ')[2].strip()}")
        if "before a value for --config" in str(error):
            leave("--config: comes before its own entries. Move it to the front.")
        leave(f"{error} See {script} --help.")
    except OSError as error:
        reason = str(error).rpartition("\n")[2].strip()
        leave(f"--config: {reason}. Name a file of configs/.")
    except SystemExit:  # --help, which is no failure
        sys.exit(0)
    if rest[1:]:
        leave(f"{rest[1]}: is no flag. See {script} --help.")
    return rest


def _tell(script: str, error: InputError) -> int:
    """One line; returns the exit code."""
    line = " ".join(str(error).split())
    print(f"{script}: error: {line}", file=sys.stderr, flush=True)
    return 2


@contextmanager
def told_as_configuration() -> Iterator[None]:
    """Values that the network, the schedules or the samples refuse are bad input."""
    try:
        yield
    except InputError:
        raise
    except (TypeError, ValueError) as error:
        raise InputError(f"--config: {error}. Change that entry.") from error


def network_of(settings: Mapping[str, Any], **changes: Any) -> BasicVSRPlusPlus:
    """The network of `config.model`, whose entries without a value say nothing."""
    given = {name: value for name, value in settings.items() if value is not None}
    given["dtype"] = compute_dtype(settings["dtype"])
    return BasicVSRPlusPlus(**{**given, **changes})


def compute_dtype(name: str) -> jnp.dtype:
    """float32, bfloat16, or, to check results, float64 in JAX's 64-bit mode."""
    if name not in ("float32", "bfloat16", "float64"):
        raise InputError(
            f"config.model.dtype: {name!r} is no compute dtype. Take float32, bfloat16"
            " or float64."
        )
    if name == "float64" and not jax.config.jax_enable_x64:
        raise InputError(
            "config.model.dtype: float64 needs JAX's 64-bit mode. Set JAX_ENABLE_X64=1."
        )
    return jnp.dtype(name)


def say(line: str) -> None:
    """A line on stdout, by process 0."""
    if is_main():
        print(line, flush=True)
