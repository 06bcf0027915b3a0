"""The journal of this process: opened with patience, looked after while it runs."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from functools import partial

from tpayd.kit.house import House
from tpayd.kit.settings import SettingsError
from tpayd.transaction.journal import (
    Found,
    Journal,
    JournalReader,
    JournalStore,
    JournalUrlError,
    StorageError,
    UnreachableError,
    place_of,
)
from tpayd.transaction.journal.quick_disk import QuickDisk
from tpayd.transaction.journal.writing import ThreadWriter
from tpayd.transaction.settings import TransactionSettings

__all__ = ["Bookkeeper", "rest_s"]

OPEN_AGAIN_S = 1.0
"""Between attempts to reach a database that does not answer. The process says STARTING meanwhile, and serves nobody."""
TELL_EVERY_MS = 5_000
"""How often the log says how far an upgrade is."""
BETWEEN_PAGES_S = 0.05
"""Rest after each page of a purge, at least."""
PAGES_REST = 3.0
"""The same in multiples of what the page took, its wait for the writing thread included: at most a quarter of that
thread's time is a purge's, and less the more there is to do."""
PAGES_REST_MAX_S = 1.0
DAY_MS = 86_400_000


class Bookkeeper:
    """Opens the journal, and tells of what is wrong with it."""

    def __init__(self, house: House[TransactionSettings], in_hand: Callable[[], int] = lambda: 0) -> None:
        """`in_hand` counts the payments that are worked on. Raises SettingsError."""
        self._house = house
        self._damaged = 0
        self._purged = house.metrics.counter("journal_payments_purged", "Payments whose details were purged for age")
        self.store, self.reader = _opened(house)
        disk = QuickDisk() if self.store.is_file else None
        writer = ThreadWriter(house.log, house.clock, disk, in_hand)
        self.journal = Journal(self.store, house.clock, house.log, writer)

    async def open(self) -> Found:
        """Wait for the database, as long as a start may take; upgrade an older journal; then read what is open.

        Raises StorageError, JournalOwnedError, JournalVersionError, JournalDamagedError.
        """
        house = self._house
        told = False
        while True:
            try:
                if self.store.outdated:
                    await self._upgrade()
                found = self.journal.open()
                break
            except UnreachableError as error:
                why = str(error)
            if not told:
                house.log.error("journal.unreachable", why=why)
            told = True
            await asyncio.sleep(OPEN_AGAIN_S)
        for payment in found.rebuilt:
            house.log.error("journal.payment_rebuilt", payment=payment.payment_id, state=payment.state)
        for damaged in found.damaged:
            house.log.error("journal.payment_damaged", payment=damaged.payment.payment_id, why=damaged.why)
        self._damaged = len(found.damaged)
        house.call_every(1.0, self.journal.expire)
        if house.settings.journal_keep_days:
            house.call_every(house.settings.journal_purge_every_s, self.purge)
        self._count()
        return found

    async def _upgrade(self) -> None:
        """In a thread: it may take minutes, and who does not answer meanwhile would be taken for hung, and killed."""
        house, stopped, told_ms = self._house, threading.Event(), 0

        def told(what: str, done: int, total: int) -> None:
            nonlocal told_ms
            if stopped.is_set():
                raise StorageError("the process was told to stop before the journal was upgraded")
            now_ms = house.clock.boottime_ms()
            if now_ms - told_ms >= TELL_EVERY_MS:
                house.log.info("journal.upgrading", what=what, done=done, of=total)
                told_ms = now_ms

        house.start_is_long = True
        try:
            await asyncio.to_thread(self.store.upgrade, told)
        finally:
            stopped.set()
            house.start_is_long = False
        house.log.info("journal.upgraded")

    async def purge(self) -> None:
        """Purge what is older than the settings say, a page at a time; payments go on between the pages."""
        house = self._house
        before_ms = house.clock.unix_ms() - house.settings.journal_keep_days * DAY_MS
        payments, place = 0, None
        while True:
            began_us = house.clock.monotonic_us()
            try:
                page = await self.journal.ask(partial(self.store.purge, before_ms, place))
            except StorageError as error:
                house.log.warning("journal.purge_failed", why=str(error))
                return
            payments += page.payments
            place = page.next_place
            if place is None:
                break
            took_s = (house.clock.monotonic_us() - began_us) / 1e6
            await asyncio.sleep(rest_s(took_s))
        self._purged.inc(payments)
        if payments:
            house.log.info("journal.purged", payments=payments, older_than_days=house.settings.journal_keep_days)

    def _count(self) -> None:
        metrics = self._house.metrics
        metrics.gauge("journal_failing", "1 while the journal cannot be written").set_function(
            lambda: 0 if self.journal.failing is None else 1
        )
        metrics.gauge("journal_payments_damaged", "Open payments that could not be read at start").set(self._damaged)


def rest_s(took_s: float) -> float:
    """Rest after a page of a purge that took so long."""
    return max(BETWEEN_PAGES_S, min(PAGES_REST_MAX_S, PAGES_REST * took_s))


def _opened(house: House[TransactionSettings]) -> tuple[JournalStore, JournalReader]:
    try:
        place = place_of(house.instance, house.settings.journal_url)
        return JournalStore(place.url, place.owner), JournalReader(place.url)
    except JournalUrlError as error:
        raise SettingsError(house.instance.settings_file("transaction"), "journal_url", str(error)) from None
