"""`python -m tests.bench.journal [--rows 10000000] [--database sqlite|postgresql] [--keep DIR] [--json FILE]`.

Fills a journal with about so many rows, which are events (a payment has six): through the journal's own store, with a
real chain and real closes, as eight lanes make them in a year. Then a store with that journal is started, and asked and
sold at through its gateway, beside the same store with an empty journal. While old payments are purged, eight lanes
sell, and the longest time that one of them waited is told. At the end one lane is verified, and with `--verify all`
all of it.

The last line of the output is for scripts: `bench-journal: rows=… status_old_p99_ms=… totals_ms=… close_ms=… start_s=…
purging_gap_ms=… bytes_per_payment=…`. The exit code says whether the promises of docs/performance.md, 'A journal of ten
million rows', were kept.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from datetime import datetime
from pathlib import Path

import msgspec
import tomlkit

from tests.bench.chain_lane import client_name
from tests.bench.journal.filling import Filled, Told, fill
from tests.bench.journal.limits import broken
from tests.bench.journal.past import Past
from tests.bench.journal.probes import ask_all, bytes_of, ready_s, sell, verify_s
from tests.bench.machine import describe
from tests.bench.overload.tally import percentile_ms
from tests.harness import Store
from tests.harness.journals import ENGINES, Place
from tests.harness.postgres import PostgresServer
from tpayd.gateway.clients import ClientRegistry
from tpayd.kit.store_settings import load_store
from tpayd.transaction.journal import place_of
from tpayd_contracts.operation import Right

__all__ = ["LANES", "filled_in", "main", "measure", "purge_while_selling", "purged_to", "selling"]

LANES = 8
_ROUNDS = 3
_CARD = "visa-tap"
_RESULT = Path("var/bench-journal.json")
_LAST_LINE = (
    "rows", "status_old_p99_ms", "explain_p99_ms", "search_ms", "totals_ms", "close_ms", "start_s", "sale_p50_ratio",
    "purging_gap_ms", "bytes_per_payment",
)  # fmt: skip
_SERVER = {"autovacuum": "on", "shared_buffers": "256MB", "max_wal_size": "4GB"}


class Progress:
    """What is done on one line, with an estimate of what is left."""

    def __init__(self) -> None:
        self._what = ""
        self._began_s = self._told_s = 0.0
        self._line = sys.stderr.isatty()

    def __call__(self, what: str, done: int, of: int) -> None:
        now_s = time.monotonic()
        if what != self._what:
            self._what, self._began_s, self._told_s = what, now_s, 0.0
        if done < of and now_s - self._told_s < (0.5 if self._line else 10.0):
            return
        self._told_s = now_s
        left_s = (now_s - self._began_s) * (of - done) / max(1, done)
        text = f"{what}: {done:,} of {of:,}, {left_s:,.0f} s left"
        print(
            f"\r{text:<70}" if self._line else text, end="\n" if done >= of or not self._line else "", file=sys.stderr
        )


def main() -> None:
    """Fill, measure, judge, print."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.journal", description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000, help="events (default: %(default)s)")
    parser.add_argument("--database", choices=ENGINES, default="sqlite")
    parser.add_argument("--seconds", type=float, default=10.0, help="of each time of sales (default: %(default)s)")
    parser.add_argument("--keep", type=Path, help="have the store here, and fill its SQLite journal only once")
    parser.add_argument("--verify", choices=("no", "lane", "all"), default="lane", help="(default: %(default)s)")
    parser.add_argument("--json", type=Path, default=_RESULT, help="result file (default: %(default)s)")
    options = parser.parse_args()
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tpayd-bench-")))
        url = ""
        if options.database == "postgresql":
            url = stack.enter_context(PostgresServer(_SERVER)).database()
        told = measure(directory, options.rows, options.seconds, url=url, keep=options.keep, verify=options.verify)
        machine = asdict(describe(directory))
    for name, value in told.items():
        print(f"{name:24} {value:,.3f}")
    options.json.parent.mkdir(parents=True, exist_ok=True)
    result = {"database": options.database, "machine": machine, "figures": told, "broken": broken(told)}
    options.json.write_text(json.dumps(result, indent=2) + "\n")
    for sentence in broken(told):
        print(sentence)
    print("bench-journal: " + " ".join(f"{name}={told[name]:.4g}" for name in _LAST_LINE))
    sys.exit(bool(broken(told)))


def measure(
    directory: Path, rows: int, seconds: float, *, url: str = "", keep: Path | None = None, verify: str
) -> dict[str, float]:
    """Every figure by name. `url` is that of a PostgreSQL database; otherwise the journal is a file."""
    progress = Progress()
    settings = {"transaction": {"journal_url": url}}
    full = Store(keep or directory / "full", lanes=LANES, readers=LANES, settings=settings)
    at, filled = filled_in(full, url, rows, progress, keep)
    told = {
        "rows": filled.rows, "payments": filled.payments, "days": filled.days, "fill_s": filled.seconds,
        "bytes_per_payment": bytes_of(at) / filled.payments,
    }  # fmt: skip
    with selling(Store(directory / "empty", lanes=LANES, readers=LANES)) as empty, selling(full):
        told |= ask_all(full, filled)
        told |= {"start_empty_s": ready_s(empty), "start_s": ready_s(full)}
        for store in (empty, full):
            store.hold_cards(_CARD)
        told["after_start_gap_ms"] = max(sell(full, LANES, seconds / 5))
        told |= _beside(empty, full, seconds / 5)
        told |= purge_while_selling(full, at, filled, seconds)
    if verify != "no":
        told["verify_lane_s"] = verify_s(at.url, "1", progress)
    if verify == "all":
        told["verify_s"] = verify_s(at.url, None, progress)
    return told


def _beside(empty: Store, full: Store, seconds: float) -> dict[str, float]:
    """A sale at one lane, in rounds that take turns, so that a slow minute of the machine meets both."""
    rounds = [[percentile_ms(sell(store, 1, seconds), 50) for store in (empty, full)] for _ in range(_ROUNDS)]
    empty_ms, full_ms = (statistics.median(times) for times in zip(*rounds, strict=True))
    ratio = statistics.median(full_ms / empty_ms for empty_ms, full_ms in rounds)
    return {"sale_empty_p50_ms": empty_ms, "sale_p50_ms": full_ms, "sale_p50_ratio": ratio}


@contextmanager
def selling(store: Store) -> Iterator[Store]:
    """The store's processes, a till for each lane, and a card at each reader."""
    with store:
        registry = ClientRegistry.open(store.instance)
        for lane in store.plan.lane_names:
            if registry.get(client_name(int(lane))) is None:
                registry.add(client_name(int(lane)), (lane,), Right.POS, local_uid=os.getuid())
        store.open_shop(card=_CARD)
        yield store


def filled_in(store: Store, url: str, rows: int, told: Told, keep: Path | None) -> tuple[Place, Filled]:
    """The store's journal with its rows; what was filled before, as a note in `keep` says, is taken as it is."""
    place = place_of(store.instance, url)
    at = Place("postgresql" if url else "sqlite", place.url)
    note = keep and keep / "filled.json"
    if note is not None and note.exists():
        return at, msgspec.json.decode(note.read_bytes(), type=Filled)
    house = load_store(store.instance.config / "store.toml")
    past = Past({lane.name: lane.terminal_id for lane in house.lanes}, house.host_profile)
    filled = fill(place, past, rows, datetime.now().astimezone(), told)
    if note is not None:
        note.write_bytes(msgspec.json.encode(filled))
    return at, filled


def purge_while_selling(
    store: Store, at: Place, filled: Filled, seconds: float, rounds: int = _ROUNDS
) -> dict[str, float]:
    """Sales at rest, and while the oldest third of the days is purged, in rounds that take turns."""
    keep_days = max(1, filled.days - max(1, filled.days // 3))
    rest, purging, ratios = list[float](), list[float](), list[float]()
    before = purged_to(at)
    for _ in range(rounds):
        quiet, busy = (_sell_keeping(store, days, seconds / rounds) for days in (0, keep_days))
        ratios.append(percentile_ms(busy, 50) / percentile_ms(quiet, 50))
        rest += quiet
        purging += busy
    done = purged_to(at) - before
    _set(store, journal_keep_days=0)
    return {
        "rest_p50_ms": percentile_ms(rest, 50), "rest_p99_ms": percentile_ms(rest, 99), "rest_gap_ms": max(rest),
        "purging_p50_ms": percentile_ms(purging, 50), "purging_p99_ms": percentile_ms(purging, 99),
        "purging_gap_ms": max(purging), "purging_p50_ratio": statistics.median(ratios), "purged_rows": done,
    }  # fmt: skip


def _sell_keeping(store: Store, days: int, seconds: float) -> list[float]:
    """Sales of a process that has just started, and purges what is older than that; 0 is nothing."""
    _set(store, journal_keep_days=days, journal_purge_every_s=1)
    ready_s(store)
    store.hold_cards(_CARD)
    return sell(store, LANES, seconds)


def purged_to(at: Place) -> int:
    """The position up to which the journal is purged."""
    rows = at.rows("select value from about where name = 'purged_to'")
    return int(rows[0][0]) if rows else 0


def _set(store: Store, **changed: object) -> None:
    """Change settings of the transaction process; they count from its next start."""
    path = store.instance.settings_file("transaction")
    settings = tomlkit.parse(path.read_text(encoding="utf-8"))
    for name, value in changed.items():
        settings[name] = value
    path.write_text(tomlkit.dumps(settings), encoding="utf-8")


if __name__ == "__main__":
    main()
