"""Fills a journal through the journal's own store: its schema, its statements, its chain."""

from __future__ import annotations

import pickle
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

import msgspec

from tests.bench.journal.past import EVENTS_PER_PAYMENT, OPEN_H, OPENS_AT_H, Past, days_until
from tpayd.transaction import events as ev
from tpayd.transaction.closing.comparing import overall
from tpayd.transaction.closing.totals import DayBook
from tpayd.transaction.journal import JournalPlace, JournalStore
from tpayd.transaction.journal.entries import Entry
from tpayd.transaction.journal.errors import StorageError
from tpayd.transaction.journal.writing import RETRY_AFTER_S
from tpayd.transaction.payment import Payment
from tpayd_contracts.business import Balance, CloseReport, TerminalBalance

__all__ = ["FillInterruptedError", "Filled", "Told", "fill"]

_BATCH = 4_000
"""Events in one commit."""
_TRIES = 20
"""Of a commit: a machine that slept, or has other things to do, lets a server's time limits pass."""
_DAYS_MIN, _DAYS_MAX = 12, 1_800
_PER_DAY = 4_000
_SAMPLE = 200
_encoder = msgspec.msgpack.Encoder()

Told = Callable[[str, int, int], None]
"""What is done, how many of how many."""


class Filled(msgspec.Struct, frozen=True):
    """What is in the journal."""

    rows: int
    payments: int
    days: int
    oldest: tuple[tuple[str, str], ...]
    """Lane and request id of some of the first day's payments."""
    newest: tuple[tuple[str, str], ...]
    """Of today's."""
    old_day: str
    """Half-way back."""
    payment_id: str
    """Of a payment of that day."""
    voided_late: tuple[str, str]
    """A payment that was taken back as long after as any."""
    seconds: float


@dataclass(slots=True)
class _Pages:
    """Commits of a bounded size."""

    store: JournalStore
    waiting: list[Entry]

    def add(self, entries: list[Entry]) -> None:
        self.waiting += entries
        if len(self.waiting) >= _BATCH:
            self.write()

    def write(self) -> None:
        if not self.waiting:
            return
        for again in range(_TRIES, 0, -1):
            try:
                self.store.write(self.waiting, [])
                break
            except StorageError:
                if again == 1:
                    raise
                time.sleep(RETRY_AFTER_S)
        self.waiting = []


class FillInterruptedError(Exception):
    """Somebody wants it to stop; it goes on from its note."""


@dataclass
class _Half:
    """How far a journal is filled: what is noted after a day, to go on with the next one."""

    past: Past
    rows: int
    today: datetime
    done: int = 0
    """Days."""
    made: int = 0
    """Payments."""
    position: int = 0
    lived: list[_Day] = field(default_factory=list)
    seconds: float = 0.0


def fill(
    place: JournalPlace, past: Past, rows: int, today: datetime, told: Told,
    note: Path | None = None, stopping: Callable[[], bool] = lambda: False,
) -> Filled:  # fmt: skip
    """Write about `rows` events, from as many days ago as they take until `today`, if the store is open by then.

    Each day but the last is closed. Once it is `stopping`, it fills the rest of that day, notes in `note` how far it is
    and raises FillInterruptedError; with that note it goes on from there. Raises RuntimeError if the journal is not as
    noted, and StorageError.
    """
    half = _half_of(note) or _Half(past, rows, today)
    past = half.past
    began_s = time.monotonic() - half.seconds
    if (today := half.today).hour <= OPENS_AT_H:
        today = (today - timedelta(days=1)).replace(hour=23)
    payments = max(_DAYS_MIN, round(half.rows / EVENTS_PER_PAYMENT))
    days = min(_DAYS_MAX, max(_DAYS_MIN, payments // _PER_DAY))
    with closing(JournalStore(place.url, place.owner)) as store:
        store.open()
        if store.ends.position != half.position:
            raise RuntimeError(f"{place.url} was not interrupted in order: remove it, to have it filled anew")
        pages = _Pages(store, [])
        for number, date in list(enumerate(days_until(today, days)))[half.done :]:
            of_day = payments * (number + 1) // days - payments * number // days
            day = _Day(date)
            hours = OPEN_H if number < days - 1 else _hours_of(today)
            for entries in past.day(date, of_day, hours):
                pages.add(entries)
                day.enter(entries)
            pages.write()
            half.made += of_day
            half.position = store.ends.position
            told("filling", half.position, half.rows)
            if number < days - 1:
                _close(store, day, past)
            if number in (0, days // 2, days - 1):
                half.lived.append(day)
            half.done, half.seconds = number + 1, time.monotonic() - began_s
            if note is not None and stopping() and half.done < days:
                note.write_bytes(pickle.dumps(half))
                raise FillInterruptedError
        store.write([], past.blocks)
    first, middle, last = half.lived
    return Filled(
        half.position, half.made, days, first.sample(), last.sample(), f"{middle.date:%Y%m%d}",
        middle.new[0].payment_id, past.voided_late or first.sample()[0], half.seconds,
    )  # fmt: skip


def _half_of(note: Path | None) -> _Half | None:
    if note is None or not note.exists():
        return None
    half: _Half = pickle.loads(note.read_bytes())
    return half


class _Day:
    """What a day's lanes have done."""

    def __init__(self, date: datetime) -> None:
        self.date = date
        self.new: list[Payment] = []
        """As they began."""
        self.last: dict[str, Payment] = {}
        """The last value of each payment that changed."""

    def enter(self, entries: list[Entry]) -> None:
        for entry in entries:
            if isinstance(entry.event, ev.Created):
                self.new.append(entry.payment)
            self.last[entry.payment.payment_id] = entry.payment

    def sample(self) -> tuple[tuple[str, str], ...]:
        step = max(1, len(self.new) // _SAMPLE)
        return tuple((payment.lane, payment.request_id) for payment in self.new[::step][:_SAMPLE])


def _hours_of(today: datetime) -> float:
    """How long the store is open already."""
    return min(OPEN_H, (today.hour - OPENS_AT_H) * 0.9)


def _close(store: JournalStore, day: _Day, past: Past) -> None:
    """The report of the day's close, as the closing desk keeps it; the host agreed."""
    name = f"{day.date:%Y%m%d}"
    book = DayBook(name, past.profile)
    for payment in day.last.values():
        book.enter(payment)
    totals = book.totals(int(day.date.replace(hour=22).timestamp() * 1000))
    terminals = tuple(TerminalBalance(terminal, Balance.BALANCED) for terminal in past.terminal_ids)
    report = CloseReport(0, overall(terminals), totals, terminals)
    store.keep_close(past.profile, name, totals.at_ms, partial(_numbered, report))


def _numbered(report: CloseReport, number: int) -> bytes:
    return _encoder.encode(msgspec.structs.replace(report, number=number))
