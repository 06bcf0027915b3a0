"""Walks a journal from end to end, page by page, while a daemon may go on writing to it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, Select, func, select, tuple_
from sqlalchemy.engine import Connection
from sqlalchemy.exc import SQLAlchemyError

from tpayd.transaction.journal.auditing import Auditor, Finding
from tpayd.transaction.journal.chain import Link
from tpayd.transaction.journal.database import Database, reason_of
from tpayd.transaction.journal.errors import StorageError
from tpayd.transaction.journal.migrating import check_version
from tpayd.transaction.journal.progress import Progress
from tpayd.transaction.journal.rebuilding import StoredEvent
from tpayd.transaction.journal.schema import chains, events, payments

__all__ = ["Verified", "audit", "verify"]

PAGE = 2_000
"""Rows read in one transaction: a longer one would keep SQLite's log from being taken over."""


@dataclass(frozen=True)
class Verified:
    """What a walk found."""

    events: int
    purged: int
    """Of the events: those whose payload is purged."""
    payments: int
    lanes: int
    damages: int
    findings: tuple[Finding, ...]
    """The first of the damages."""

    @property
    def intact(self) -> bool:
        return not self.damages


def verify(url: str, progress: Progress, lane: str | None = None) -> Verified:
    """Walk the journal at `url`, or what one lane has in it.

    Raises StorageError, JournalVersionError, JournalUrlError.
    """
    with closing(Database(url, reading=True)) as database, closing(database.connect()) as connection:

        def page(query: Select[Any], *more: Select[Any]) -> list[Sequence[Row[Any]]]:
            with connection.begin():
                database.begin_to_read(connection)
                return [connection.execute(each).all() for each in (query, *more)]

        try:
            with connection.begin():
                check_version(connection)
        except SQLAlchemyError as error:
            raise StorageError(reason_of(error)) from error
        return audit(page, progress, lane)


Page = Callable[..., list[Sequence[Row[Any]]]]
"""Runs queries within one transaction."""


def in_transaction(connection: Connection) -> Page:
    """Pages of the transaction that the connection is in: what is not committed yet is seen too."""
    return lambda *queries: [connection.execute(query).all() for query in queries]


def audit(page: Page, progress: Progress, lane: str | None = None) -> Verified:
    """The walk itself. What cannot be read is a finding, and ends it."""
    auditor = Auditor(lane)
    findings: list[Finding] = []
    try:
        _walk(page, auditor, progress, lane)
    except SQLAlchemyError as error:
        place = auditor.position + 1
        findings.append(Finding(f"the database cannot be read from here on: {reason_of(error)}", place))
    findings[:0] = auditor.findings
    return Verified(
        auditor.events, auditor.purged, auditor.payments, auditor.lanes, max(auditor.damages, len(findings)),
        tuple(findings),
    )  # fmt: skip


def _walk(page: Page, auditor: Auditor, progress: Progress, lane: str | None) -> None:
    of_lane = [] if lane is None else [payments.c.lane == lane]
    newest, counted = page(
        select(func.max(events.c.position)), select(func.count()).select_from(payments).where(*of_lane)
    )
    last, payments_count = newest[0][0] or 0, counted[0][0]
    while True:
        of_page = select(events).where(events.c.position > auditor.position)
        mine = of_page if lane is None else of_page.where(events.c.lane == lane)
        rows, ends = page(mine.order_by(events.c.position).limit(PAGE), select(chains))
        for row in rows:
            auditor.event(StoredEvent(*tuple(row)))
        progress("events", auditor.position, max(last, auditor.position))
        if len(rows) < PAGE:
            auditor.chains({end.lane: Link(end.seq, end.hash) for end in ends if lane in (None, end.lane)})
            break
    key = tuple_(payments.c.request_id, payments.c.lane)
    after = ("", "")
    while True:
        in_order = select(payments).where(key > after, *of_lane).order_by(payments.c.request_id, payments.c.lane)
        (rows,) = page(in_order.limit(PAGE))
        for row in rows:
            auditor.payment(row)
        progress("payments", auditor.payments, max(payments_count, auditor.payments))
        if len(rows) < PAGE:
            break
        after = (rows[-1].request_id, rows[-1].lane)
    auditor.end()
