"""Child process of the tests of hostile files: reads each, watched and short of memory.

    python tests/read_hostile.py FOLDER GOOD_FILE

Reads the good file first, without torch. Prints, as JSON, file name -> what was raised,
what the interpreter was asked to do meanwhile, and how much the process grew.
"""

import json
import resource
import sys
import warnings
from pathlib import Path

sys.modules["torch"] = None  # where it is installed, an import of it fails here

from bvsrpp_jax.weights.store import read_weights  # noqa: E402

SPARE = 300 << 20  # bytes of address space beyond what the imports have taken
HARMLESS = {"open", "os.scandir", "os.listdir"}
WATCHED = ("os.", "subprocess.", "shutil.", "socket.", "ctypes.", "pickle.", "code.")


def main(folder, good):
    read_weights(good)  # imports what is imported late
    events = watch()
    compile("", "", "exec")
    if not events:
        raise SystemExit("the audit hook does not see what it should")
    limit_memory()
    results = {}
    for path in sorted(Path(folder).iterdir()):
        events.clear()
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        raised, message = attempt(path)
        after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        results[path.name] = {
            "raised": raised,
            "message": message,
            "events": list(events),
            "grown_mb": (after - before) / 1024,
        }
    print(json.dumps(results))


def attempt(path):
    try:
        read_weights(path)
    except Exception as error:  # noqa: BLE001 - which one it is, is the result
        return type(error).__name__, str(error)
    return "nothing", ""


def watch():
    """Events of code running or being fetched: imports, exec, processes, writing."""
    events = []

    def hook(event, arguments):
        # Only modules not imported yet raise `import`.
        if event in ("import", "exec", "compile"):
            events.append(event)
        if event == "open" and "r" not in str(arguments[1] or "r"):
            events.append(f"{event} {arguments[:2]}")
        if event not in HARMLESS and event.startswith(WATCHED):
            events.append(event)

    sys.addaudithook(hook)
    return events


def limit_memory():
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    limit = pages * resource.getpagesize() + SPARE
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


if __name__ == "__main__":
    warnings.simplefilter("error")
    main(*sys.argv[1:])
