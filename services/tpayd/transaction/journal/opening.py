"""What a starting process reads: where the journal ends, and what is open."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import msgspec
from sqlalchemy import func, select, text
from sqlalchemy.engine import Connection

from tpayd.transaction.journal.chain import Link
from tpayd.transaction.journal.coding import decode_payment
from tpayd.transaction.journal.entries import OPEN_STATES, Ends
from tpayd.transaction.journal.errors import JournalDamagedError, StorageError
from tpayd.transaction.journal.gap import Gap
from tpayd.transaction.journal.rebuilding import Damaged, StoredEvent, parked, replay
from tpayd.transaction.journal.schema import chains, events, payments, stan_blocks
from tpayd.transaction.payment import Payment

__all__ = ["IS_OPEN", "Found", "check_end", "read_ends", "read_open", "rebuild"]

IS_OPEN = text("payments.open")
"""In the words of the index: SQLAlchemy's own `payments.open = 1` would read all payments that ever were."""


@dataclass(frozen=True)
class Found:
    """What a starting process finds."""

    open: tuple[Payment, ...]
    stan_blocks: dict[tuple[str, str], int]
    """(profile, terminal id) → last reserved STAN."""
    unacknowledged: tuple[Payment, ...] = ()
    """Paid, and the POS has not acknowledged it."""
    newest: dict[str, str] = field(default_factory=dict)
    """Lane → request id of the payment that it began last."""
    damaged: tuple[Damaged, ...] = ()
    """Of `open` and `unacknowledged`: those that could not be read, parked for a person."""
    restored: Gap | None = None
    """The journal was restored from a backup."""
    lanes_since: frozenset[str] = frozenset()
    """Lanes that have begun or asked for a payment since then."""
    rebuilt: tuple[Payment, ...] = ()
    """Of `open` and `unacknowledged`: those whose record was damaged, and that their events made again."""


def read_ends(connection: Connection) -> Ends:
    """The end of the journal, and of each lane's chain."""
    position = connection.execute(select(func.max(events.c.position))).scalar_one()
    rows = connection.execute(select(chains)).all()
    return Ends(
        position or 0,
        {row.lane: Link(row.seq, row.hash) for row in rows},
        {row.lane: row.newest for row in rows if row.newest is not None},
    )


def check_end(connection: Connection, ends: Ends) -> None:
    """That the last event is where its lane's chain ends. Raises JournalDamagedError."""
    if not ends.position:
        return
    last = connection.execute(select(events).where(events.c.position == ends.position)).one()
    if ends.chains.get(last.lane) != Link(last.seq, last.hash):
        raise JournalDamagedError(
            f"the journal is damaged: its last event, {ends.position}, is not where the chain of lane {last.lane} "
            "ends; `tpayd journal verify` says more. Put a backup in its place, or move it away"
        )


def read_open(connection: Connection, ends: Ends) -> Found:
    """What a starting process has to know. A payment that cannot be read keeps nobody else from starting."""
    kept: list[Payment] = []
    damaged: list[Damaged] = []
    rebuilt: list[Payment] = []
    for row in connection.execute(select(payments).where(IS_OPEN)).all():
        try:
            kept.append(decode_payment(row.record))
        except msgspec.MsgspecError as error:
            try:
                rebuilt.append(rebuild(connection, row.lane, row.request_id, error))
            except StorageError as beyond:
                damaged.append(Damaged(parked(row), str(beyond)))
    blocks = connection.execute(select(stan_blocks)).all()
    restored = Gap.read(connection)
    kept += rebuilt
    kept += [each.payment for each in damaged]
    return Found(
        tuple(payment for payment in kept if payment.state in OPEN_STATES),
        {(block.profile, block.terminal_id): block.reserved_to for block in blocks},
        tuple(payment for payment in kept if payment.state not in OPEN_STATES),
        dict(ends.newest),
        tuple(damaged),
        restored,
        restored.lanes_since(connection) if restored is not None else frozenset(),
        tuple(rebuilt),
    )


def rebuild(connection: Connection, lane: str, request_id: str, error: Exception) -> Payment:
    """The payment anew from its events. Raises StorageError."""
    key = payments.c.lane == lane, payments.c.request_id == request_id
    row: Any = connection.execute(select(payments).where(*key)).one()
    of_it = (
        events.c.position >= row.first_position,
        events.c.position <= row.last_position,
        events.c.payment_id == row.payment_id,
    )
    found = connection.execute(select(events).where(*of_it).order_by(events.c.position))
    try:
        return replay(StoredEvent(*tuple(event)) for event in found)
    except ValueError as beyond:
        raise StorageError(f"the payment's record is damaged ({error}), and its events do not help: {beyond}") from None
