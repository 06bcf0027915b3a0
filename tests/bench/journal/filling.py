"""Fills a journal through the journal's own store: its schema, its statements, its chain."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

import msgspec

from tests.bench.journal.past import EVENTS_PER_PAYMENT, OPEN_H, OPENS_AT_H, Past, days_until
from tpayd.transaction import events as ev
from tpayd.transaction.closing.comparing import overall
from tpayd.transaction.closing.totals import DayBook
from tpayd.transaction.journal import JournalPlace, JournalStore
from tpayd.transaction.journal.entries import Entry
from tpayd.transaction.payment import Payment
from tpayd_contracts.business import Balance, CloseReport, TerminalBalance

__all__ = ["Filled", "Told", "fill"]

_BATCH = 4_000
"""Events in one commit."""
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
        if self.waiting:
            self.store.write(self.waiting, [])
        self.waiting = []


def fill(place: JournalPlace, past: Past, rows: int, today: datetime, told: Told) -> Filled:
    """Write about `rows` events, from as many days ago as they take until `today`, if the store is open by then.

    Each day but the last is closed.
    """
    began_s = time.monotonic()
    if today.hour <= OPENS_AT_H:
        today = (today - timedelta(days=1)).replace(hour=23)
    payments = max(_DAYS_MIN, round(rows / EVENTS_PER_PAYMENT))
    days = min(_DAYS_MAX, max(_DAYS_MIN, payments // _PER_DAY))
    lived: list[_Day] = []
    made = 0
    with closing(JournalStore(place.url, place.owner)) as store:
        store.open()
        pages = _Pages(store, [])
        for number, date in enumerate(days_until(today, days)):
            of_day = payments * (number + 1) // days - payments * number // days
            day = _Day(date)
            hours = OPEN_H if number < days - 1 else _hours_of(today)
            for entries in past.day(date, of_day, hours):
                pages.add(entries)
                day.enter(entries)
            pages.write()
            made += of_day
            told("filling", store.ends.position, rows)
            if number < days - 1:
                _close(store, day, past)
            if number in (0, days // 2, days - 1):
                lived.append(day)
        store.write([], past.blocks)
        position = store.ends.position
    first, middle, last = lived
    return Filled(
        position, made, days, first.sample(), last.sample(), f"{middle.date:%Y%m%d}", middle.new[0].payment_id,
        past.voided_late or first.sample()[0], time.monotonic() - began_s,
    )  # fmt: skip


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
