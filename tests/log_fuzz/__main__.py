"""`python -m tests.log_fuzz --megabytes 100`: until the logs have that size."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

from tests.log_fuzz.campaign import run


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.log_fuzz", description=__doc__)
    parser.add_argument("--megabytes", type=float, default=100.0)
    parser.add_argument("--minutes", type=float, default=60.0, help="at most")
    parser.add_argument("--lanes", type=int, default=16)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    began_s = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="tpayd-log-fuzz-") as place:
        findings = run(
            Path(place), lanes=options.lanes, log_bytes=int(options.megabytes * 1e6), limit_s=options.minutes * 60,
            seed=options.seed, told=lambda text: print(f"\r{text}   ", end="", flush=True),
        )  # fmt: skip
    print(f"\r{findings}; {(time.monotonic() - began_s) / 60:.1f} min")
    for leak in findings.leaks[:20]:
        print(f"BROKEN  {leak}")
    enough = findings.log_bytes >= options.megabytes * 1e6
    if not enough:
        print("BROKEN  the time was up before the logs had that size")
    return 1 if findings.leaks or not enough else 0


if __name__ == "__main__":
    sys.exit(main())
