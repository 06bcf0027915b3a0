"""Closes a business day: adds it up, compares each terminal with the host, keeps the report. One close at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from functools import partial
from itertools import islice
from typing import TypeVar

import msgspec
from msgspec import Struct

from tpayd.hosts import HostFormatError
from tpayd.kit.bus import CallError, Request, Server
from tpayd.kit.logs import Log
from tpayd.transaction.aftermath import Aftermath
from tpayd.transaction.books import Books
from tpayd.transaction.closing.comparing import compared, not_compared, overall
from tpayd.transaction.closing.totals import DayBook, host_totals
from tpayd.transaction.errands.acknowledgements import LET_GO_AT_ONCE
from tpayd.transaction.errands.queue import Terminals
from tpayd.transaction.journal import JournalReader, JournalStore, StorageError
from tpayd.transaction.journal.day_book import EARLIER_DAYS_FROM
from tpayd.transaction.registry import Key
from tpayd.transaction.standalone.stubs import Stubs
from tpayd.transaction.steps.business_day import business_day_of
from tpayd.transaction.steps.host import HostSteps
from tpayd_contracts.business import (
    CLOSE,
    REPORT,
    TOTALS,
    CloseProgress,
    CloseReport,
    DayQuery,
    DayTotals,
    ReportQuery,
    TerminalBalance,
)
from tpayd_contracts.errors import ErrorCode, Outcome

__all__ = ["ClosingDesk"]

T = TypeVar("T")
_encoder = msgspec.msgpack.Encoder()
_reports = msgspec.msgpack.Decoder(CloseReport)


class _Terminal(Struct, frozen=True):
    """On whose behalf a reconciliation is sent."""

    profile: str
    terminal_id: str
    trace: str | None = None


class ClosingDesk:
    """Totals, closes and their reports."""

    def __init__(
        self,
        books: Books,
        *,
        store: JournalStore,
        reader: JournalReader,
        host: HostSteps,
        stubs: Stubs,
        terminals: Terminals,
        terminal_ids: Sequence[str],
        profile: str,
        cutoff: str,
        let_go: Callable[[Key], Awaitable[None]],
        aftermath: Aftermath,
    ) -> None:
        """`terminal_ids` are the store's own: each is compared, whether it sold anything or not.

        `let_go` closes a payment that no POS has acknowledged.
        """
        self._books = books
        self._log: Log = books.log
        self._store = store
        self._reader = reader
        self._host = host
        self._stubs = stubs
        self._terminals = terminals
        self._terminal_ids = tuple(terminal_ids)
        self._profile = profile
        self._cutoff = cutoff
        self._let_go = let_go
        self._aftermath = aftermath
        self._closing = asyncio.Lock()

    def register(self, server: Server) -> None:
        """Serve its operations."""
        server.handle(TOTALS, self._totals)
        server.handle(CLOSE, self._close)
        server.handle(REPORT, self._report)

    async def close_when_due(self, close_at: str) -> None:
        """Close the present day once it is `close_at` (HH:MM) or later, if that was not done. Called now and then."""
        now = self._books.clock.local()
        if now.strftime("%H:%M") < close_at or self._closing.locked():
            return
        due = now.replace(hour=int(close_at[:2]), minute=int(close_at[3:]), second=0, microsecond=0)
        try:
            kept = await self._reader.kept_close(self._profile, self._today(), None)
            if kept is None or _reports.decode(kept.report).totals.at_ms < due.timestamp() * 1000:
                await self.close(self._today(), lambda _: None)
        except (StorageError, CallError) as error:
            self._log.warning("business.not_closed", why=str(error))

    async def close(self, business_day: str, progress: Callable[[CloseProgress], None]) -> CloseReport:
        """Close a day. Raises CallError, also if another close is under way."""
        if self._closing.locked():
            raise CallError.not_started(ErrorCode.BUSY, "a close of business is under way already", retryable=True)
        async with self._closing:
            book = await self._add_up(business_day)
            totals = book.totals(self._books.clock.unix_ms())
            seen = sorted({*self._terminal_ids, *(line.terminal_id for line in totals.lines)})
            balances: list[TerminalBalance] = []
            for done, terminal_id in enumerate(seen):
                progress(CloseProgress(f"comparing terminal {terminal_id} with the host", done, len(seen)))
                balances.append(await self._compare(terminal_id, totals))
            report = CloseReport(
                0, overall(balances), totals, tuple(balances), without_pos=book.without_pos,
                restored=self._aftermath.at_close(business_day, self._cutoff),
            )  # fmt: skip
            kept = await self._keep(report)
            self._log.info("business.closed", day=business_day, number=kept.number, balance=kept.balance)
            await self._let_all_go(book.unacknowledged)
            return await self._purge(kept)

    # Operations

    async def _totals(self, _: Request, asked: DayQuery) -> DayTotals:
        return (await self._add_up(self._day(asked.business_day))).totals(self._books.clock.unix_ms())

    async def _close(self, request: Request, asked: DayQuery) -> CloseReport:
        return await self.close(self._day(asked.business_day), request.progress)

    async def _report(self, _: Request, asked: ReportQuery) -> CloseReport:
        kept = await _stored(self._reader.kept_close(self._profile, asked.business_day, asked.number))
        if kept is None:
            text = f"no such close of business under host profile {self._profile}; `tpayd close` makes one"
            raise CallError.not_started(ErrorCode.NOT_FOUND, text, field="$.business_day")
        return _reports.decode(kept.report)

    # Steps

    async def _add_up(self, business_day: str) -> DayBook:
        kept = await _stored(self._reader.kept_close(self._profile, business_day, None))
        book = DayBook(business_day, self._profile, None if kept is None else _reports.decode(kept.report))
        earliest = datetime.strptime(business_day, "%Y%m%d") - timedelta(days=EARLIER_DAYS_FROM)  # noqa: DTZ007
        # What is decided and not yet written belongs to the day as well.
        await _stored(self._books.journal.committed())
        await _stored(self._reader.read_day(business_day, earliest.strftime("%Y%m%d"), book.enter))
        return book

    async def _compare(self, terminal_id: str, totals: DayTotals) -> TerminalBalance:
        ours = host_totals(totals.lines, terminal_id)
        terminal = _Terminal(self._profile, terminal_id)
        try:
            async with self._terminals[terminal_id]:
                answer = await self._host.send_reconciliation(terminal, totals.business_day, ours)
        except (CallError, HostFormatError) as error:
            return not_compared(terminal_id, str(error))
        return compared(terminal_id, ours, answer, totals)

    async def _keep(self, report: CloseReport) -> CloseReport:
        made = partial(_numbered, report)
        totals = report.totals
        kept = await _stored(
            self._books.journal.ask(
                lambda: self._store.keep_close(self._profile, totals.business_day, totals.at_ms, made)
            )
        )
        return _reports.decode(kept.report)

    async def _let_all_go(self, keys: Sequence[Key]) -> None:
        """They are listed in the report; a POS that comes back may still acknowledge them."""
        left = iter(keys)
        try:
            while some := list(islice(left, LET_GO_AT_ONCE)):
                for key in some:
                    await self._let_go(key)
                await _stored(self._books.journal.committed())
        except CallError as error:
            self._log.warning("business.not_all_closed", why=error.message)

    async def _purge(self, report: CloseReport) -> CloseReport:
        """What is left of payments without a POS has done its duty: the books have been compared."""
        try:
            purged = await self._stubs.purge(report.totals.business_day)
        except (StorageError, CallError) as error:
            self._log.warning("business.stubs_not_purged", why=str(error))
            return report
        return msgspec.structs.replace(report, purged_stubs=purged.purged)

    def _day(self, asked: str | None) -> str:
        if asked is None:
            return self._today()
        try:
            datetime.strptime(asked, "%Y%m%d")  # noqa: DTZ007  a date alone
        except ValueError:
            text = f"business_day {asked} is no date"
            raise CallError.not_started(ErrorCode.INVALID_BODY, text, field="$.business_day") from None
        if asked > self._today():
            text = f"business_day {asked} has not begun"
            raise CallError.not_started(ErrorCode.INVALID_BODY, text, field="$.business_day")
        return asked

    def _today(self) -> str:
        return business_day_of(self._books.clock.local(), self._cutoff)


def _numbered(report: CloseReport, number: int) -> bytes:
    return _encoder.encode(msgspec.structs.replace(report, number=number))


async def _stored(asked: Awaitable[T]) -> T:
    try:
        return await asked
    except StorageError as error:
        text = f"the journal could not be read or written: {error}"
        raise CallError(ErrorCode.STORAGE_FAILED, text, outcome=Outcome.FAILED, retryable=True) from None
