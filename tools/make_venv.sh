#!/bin/sh
# Makes or mends the virtual environment of the Makefile: tools/make_venv.sh .venv
# Installs requirements.txt and this package (editable, with its dev extra). When all of
# it is there already, it does nothing.
set -eu

venv=$1
stamp=$venv/.bvsrpp-installed
running=$venv/.bvsrpp-installing

# What an installation depends on: the two lists, and the folder, because an editable
# package and the scripts of bin/ hold its absolute path.
inputs() {
    pwd
    cat requirements.txt pyproject.toml
}

# Answers whether the environment's own Python runs and is not too old.
runs() {
    "$venv/bin/python" -c 'import pip, sys; sys.exit(sys.version_info < (3, 11))' \
        >/dev/null 2>&1 </dev/null
}

# Answers whether $PYTHON, where it is given, is the Python the environment is made of.
is_the_wanted_one() {
    [ -z "${PYTHON:-}" ] || [ "$(base "$PYTHON")" = "$(base "$venv/bin/python")" ]
}

base() {
    "$1" -c 'import os, sys; print(os.path.realpath(sys.executable))' 2>/dev/null
}

if [ -f "$stamp" ] && inputs | cmp -s - "$stamp" && runs && is_the_wanted_one; then
    exit 0
fi

# Made anew if it cannot run, was interrupted while installing, belongs to another
# folder or to another Python; otherwise (the lists have changed) only brought up.
moved=
if [ -f "$stamp" ] && [ "$(head -n 1 "$stamp")" != "$(pwd)" ]; then moved=yes; fi
if [ -e "$running" ] || [ -n "$moved" ] || ! runs || ! is_the_wanted_one; then
    python=$(sh tools/find_python.sh)
    echo "Making $venv with $("$python" --version) ($python)"
    "$python" -m venv --clear "$venv"
fi

rm -f "$stamp"
: >"$running"
echo "Installing into $venv; the first time this takes some minutes"
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check \
    -r requirements.txt -e '.[dev]'
inputs >"$stamp"
rm -f "$running"
