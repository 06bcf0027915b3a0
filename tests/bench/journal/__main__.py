"""`python -m tests.bench.journal [--rows 10000000] [--database sqlite|postgresql] [--place DIR] [--json FILE]`.

Fills a journal with about so many rows, which are events (a payment has six): through the journal's own store, with a
real chain and real closes, as eight lanes make them in a year. Then a store with that journal is started, and asked and
sold at through its gateway, beside the same store with an empty journal. While old payments are purged, eight lanes
sell, and the longest time that one of them waited is told. At the end one lane is verified, and with `--verify all`
all of it.

With `--place` the journal stays there, with the figures of the parts that are done (fill, ask, sell, purge, verify):
interrupted, or ended by `--until`, it goes on where it stopped when it is started again with the same place. A journal
that is being filled is filled to the end of its day first.

The last line of the output is for scripts: `bench-journal: rows=… status_old_p99_ms=… totals_ms=… close_ms=… start_s=…
purging_gap_ms=… bytes_per_payment=…`. The exit code says whether the promises of docs/performance.md, 'A journal of ten
million rows', were kept.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path

from tests.bench.journal.filling import FillInterruptedError
from tests.bench.journal.limits import broken
from tests.bench.journal.parts import PARTS, Ending, measure
from tests.bench.machine import describe
from tests.harness.journals import ENGINES
from tests.harness.postgres import PostgresServer

__all__ = ["main"]

_RESULT = Path("var/bench-journal.json")
_LAST_LINE = (
    "rows", "status_old_p99_ms", "explain_p99_ms", "search_ms", "totals_ms", "close_ms", "start_s", "sale_p50_ratio",
    "purging_gap_ms", "bytes_per_payment",
)  # fmt: skip
_SERVER = {"autovacuum": "on", "shared_buffers": "256MB", "max_wal_size": "4GB"}


def main() -> None:
    """Fill, measure, judge, print."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.journal", description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000, help="events (default: %(default)s)")
    parser.add_argument("--database", choices=ENGINES, default="sqlite")
    parser.add_argument("--seconds", type=float, default=10.0, help="of each time of sales (default: %(default)s)")
    parser.add_argument("--place", type=Path, help="a directory of this run, which stays; go on with what is there")
    parser.add_argument("--until", choices=PARTS, default=PARTS[-1], help="the last part (default: %(default)s)")
    parser.add_argument("--verify", choices=("no", "lane", "all"), default="lane", help="(default: %(default)s)")
    parser.add_argument("--json", type=Path, default=_RESULT, help="result file (default: %(default)s)")
    options = parser.parse_args()
    ending = Ending()
    ending.listen()
    with ExitStack() as stack:
        base: Path = options.place or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tpayd-bench-")))
        place = (base / options.database).resolve()
        place.mkdir(parents=True, exist_ok=True)
        urls = "", ""
        if options.database == "postgresql":
            # A temporary directory is its owner's alone, and the server may have to be somebody else.
            server = stack.enter_context(PostgresServer(_SERVER, place / "server" if options.place else None))
            urls = server.kept_database("journal"), server.kept_database("empty")
        told = measure(
            place, options.rows, options.seconds, urls=urls, verify=options.verify, until=options.until, ending=ending
        )
        machine = asdict(describe(place))
    for name, value in told.items():
        print(f"{name:24} {value:,.3f}")
    options.json.parent.mkdir(parents=True, exist_ok=True)
    result = {"database": options.database, "machine": machine, "figures": told, "broken": broken(told)}
    options.json.write_text(json.dumps(result, indent=2) + "\n")
    for sentence in broken(told):
        print(sentence)
    print("bench-journal: " + " ".join(f"{name}={told[name]:.4g}" for name in _LAST_LINE if name in told))
    sys.exit(bool(broken(told)))


if __name__ == "__main__":
    try:
        main()
    except (FillInterruptedError, KeyboardInterrupt):
        sys.exit("bench-journal: interrupted; with --place it goes on where it stopped when it is started again")
