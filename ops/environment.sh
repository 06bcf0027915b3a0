#!/usr/bin/env bash
# environment.sh DIRECTORY NOTE: makes a virtual environment with pip, of the best Python here (ops/pythons.sh), and
# notes which that was. What is there stays as long as the same one is the best; otherwise it is made anew.
set -euo pipefail
directory=$1
note=$2
pythons=$(dirname "$0")/pythons.sh

# A distribution may keep pip for environments in a package of its own (Debian: python3-venv). Another Python's does it.
with_pip() {
    if "$1" -I -m ensurepip --version >/dev/null 2>&1; then
        "$1" -m venv --clear "$directory"
        return
    fi
    "$1" -m venv --clear --without-pip "$directory"
    while read -r other; do
        "$other" -m pip --python "$directory/bin/python" install --quiet pip </dev/null && return
    done < <(PYTHON='' "$pythons")
    return 1
}

best=
while read -r python; do
    best=${best:-$python}
    [[ -x $directory/bin/python && -e $note && $(<"$note") == "$best" ]] && exit 0
    if with_pip "$python"; then
        echo "$best" >"$note"
        exit 0
    fi
    echo "no environment with pip can be made of $python (Debian: apt install python3-venv)" >&2
done < <("$pythons")
exit 1
