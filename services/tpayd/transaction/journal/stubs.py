"""Takes what is left of a payment without a POS out of the journal, once its day is closed.

Its request id and its verdict stay, so that the id is never used for another payment, and its links of the hash chain,
so that the chain still verifies. Amount, numbers, approval and times are gone.
"""

from __future__ import annotations

import msgspec
from sqlalchemy import select, update
from sqlalchemy.engine import Connection

from tpayd.transaction.journal.coding import decode_payment
from tpayd.transaction.journal.entries import OPEN_STATES, named_payment_row
from tpayd.transaction.journal.schema import events, payments
from tpayd.transaction.order import Order
from tpayd.transaction.payment import Payment

__all__ = ["is_stub", "purge_stub"]


def is_stub(record: bytes) -> bool:
    """Whether this is the record of a payment without a POS that is not purged yet."""
    try:
        payment = decode_payment(record)
    except msgspec.MsgspecError:
        return False
    return payment.standalone and payment.stan is not None


def purge_stub(connection: Connection, lane: str, request_id: str) -> Payment | None:
    """What is left of it; None if it has to stay for now."""
    key = payments.c.lane == lane, payments.c.request_id == request_id
    row = connection.execute(select(payments).where(*key).with_for_update()).one_or_none()
    if row is None:
        return None
    payment = decode_payment(row.record)
    if not payment.standalone or payment.state in OPEN_STATES or payment.acknowledged_ms is None:
        return None
    of_it = (
        events.c.position >= row.first_position,
        events.c.position <= row.last_position,
        events.c.payment_id == row.payment_id,
    )
    connection.execute(update(events).where(*of_it).values(payload=None))
    left = _left_of(payment)
    values = named_payment_row(left, row.first_position, row.last_position)
    connection.execute(update(payments).where(*key).values(values))
    return left


def _left_of(payment: Payment) -> Payment:
    return Payment(
        payment_id=payment.payment_id, lane=payment.lane, request_id=payment.request_id, body_hash=payment.body_hash,
        order=Order(kind=payment.ordered.kind, standalone=True), terminal_id=payment.terminal_id,
        profile=payment.profile, created_ms=payment.created_ms, state=payment.state, reason=payment.reason,
        acknowledged_ms=payment.acknowledged_ms, ended_ms=payment.ended_ms,
    )  # fmt: skip
