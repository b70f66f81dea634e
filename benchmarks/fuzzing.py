"""Workers that read one damaged file after the other, and may crash or hang of it."""

import collections
import select
import subprocess
import time
from collections.abc import Sequence


def supervise(program: Sequence[str], seconds: float, *, hang: float) -> set[str]:
    """Starts worker after worker and prints what became of the cases.

    Args:
      program: the command of a worker; it gets `--worker` and the number of its first
        case, and prints an outcome a line: "read", "refused", "other: ...".
      seconds: until no more is begun.
      hang: seconds without a line after which a worker hangs.

    Returns:
      The kinds of outcomes that there were.
    """
    counts, case, end = collections.Counter(), 0, time.monotonic() + seconds
    while time.monotonic() < end:
        command = [*program, "--worker", str(case)]
        # libtiff and others tell the terminal of what they find.
        quiet = {"stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
        with subprocess.Popen(command, **quiet) as worker:
            while time.monotonic() < end:
                ready, _, _ = select.select([worker.stdout], [], [], hang)
                line = worker.stdout.readline().decode() if ready else ""
                if not line:
                    break
                case, outcome = case + 1, line.strip()
                counts[outcome.split(":")[0]] += 1
                if outcome.startswith("other"):
                    print(f"case {case - 1}: {outcome}", flush=True)
            worker.kill()
        if time.monotonic() < end:
            outcome = f"ended with {worker.returncode}" if ready else "hung"
            print(f"case {case}: {outcome}", flush=True)
            case, counts[outcome] = case + 1, counts[outcome] + 1
    print(f"{case} cases: {dict(counts)}")
    return {*counts}
