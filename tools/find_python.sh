#!/bin/sh
# Prints the Python to use: $PYTHON if it is set, else the newest that can be used, on
# the PATH or among pyenv's versions (active or not).
#
#   tools/find_python.sh            newest of 3.14 3.13 3.12 3.11
#   tools/find_python.sh 3.11       that one only
#
# No 3.15 by itself: tensorstore and dm-tree (under orbax-checkpoint and
# tensorflow-datasets) have no wheels for it yet. PYTHON=python3.15 overrides.
set -u

# A candidate must run: a pyenv shim of a version that is not active exists but only
# prints "command not found", and Debian's python3 may lack venv or ensurepip. The
# dependencies have wheels for the final, 64-bit CPython with its lock only.
can_be_used() {
    "$1" -c '
import ensurepip, sys, sysconfig, venv
wanted = tuple(int(part) for part in sys.argv[1].split("."))
fits = sys.version_info[:2] == wanted if len(wanted) == 2 else sys.version_info >= (3, 11)
final = sys.version_info.releaselevel == "final" or len(wanted) == 1
wheels = sys.implementation.name == "cpython" and sys.maxsize > 2**32
locked = not sysconfig.get_config_var("Py_GIL_DISABLED")
sys.exit(not (fits and final and wheels and locked))
' "$2" >/dev/null 2>&1 </dev/null
}

candidates() {
    for name in "python$1" python3 python; do
        command -v "$name"
        IFS=:
        for folder in $PATH; do
            [ -x "$folder/$name" ] && echo "$folder/$name"
        done
        unset IFS
    done
    for version in "${PYENV_ROOT:-$HOME/.pyenv}/versions/$1".*; do
        echo "$version/bin/python"
    done
}

if [ -n "${PYTHON:-}" ]; then
    if can_be_used "$PYTHON" 3; then
        command -v "$PYTHON"
        exit 0
    fi
    echo "PYTHON=$PYTHON: not a working 64-bit CPython 3.11 or newer with venv. Name another one." >&2
    exit 2
fi

for minor in ${*:-3.14 3.13 3.12 3.11}; do
    found=$(
        candidates "$minor" | while IFS= read -r python; do
            if can_be_used "$python" "$minor"; then
                echo "$python"
                break
            fi
        done
    )
    if [ -n "$found" ]; then
        echo "$found"
        exit 0
    fi
done
echo "no Python ${*:-3.11 to 3.14} with venv on the PATH or under pyenv. Install one (Debian: apt install python3-venv) or name it: make ... PYTHON=/path/to/python3." >&2
exit 2
