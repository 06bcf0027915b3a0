"""The parts of the bench: fill, ask, sell, purge, verify. In a place that stays, each that is done is noted."""

from __future__ import annotations

import os
import signal
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import msgspec
import tomlkit

from tests.bench.chain_lane import client_name
from tests.bench.journal.filling import Filled, Told, fill
from tests.bench.journal.past import Past
from tests.bench.journal.probes import ask_all, bytes_of, ready_s, sell, verify_s
from tests.bench.overload.tally import percentile_ms
from tests.harness import Store
from tests.harness.journals import Place
from tests.harness.ports import free_ports
from tpayd.gateway.clients import ClientRegistry
from tpayd.kit.store_settings import load_store
from tpayd.transaction.journal import place_of
from tpayd_contracts.operation import Right

__all__ = [
    "LANES", "PARTS", "Ending", "Progress", "filled_in", "measure", "purge_while_selling", "purged_to", "selling",
]  # fmt: skip

PARTS = ("fill", "ask", "sell", "purge", "verify")
LANES = 8
_ROUNDS = 3
_CARD = "visa-tap"

Figures = dict[str, float]


class Progress:
    """What is done on one line, with an estimate of what is left."""

    def __init__(self) -> None:
        self._what = ""
        self._began_s = self._told_s = 0.0
        self._had = 0
        self._line = sys.stderr.isatty()

    def __call__(self, what: str, done: int, of: int) -> None:
        now_s = time.monotonic()
        if what != self._what:
            self._what, self._began_s, self._told_s, self._had = what, now_s, 0.0, done
        if done < of and now_s - self._told_s < (0.5 if self._line else 10.0):
            return
        self._told_s = now_s
        left_s = (now_s - self._began_s) * (of - done) / max(1, done - self._had)
        text = f"{what}: {done:,} of {of:,}, {left_s:,.0f} s left"
        print(
            f"\r{text:<70}" if self._line else text, end="\n" if done >= of or not self._line else "", file=sys.stderr
        )


class Ending:
    """SIGINT and SIGTERM: a journal is filled to the end of its day, all else ends at once, as at the second signal."""

    def __init__(self) -> None:
        self._asked = False
        self._filling = True

    def listen(self) -> None:
        """From now on."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._ask)

    def __call__(self) -> bool:
        """Whether to stop at the end of a day that is filled."""
        return self._asked

    def filled(self) -> None:
        """There are no such ends from now on."""
        self._filling = False

    def _ask(self, *_: object) -> None:
        if self._asked or not self._filling:
            raise KeyboardInterrupt
        self._asked = True


class _Notes:
    """The figures of the parts that are done, in a file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._parts = msgspec.json.decode(path.read_bytes(), type=dict[str, Figures]) if path.exists() else {}

    def figures(self, part: str, measured: Callable[[], Figures]) -> None:
        """Have the part done, unless it was."""
        if part not in self._parts:
            self._parts[part] = measured()
            self._path.write_bytes(msgspec.json.encode(self._parts))

    def lack(self, *parts: str) -> bool:
        return not set(parts) <= set(self._parts)

    @property
    def all(self) -> Figures:
        return {name: value for figures in self._parts.values() for name, value in figures.items()}


def measure(
    place: Path, rows: int, seconds: float, *, urls: tuple[str, str] = ("", ""), verify: str, until: str = PARTS[-1],
    ending: Ending,
) -> Figures:  # fmt: skip
    """Every figure by name, of all parts up to `until`.

    `urls` are those of two PostgreSQL databases, the second for the store whose journal is empty; else both are files.

    Raises FillInterruptedError if it was interrupted where it can go on from.
    """
    progress = Progress()
    notes = _Notes(place / "figures.json")
    wanted = PARTS[: PARTS.index(until) + 1]
    full, empty = (Store(place / name, lanes=LANES, readers=LANES) for name in ("full", "empty"))
    for store, url in zip((full, empty), urls, strict=True):
        _take_free_ports(store)
        _set(store, journal_url=url)
    at, filled = filled_in(full, urls[0], rows, progress, place, ending)
    ending.filled()
    notes.figures("fill", lambda: _filled(at, filled))
    asked: Mapping[str, Callable[[], Figures]] = {
        "ask": lambda: ask_all(full, filled),
        "sell": lambda: _sold(empty, full, seconds / 5),
        "purge": lambda: purge_while_selling(full, at, filled, seconds),
    }
    left = [part for part in wanted if part in asked and notes.lack(part)]
    if left:
        with selling(empty), selling(full):
            for part in left:
                notes.figures(part, asked[part])
    if "verify" in wanted and verify != "no":
        notes.figures("verify", lambda: _verified(at, verify, progress))
    return notes.all


def _filled(at: Place, filled: Filled) -> Figures:
    return {
        "rows": filled.rows, "payments": filled.payments, "days": filled.days, "fill_s": filled.seconds,
        "bytes_per_payment": bytes_of(at) / filled.payments,
    }  # fmt: skip


def _sold(empty: Store, full: Store, seconds: float) -> Figures:
    told = {"start_empty_s": ready_s(empty), "start_s": ready_s(full)}
    for store in (empty, full):
        store.hold_cards(_CARD)
    told["after_start_gap_ms"] = max(sell(full, LANES, seconds))
    return told | _beside(empty, full, seconds)


def _verified(at: Place, verify: str, progress: Progress) -> Figures:
    told = {"verify_lane_s": verify_s(at.url, "1", progress)}
    if verify == "all":
        told["verify_s"] = verify_s(at.url, None, progress)
    return told


def _beside(empty: Store, full: Store, seconds: float) -> Figures:
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


def filled_in(
    store: Store, url: str, rows: int, told: Told, place: Path, stopping: Callable[[], bool] = lambda: False
) -> tuple[Place, Filled]:
    """The store's journal with its rows; what was filled before, as a note in `place` says, is taken as it is."""
    journal = place_of(store.instance, url)
    at = Place("postgresql" if url else "sqlite", journal.url)
    note = place / "filled.json"
    if note.exists():
        return at, msgspec.json.decode(note.read_bytes(), type=Filled)
    house = load_store(store.instance.config / "store.toml")
    past = Past({lane.name: lane.terminal_id for lane in house.lanes}, house.host_profile)
    half = place / "half-filled"
    filled = fill(journal, past, rows, datetime.now().astimezone(), told, half, stopping)
    note.write_bytes(msgspec.json.encode(filled))
    half.unlink(missing_ok=True)
    return at, filled


def purge_while_selling(store: Store, at: Place, filled: Filled, seconds: float, rounds: int = _ROUNDS) -> Figures:
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


def _take_free_ports(store: Store) -> None:
    """For a store that was kept: ports that were free when it was made may be another program's by now."""
    gateway, host = free_ports(2)
    for service, name, port in (("gateway", "tcp_port", gateway), ("sandbox_host", "port", host)):
        path = store.instance.settings_file(service)
        settings = tomlkit.parse(path.read_text(encoding="utf-8"))
        was, settings[name] = settings[name], port
        path.write_text(tomlkit.dumps(settings), encoding="utf-8")
        link = store.instance.settings_file("host_link")
        link.write_text(link.read_text(encoding="utf-8").replace(f"127.0.0.1:{was}", f"127.0.0.1:{port}"))


def _set(store: Store, **changed: object) -> None:
    """Change settings of the transaction process; they count from its next start."""
    path = store.instance.settings_file("transaction")
    settings = tomlkit.parse(path.read_text(encoding="utf-8"))
    for name, value in changed.items():
        settings[name] = value
    path.write_text(tomlkit.dumps(settings), encoding="utf-8")
