#!/usr/bin/env bash
# The demo of `make demo`: a sandbox store from nothing to an approved sale, each command shown before it runs.
# Needs `tpayd` in PATH and TPAYD_HOME, which it makes anew.
set -euo pipefail

bold='' cyan='' plain=''
if [[ -t 1 ]]; then bold=$'\e[1m' cyan=$'\e[36m' plain=$'\e[0m'; fi

say() { printf '\n%s%s%s\n' "$bold" "$*" "$plain"; }
run() {
    printf '%s$ %s%s\n' "$cyan" "$*" "$plain"
    "$@"
}

if [[ -f $TPAYD_HOME/config/store.toml ]]; then
    say "An earlier demo is ended and removed: each begins with a fresh sandbox."
    run tpayd down
fi
rm -rf -- "$TPAYD_HOME"

say "1. A store without hardware: virtual readers on serial ports, a virtual card host on TCP"
run tpayd init --sandbox

say "2. What is installed is listed and signed, by a key made here; without that no payment starts"
run tpayd integrity sign

say "3. A release to try an update with: the next version, made of the same wheels, signed as a vendor would"
run python -m ops.release.demo "$TPAYD_HOME" --wheel build/wheel/tpayd-*.whl --dependencies build/wheels

say "4. Its processes, under supervisor"
run tpayd up

say "5. Keys: between host and each terminal, between host and each reader, mutually proven"
run tpayd keys exchange --all

say "6. Every process is ready, and the installed files are what was signed"
run tpayd wait-ready
run tpayd status
run tpayd integrity show

say "7. A sale: POS -> gateway -> transaction -> card reader -> card host, and back as an approval"
run tpayd sandbox host approve --delay-ms 400 --times 1 # as far away as a real one
run tpayd sale 11000 --vat 1000 --allow-duplicate

say "8. The host's own ledger agrees"
run tpayd sandbox ledger

programs=$(dirname "$(command -v tpayd)")
cat <<TEXT

The store keeps running. Try it:

  export TPAYD_HOME=$TPAYD_HOME PATH=$programs:\$PATH

  tpayd sale 30000 --lane 2 --installments 3
  tpayd sandbox host decline --times 1 && tpayd sale 5000      # the host says no, once
  tpayd sandbox host silent --times 1 && tpayd sale 5000       # the host says nothing: NOT PAID, and a reversal
  tpayd update check && tpayd update apply --now               # a newer version is there: go over to it
  tpayd logs -f                                                # what every process does meanwhile
  tpayd --help

  make stop                                                    # ends it; nothing stays behind
TEXT
