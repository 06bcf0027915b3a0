#!/usr/bin/env bash
# Prints each Python here that tpayd can run on, the best first; exit status 1 where there is none.
# The distribution's own comes before the PATH's: it is built with profiles and without a shared library, and a store
# makes a tenth more sales on it (docs/performance.md). PYTHON=... names one, and then no other counts.
set -euo pipefail

pythons=(/usr/bin/python3 python3 python3.13 python3.12 python3.11)
[[ -z ${PYTHON:-} ]] || pythons=("$PYTHON")
usable='
import os, sys, venv
if sys.version_info < (3, 11):
    sys.exit(1)
print(os.path.realpath(sys._base_executable))
'
found=:
for python in "${pythons[@]}"; do
    path=$("$python" -I -c "$usable" 2>/dev/null) || continue
    [[ $found == *":$path:"* ]] || echo "$path"
    found+=$path:
done
[[ $found == : ]] || exit 0
needs="tpayd needs Python 3.11 or newer with its venv module"
echo "${PYTHON:+PYTHON=$PYTHON is not usable: }$needs (Debian: apt install python3-venv)." >&2
exit 1
