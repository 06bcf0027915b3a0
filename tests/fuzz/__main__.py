"""`python -m tests.fuzz --inputs 1000000`: as many inputs on each reader driver."""

from __future__ import annotations

import argparse
import sys

from tests.fuzz.campaign import FuzzError, run
from tests.fuzz.inputs import DIALECTS

_GROWN_MIB_MAX = 16


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--inputs", type=int, default=1_000_000, help="inputs per driver")
    parser.add_argument("--driver", choices=sorted(DIALECTS), help="this driver alone")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--first", type=int, default=1, help="number of the first input, to try one again")
    options = parser.parse_args()
    for name in [options.driver] if options.driver else sorted(DIALECTS):
        try:
            findings = run(name, inputs=options.inputs, seed=options.seed, first=options.first)
        except FuzzError as error:
            print(f"BROKEN  {error}\nagain:  --driver {name} --seed {options.seed} --first N --inputs 1")
            return 1
        print(findings, flush=True)
        if findings.grown_mib > _GROWN_MIB_MAX:
            print(f"BROKEN  memory grows: {findings.grown_mib:.1f} MiB")
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
