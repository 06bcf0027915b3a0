"""Finds damage in a journal from its rows alone. Pure: `verifying` brings the rows.

Each event must be the next one of its lane's chain, hold what was written, and be possible after those before it. Each
payment's record must be what its events make of it, and each chain end where the table of chains says.
"""

from __future__ import annotations

import zlib
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from tpayd.transaction import events as ev
from tpayd.transaction.journal.chain import Link, link
from tpayd.transaction.journal.coding import decode_payment
from tpayd.transaction.journal.entries import named_payment_row
from tpayd.transaction.journal.rebuilding import StoredEvent, advance, decode_event
from tpayd.transaction.payment import Payment

__all__ = ["MAX_FINDINGS", "Auditor", "Finding"]

MAX_FINDINGS = 100
"""Kept; all are counted."""
_MAX_LIVE = 20_000
"""Payments followed at once. Of one that goes on after so many others, only its presence is checked."""

_UNKNOWN = -1
_CHANGED = "it has changed since it was written"
_COMPARED = ("state", "stan", "business_day", "terminal_id", "profile", "amount_minor", "payment_id", "request_id")


@dataclass(frozen=True, slots=True)
class Finding:
    """One damage, and where it is."""

    what: str
    position: int | None = None
    lane: str | None = None
    seq: int | None = None
    payment_id: str | None = None


@dataclass(slots=True)
class _Followed:
    first_position: int
    last_position: int
    payment: Payment | None
    """None where a payload is gone or damaged: what the events make of it cannot be said."""


class Auditor:
    """Takes all events by position, then the chains, then the payments, then says what is left over."""

    def __init__(self, lane: str | None = None) -> None:
        """`lane`: only what this lane has is shown, so that positions in between are no gap."""
        self._whole = lane is None
        self.events = 0
        self.purged = 0
        self.payments = 0
        self.damages = 0
        self.findings: list[Finding] = []
        self.position = 0
        """Of the last event seen."""
        self._last: dict[str, StoredEvent] = {}
        """Of each lane."""
        self._meant: dict[str, Link] = {}
        """Of each lane whose last event has another hash than it should: that which it should have."""
        self._live: OrderedDict[str, _Followed] = OrderedDict()
        self._digests: dict[int, int] = {}
        self._resumed: set[str] = set()

    @property
    def lanes(self) -> int:
        return len(self._last)

    def event(self, row: StoredEvent) -> None:
        """The next event by position."""
        self.events += 1
        if self._whole and row.position != self.position + 1:
            self._find(f"{row.position - self.position - 1} events are missing before it", row)
        self.position = row.position
        self._check_chain(row)
        event: ev.Event | None = None
        if row.payload is None:
            self.purged += 1
        else:
            try:
                event = decode_event(row)
            except ValueError as error:
                self._find(str(error), row)
        self._follow(row, event)

    def chains(self, rows: Mapping[str, Link]) -> None:
        """The ends of the chains, as they stood right after the last event."""
        for lane in sorted({*rows, *self._last}):
            said, last = rows.get(lane), self._last.get(lane)
            seen = None if last is None else _end(last)
            if said != seen:
                said_seq, seen_seq = (end.seq if end is not None else 0 for end in (said, seen))
                what = f"the lane's chain should end at {said_seq} and ends at {seen_seq}"
                self._add(Finding(what if said_seq != seen_seq else "the lane's chain has another end", lane=lane))

    def payment(self, row: Any) -> None:
        """A row of `payments`. One that has changed since the last event was seen cannot be judged, and is not."""
        if row.last_position > self.position:
            self._digests.pop(row.first_position, None)
            return
        self.payments += 1
        self._finish_all()
        place = {"lane": row.lane, "payment_id": row.payment_id, "position": row.first_position}
        digest = self._digests.pop(row.first_position, None)
        if digest is None:
            self._add(Finding("no event begins this payment", **place))
            return
        try:
            payment = decode_payment(row.record)
        except msgspec.MsgspecError as error:
            self._add(Finding(f"the payment's record is damaged: {error}", **place))
            return
        for name, value in named_payment_row(payment, row.first_position, row.last_position).items():
            if name != "record" and getattr(row, name) != value:
                self._add(Finding(f"the payment's column {name} is not what its record says", **place))
        known = digest != _UNKNOWN and row.payment_id not in self._resumed
        if known and digest != _digest(payment, row.last_position):
            self._add(Finding("the payment's record is not what its events make of it", **place))

    def end(self) -> None:
        """After the last payment."""
        self._finish_all()
        for position in sorted(self._digests):
            self._add(Finding("this event begins a payment that has no record", position=position))

    def _check_chain(self, row: StoredEvent) -> None:
        last = self._last.get(row.lane)
        before = Link() if last is None else _end(last)
        after = _follows(before, row)
        meant = self._meant.pop(row.lane, None) if self._meant else None
        # One damage is told once: whatever stands here is taken for what follows.
        self._last[row.lane] = row
        if row.seq != after.seq:
            self._find(f"it should be number {after.seq} of its lane", row)
        elif row.hash != after.hash:
            self._broken(row, last, after, meant)
        elif row.previous and row.previous != before.hash:
            self._find(_CHANGED, row)

    def _broken(self, row: StoredEvent, last: StoredEvent | None, after: Link, meant: Link | None) -> None:
        """Tell which event has changed, where one has another hash than those before it make of it."""
        if meant is not None and _follows(meant, row).hash == row.hash:
            # Of the one before it, which is told of, the hash alone has changed.
            return
        if last is not None and row.previous and row.previous != last.hash:
            # Until schema 0005 an event kept the hash of the one before it, and so agrees with itself, or does not.
            if _follows(Link(last.seq, row.previous), row).hash == row.hash:
                if meant is None:
                    self._find("it has changed since it was written, and its hash with it", last)
                return
            self._find(_CHANGED, row)
        elif last is None or row.previous:
            self._find(_CHANGED, row)
        else:
            # Damage does not make a hash that fits; whoever puts another event there can.
            place = f"number {last.seq} of its lane, position {last.position},"
            self._find(f"{_CHANGED}, unless {place} was replaced as a whole", row)
        self._meant[row.lane] = after

    def _follow(self, row: StoredEvent, event: ev.Event | None) -> None:
        followed = self._live.get(row.payment_id)
        if row.event in ev.FIRST_NAMES:
            payment = event.payment if isinstance(event, ev.FirstEvent) else None
            self._live[row.payment_id] = _Followed(row.position, row.position, payment)
            if len(self._live) > _MAX_LIVE:
                self._finish(*self._live.popitem(last=False))
            return
        if followed is None:
            self._resumed.add(row.payment_id)
            return
        self._live.move_to_end(row.payment_id)
        followed.last_position = row.position
        if event is None or followed.payment is None:
            followed.payment = None
            return
        try:
            followed.payment = advance(followed.payment, event, row.at_ms)
        except ValueError as error:
            self._find(str(error), row)
            followed.payment = None

    def _finish_all(self) -> None:
        while self._live:
            self._finish(*self._live.popitem(last=False))

    def _finish(self, _: str, followed: _Followed) -> None:
        payment = followed.payment
        digest = _UNKNOWN if payment is None else _digest(payment, followed.last_position)
        self._digests[followed.first_position] = digest

    def _find(self, what: str, row: StoredEvent) -> None:
        self._add(Finding(what, row.position, row.lane, row.seq, row.payment_id))

    def _add(self, finding: Finding) -> None:
        self.damages += 1
        if len(self.findings) < MAX_FINDINGS:
            self.findings.append(finding)


def _end(row: StoredEvent) -> Link:
    return Link(row.seq, row.hash)


def _follows(before: Link, row: StoredEvent) -> Link:
    return link(before, row.lane, row.payment_id, row.event, row.at_ms, row.payload_hash)


def _digest(payment: Payment, last_position: int) -> int:
    """Small, since there is one for every payment; against damage, not against malice, which the chain is for."""
    row = named_payment_row(payment, 0, last_position)
    parts: Iterable[object] = (last_position, payment.approval_code, *(row[name] for name in _COMPARED))
    return zlib.crc32(repr(tuple(parts)).encode())
