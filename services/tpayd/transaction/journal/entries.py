"""What is put into the journal, and how it becomes rows."""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, get_args

import msgspec
from msgspec import Struct

from tpayd.transaction.events import Created, Event
from tpayd.transaction.journal.chain import Link, link
from tpayd.transaction.journal.coding import encode_event, encode_payment
from tpayd.transaction.journal.schema import payments
from tpayd.transaction.payment import Payment
from tpayd_contracts.payment import PaymentState as S

__all__ = [
    "OPEN_STATES",
    "UNACKNOWLEDGED",
    "Ends",
    "Entry",
    "Rows",
    "StanBlock",
    "named_payment_row",
    "payment_row",
    "rows_of",
]

OPEN_STATES = frozenset(
    {S.CREATED, S.LEASED, S.CARD_READ, S.SENDING, S.INQUIRING, S.AUTHORIZED, S.UNKNOWN, S.REVERSING, S.NEEDS_HUMAN}
)
"""What a restart has to decide; while any of these stands, the host profile may not change."""
UNACKNOWLEDGED = S.APPROVED
"""Paid, but the POS has not said that it knows. A restart only has to remember it."""

_NAMES: dict[type, str] = {kind: str(kind.__struct_config__.tag) for kind in get_args(Event)}
_CREATED = _NAMES[Created]
_NO_LINK = Link()
_SOUGHT = frozenset({*OPEN_STATES, UNACKNOWLEDGED})
_IMPLIED = b""
"""What an event is chained to is the hash of the one before it in its lane. Before schema 0005 a row said so again."""


class Entry(msgspec.Struct, frozen=True):
    """One event, and the payment after it."""

    payment: Payment
    event: Event
    at_ms: int


class StanBlock(Struct, frozen=True):
    """STANs up to `reserved_to` are taken; a crash skips the unused ones."""

    profile: str
    terminal_id: str
    reserved_to: int


@dataclass(frozen=True, slots=True)
class Ends:
    """Where the journal ends."""

    position: int
    """Of the last event."""
    chains: dict[str, Link]
    """The end of each lane's chain."""
    newest: dict[str, str] = field(default_factory=dict)
    """The request id of the payment that each lane began last."""


class Rows(Struct):
    """One transaction's rows by table, each row's values in the order of the table's columns."""

    ends: Ends
    """After this transaction."""
    events: list[tuple[Any, ...]]
    payments: list[tuple[Any, ...]]
    chains: list[tuple[Any, ...]]


def rows_of(entries: list[Entry], ends: Ends) -> Rows:
    """Chain the events to `ends`; of each payment only its last value is written."""
    chains, newest, position = dict(ends.chains), dict(ends.newest), ends.position
    last: dict[str, tuple[Payment, int, int]] = {}
    moved: dict[str, Link] = {}
    rows: list[tuple[Any, ...]] = []
    for entry in entries:
        payment, event, at_ms = entry.payment, entry.event, entry.at_ms
        lane, payment_id = payment.lane, payment.payment_id
        payload = encode_event(event)
        payload_hash = sha256(payload).digest()
        name = _NAMES[type(event)]
        before = chains.get(lane, _NO_LINK)
        after = chains[lane] = moved[lane] = link(before, lane, payment_id, name, at_ms, payload_hash)
        position += 1
        rows.append((position, lane, after.seq, payment_id, name, at_ms, payload, payload_hash, _IMPLIED, after.hash))
        known = last.get(payment_id)
        last[payment_id] = (payment, position if known is None else known[1], position)
        if name == _CREATED and not payment.standalone:
            newest[lane] = payment.request_id
    return Rows(
        Ends(position, chains, newest),
        rows,
        [payment_row(*each) for each in last.values()],
        [(lane, end.seq, end.hash, newest.get(lane)) for lane, end in moved.items()],
    )


def payment_row(payment: Payment, first_position: int, last_position: int) -> tuple[Any, ...]:
    """A row of `payments`; what its first event was stays from the first time it is put."""
    state = payment.state
    return (
        payment.lane, payment.request_id, payment.payment_id, first_position, last_position, state.value,
        state in _SOUGHT, payment.profile, payment.terminal_id, payment.business_day,
        payment.stan, payment.amount_minor, payment.created_ms, encode_payment(payment),
    )  # fmt: skip


def named_payment_row(payment: Payment, first_position: int, last_position: int) -> dict[str, Any]:
    """The same row, each value by its column's name."""
    return dict(zip(payments.c.keys(), payment_row(payment, first_position, last_position), strict=True))
