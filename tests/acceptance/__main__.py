"""`python -m tests.acceptance`: a store's day by the command line; exits with 1 where a payment was lost."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from tests.acceptance.command import CommandFailedError
from tests.acceptance.day import live

_SHOWN = 20


def main() -> int:
    """Live it, and print what came of it."""
    parser = argparse.ArgumentParser(prog="python -m tests.acceptance", description=__doc__)
    parser.add_argument("--payments", type=int, default=500, help="how many in all (default: %(default)s)")
    parser.add_argument("--lanes", type=int, default=8, help="default: %(default)s")
    parser.add_argument("--readers", type=int, default=3, help="default: %(default)s, and a spare one")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="tpayd-day-") as place:
        try:
            day = live(
                Path(place) / "store", lanes=options.lanes, readers=options.readers, payments=options.payments,
                say=lambda text: print(text, flush=True),
            )  # fmt: skip
        except CommandFailedError as error:
            print(f"shop-day: {error}", file=sys.stderr)
            return 1
    for what, lines in (("LOST", day.lost), ("refused", day.refused)):
        for line in lines[:_SHOWN]:
            print(what, line)
    print(day.last_line())
    return 1 if day.lost else 0


if __name__ == "__main__":
    sys.exit(main())
